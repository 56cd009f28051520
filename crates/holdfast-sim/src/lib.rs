//! A whole cluster in one process, on virtual time, a virtual network and virtual disks, from one seed.
//!
//! Everything of a node runs as it does in production: machine, store, consensus with openraft, barrier, request pipeline,
//! engines, tokens. What is virtual reaches it through the traits that production uses too: time through tokio's clock, wall
//! clocks and entropy through `WallClock` and `Surroundings`, tasks through `Host`, peers through `Transport`, disks through
//! the store's own disk.
//!
//! - [`run()`] runs one seed: a cluster of three to seven nodes is made, used by clients, hurt by faults, healed and judged.
//! - After each event the invariants of `observe` are looked at; when the run is over, `holdfast-check` judges its history.
//! - Equal seeds give equal traces, byte for byte: [`Outcome::trace`] is a hash over every event with its virtual time.
//!
//! # Caller contract
//! 1. Build with `--cfg tokio_unstable` (`.cargo/config.toml` does): tokio's own random choices are seeded too.
//! 2. One run uses one thread; runs on several threads do not disturb each other.

#[cfg(not(tokio_unstable))]
compile_error!(
    "the simulator needs `--cfg tokio_unstable`; a RUSTFLAGS variable hides .cargo/config.toml"
);

mod ask;
mod client;
mod cluster;
mod dice;
mod evidence;
mod fault;
mod host;
mod ledger;
mod members;
mod node;
mod observe;
mod panics;
mod quorum;
mod run;
mod trace;
mod weather;

pub use observe::Broken;
pub use panics::heard;
pub use run::{Options, Outcome, Trouble, run};
pub use trace::Detail;
