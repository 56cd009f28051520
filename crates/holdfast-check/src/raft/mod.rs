//! The invariants of Raft, as far as samples and logs show them.
//!
//! This cluster's leaders are known by term and node: one term may have two, the later with the higher number. What holds for
//! a leader of Raft's papers holds here for a pair of term and node.

mod committed;
mod elections;
mod logs;
mod monotonic;
#[cfg(test)]
mod tests;

pub use committed::committed_immutable;
pub use elections::election_safety;
pub use logs::log_matching;
pub use monotonic::monotonic;
