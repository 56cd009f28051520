//! QUIC peer links with mutual TLS and framing, and an in-memory twin.
//!
//! - [`Transport`] and [`Handler`] are the contract; nothing above this crate sees `quinn`.
//!
//! Only sealed bytes pass here: this crate cannot decrypt (it does not link `holdfast-crypto`). Decisions: `DESIGN.md`.

mod contract;
mod frames;

pub use contract::{CallError, Channel, Handler, Part, PeerState, PeerStatus, Refused, Transport};
pub use frames::{FrameSink, FrameSource, OpenError, StreamError};
