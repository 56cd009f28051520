//! Judges what a cluster did: histories of clients, samples of nodes and merged logs in, verdicts out. No IO, no clock.
//!
//! Used by the simulator and by the chaos harness alike, so that both mean the same by "never lies".

mod model;

pub use model::{
    Action, Consistency, Fault, History, LogRecord, NodeLog, NodeSample, NodeState, Operation,
    Outcome, Payload, Ruling, Seen, Verdict, Violation,
};
