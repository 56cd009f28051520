//! Why a connection or a stream was closed, as the number that the other end sees. Never renumbered.

use crate::contract::Refused;
use crate::frames::StreamError;
use quinn::{ConnectionError, VarInt};

/// The node is shutting down.
pub(super) const CLOSING: VarInt = VarInt::from_u32(0);
/// The other end is no member of the cluster.
pub(super) const NOT_A_PEER: VarInt = VarInt::from_u32(1);
/// The other end broke the protocol.
pub(super) const PROTOCOL: VarInt = VarInt::from_u32(2);
/// A newer connection took its place.
pub(super) const REPLACED: VarInt = VarInt::from_u32(3);
/// A framed stream was dropped before its end.
pub(super) const ABANDONED: VarInt = VarInt::from_u32(4);
/// The caller's deadline passed while the handler ran.
pub(super) const TIMED_OUT: VarInt = VarInt::from_u32(5);
/// Too many framed streams.
pub(super) const BUSY: VarInt = VarInt::from_u32(6);
/// Nobody serves framed streams yet.
pub(super) const STARTING: VarInt = VarInt::from_u32(7);
/// Both halves of a framed stream reached their end.
pub(super) const DONE: VarInt = VarInt::from_u32(8);

/// What a stream's reset or stop code means to its user.
pub(super) fn stream_error(code: VarInt) -> StreamError {
    match code {
        BUSY => StreamError::Refused(Refused::new("too many streams of this node are open")),
        STARTING => StreamError::Refused(Refused::new("the node is starting")),
        CLOSING => StreamError::Lost,
        _ => StreamError::Abandoned,
    }
}

/// What a lost connection means to the user of a framed stream on it.
pub(super) fn stream_error_of_loss(error: &ConnectionError) -> StreamError {
    match error {
        ConnectionError::ApplicationClosed(close) if close.error_code == ABANDONED => {
            StreamError::Abandoned
        }
        _ => StreamError::Lost,
    }
}
