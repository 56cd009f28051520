//! Whole clusters in one process: real stores in temporary directories, the network in memory or QUIC on loopback.

mod bootstrap;
mod cluster;
mod disk;
mod failover;
mod members;
mod put_back;
mod reconcile;
mod records;
mod slow_link;
mod snapshots;
mod storm;
mod suite;
mod watch;
