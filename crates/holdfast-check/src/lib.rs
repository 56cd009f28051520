//! Judges what a cluster did: histories of clients, samples of nodes and merged logs in, verdicts out. No IO, no clock.
//!
//! Used by the simulator and by the chaos harness alike, so that both mean the same by "never lies". One file per property;
//! each has a test that plants the anomaly it exists for.
//!
//! What every checker keeps to:
//! 1. A violation is certain: whatever may be explained by an unknown outcome, by equal times or by a late sample is none.
//! 2. An unknown write may take effect at any time after it was asked, or never. None is ever dropped.
//! 3. Too little seen is inconclusive where seeing is the point; where nothing of a kind was asked, [`coverage()`] says so.
//! 4. Equal histories, equal verdicts, byte for byte.

mod all;
mod canaries;
mod cas;
mod coverage;
mod digests;
mod duplicates;
mod durability;
#[cfg(test)]
mod fixtures;
mod judge;
mod keys;
mod linearizability;
mod liveness;
mod model;
mod ndjson;
mod nonces;
mod older;
mod operation;
mod phantoms;
mod raft;
mod revocation;
mod sealed;
mod since;
mod stale_reads;
#[cfg(test)]
mod tests;
mod versions;
mod wgl;

pub use all::{CHECKERS, judge_all, overall};
pub use canaries::{Canaries, CanariesError, PATTERN_BYTES_MIN};
pub use cas::cas;
pub use coverage::{Claims, coverage};
pub use digests::digests;
pub use duplicates::duplicates;
pub use durability::durability;
pub use judge::Judge;
pub use linearizability::linearizability;
pub use liveness::{LivenessBounds, is_fast_again, liveness};
pub use model::{
    Action, Consistency, Fault, History, LogRecord, NodeLog, NodeSample, NodeState, Operation,
    Outcome, Payload, Ruling, Seen, Verdict, Violation,
};
pub use ndjson::NdjsonError;
pub use nonces::Nonces;
pub use phantoms::phantoms;
pub use raft::{committed_immutable, election_safety, log_matching, monotonic};
pub use revocation::revocation;
pub use sealed::sealed;
pub use since::first_shown_ns;
pub use stale_reads::stale_reads;
pub use wgl::{wgl, wgl_key};
