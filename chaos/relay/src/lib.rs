//! A relay for datagrams between nodes: every directed link can be delayed, made lossy, or cut, and every packet can be read.
//!
//! - [`Relay::start`] stands at the advertised address of each node; the nodes themselves listen elsewhere.
//! - A [`Matrix`] holds one [`Rule`] per directed [`Link`]; [`patterns`] makes the usual ones.
//! - [`Relay::install`] lets a matrix in at once, [`Relay::verify`] says from counters whether it bit, [`Relay::heal`] takes it
//!   out again. Several may hold at the same time: their rules add up.
//! - A [`Wiretap`] is given every datagram as its sender sent it, those that are then lost included.
//!
//! Invariants: only loopback; every queue has a bound and counts what it refuses; chance comes from the seed, one stream per
//! link; after `install` has returned no datagram passes a link that it cut; dropped, it leaves no thread and no socket.

mod bite;
mod counters;
mod engine;
mod lane;
mod matrix;
pub mod patterns;
mod relay;
mod rule;
mod switch;
mod wires;

pub use bite::{Bite, Effect};
pub use counters::Counters;
pub use engine::Wiretap;
pub use matrix::{Link, Matrix};
pub use relay::{Installed, Relay, StartError, UnknownNode};
pub use rule::Rule;
