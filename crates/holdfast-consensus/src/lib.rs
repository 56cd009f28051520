//! Raft consensus over the store and the transport: the only importer of `openraft`, whose types stay inside.
//!
//! [`Consensus::start`] takes [`Options`] and gives a [`holdfast_machine::Replica`]:
//!
//! - **Proposals** go to the leader in one message, are stamped there, and are answered honestly (`NotProposed` or `Unknown`).
//! - **Linearizable reads** share read-index rounds; a read joins the next round and never one in flight.
//! - **Joining**: a node with an empty data directory takes part only when its number is known to be free; see [`NodeRecord`].
//! - **Gossip**: pings measure round trips, clocks and state digests, and tell how far each log is durable. Too slow a network
//!   is reported, a leader with an odd clock hands over, a node whose state differs from a majority's, or whose log lacks what it
//!   had promised, is quarantined.
//! - **Failing**: [`Consensus::fatal`] resolves when the process should exit (code 74).
//!
//! # Caller contract
//! 1. Every node of a cluster is started with the same cluster name and member list while the cluster is made.
//! 2. The transport is given unserved; consensus serves it and states its peers.
//! 3. [`Consensus::shutdown`] is awaited before the process ends; the stores close when the last clone is dropped.

mod acknowledged;
mod applied;
mod ballot;
mod clock;
mod codec;
mod duties;
mod freshness;
mod gossip;
mod host;
mod inner;
mod inspect;
mod join;
mod link;
mod log_adapter;
mod member;
mod members;
mod network;
mod peers;
mod portion;
mod propose;
mod quarantine;
mod quorum_gate;
mod raft_types;
mod read_batch;
mod read_index;
mod reconcile;
mod records;
mod replica;
mod roster;
mod server;
mod snapshot_in;
mod snapshot_out;
mod start;
mod state_adapter;
mod status;
mod step_down;
mod timing;
mod visitors;
mod witness;

#[cfg(test)]
mod tests;

pub use clock::{SystemClock, WallClock};
pub use host::{Host, SystemHost, hosted, spawn};
pub use inspect::{
    EntryPayload, Glance, LogEntry, Members, Unreadable, read_entry, read_log_id, read_vote,
};
pub use member::{Member, MemberInfo, NodeRecord, NodeRecordError};
pub use members::{MemberChange, MembersError};
pub use start::{Consensus, Options, StartError};
pub use timing::{Preset, Snapshots, Timing, TimingError, UnknownPreset};
