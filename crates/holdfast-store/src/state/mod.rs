//! The state: rows, applied position, membership, digest; no log of its own.

mod apply;
mod generation;
mod install;
mod open;
mod store;
mod view;

pub use apply::{Applied, ApplyEntry, Payload};
pub use store::{DigestMismatch, StateStore, VerifyError};
pub use view::StateView;

pub(crate) use open::open_state;
