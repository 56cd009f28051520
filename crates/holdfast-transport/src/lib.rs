//! QUIC peer links with mutual TLS and framing, and an in-memory twin.
//!
//! - [`Transport`] and [`Handler`] are the contract; nothing above this crate sees `quinn`.
//!
//! Only sealed bytes pass here: this crate cannot decrypt (it does not link `holdfast-crypto`). Decisions: `DESIGN.md`.

mod certs;
mod contract;
mod frames;
mod intake;
mod memory;
mod settings;

pub use certs::{
    AuthorityError, ClusterAuthority, ClusterName, ClusterNameError, Identity, IdentityError,
    IssuedCertificate, write_secret_file,
};
pub use contract::{CallError, Channel, Handler, Part, PeerState, PeerStatus, Refused, Transport};
pub use frames::{FrameSink, FrameSource, Frames, OpenError, StreamError};
pub use memory::{MemoryNetwork, MemoryTransport, Passage, Verdict};
pub use settings::Settings;
