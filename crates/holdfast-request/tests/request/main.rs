//! The pipeline over the real barrier, machine, engines and policies, with replicas in memory.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail the test that calls them"
)]

mod fixture;
mod mounts;
mod node;
mod pipeline;
mod replicas;
mod rights;
