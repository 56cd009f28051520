//! Chaos runs on real processes: scenarios, workloads, faults, verdicts.
//!
//! A scenario and a seed give a schedule. A run starts a cluster of `holdfast server` processes whose peer links go through a
//! relay, lets clients work on it, lets faults strike as scheduled, heals everything, looks at everything once more, stops the
//! nodes, reads what they left behind and lets the checkers judge.
//!
//! # What a run promises
//! 1. A fault counts only when it was seen to bite; a run that lacks one it claims is inconclusive, never passed.
//! 2. However it ends, its processes end with it, and what it mounted and limited is undone.
//! 3. No share and no token is written to any file of the harness.

pub mod ability;
pub mod binary;
pub mod called;
pub mod catalogue;
pub mod cli;
pub mod cluster;
pub mod commands;
pub mod evidence;
pub mod exit;
mod inject;
pub mod judge;
pub mod length;
pub mod losses;
pub mod mutants;
mod output;
pub mod rng;
pub mod runner;
pub mod scenario;
pub mod schedule;
pub mod summary;
pub mod table;
pub mod target;
mod wire;
