//! The pipeline over the real barrier, machine, engines and policies, with replicas in memory.

mod fixture;
mod mounts;
mod node;
mod pipeline;
mod replicas;
mod rights;
