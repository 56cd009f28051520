//! QUIC peer links with mutual TLS and framing, and an in-memory twin.
//!
//! - [`Transport`] and [`Handler`] are the contract; nothing above this crate sees `quinn`.
//! - [`QuicTransport`] carries it between real nodes: TLS 1.3, both sides' certificates checked against the cluster's
//!   authority and its membership.
//! - [`MemoryNetwork`] carries it inside one process, with links that can be cut, delayed and made lossy.
//! - [`ClusterAuthority`] issues node certificates, [`Identity`] is one node's, checked.
//!
//! Only sealed bytes pass here: this crate cannot decrypt (it does not link `holdfast-crypto`). Decisions: `DESIGN.md`.

mod certs;
mod contract;
mod frames;
mod intake;
mod memory;
mod quic;
mod settings;
mod wire;

pub use certs::{
    AuthorityError, ClusterAuthority, ClusterName, ClusterNameError, Identity, IdentityError,
    IssuedCertificate, write_secret_file,
};
pub use contract::{CallError, Channel, Handler, Part, PeerState, PeerStatus, Refused, Transport};
pub use frames::{FrameSink, FrameSource, Frames, OpenError, StreamError};
pub use memory::{MemoryNetwork, MemoryTransport, Passage, Verdict};
pub use quic::{BindError, QuicTransport};
pub use settings::Settings;
