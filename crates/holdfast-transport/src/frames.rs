//! A framed stream between two nodes, for bulk such as snapshots: what each end may do and how it fails.
//!
//! Frames arrive whole and in order. The receiver's pace holds the sender back, so memory stays bounded at both ends. An end
//! is either told ([`FrameSink::finish`]) or an error: a stream that was merely dropped never looks complete.

use crate::contract::Refused;
use bytes::Bytes;
use futures::future::BoxFuture;
use holdfast_types::NodeId;
use std::time::Duration;

/// Why a stream could not be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The node is no peer, or could not be connected to in time.
    #[error("node {0} cannot be reached for a stream")]
    Unreachable(NodeId),
    /// This transport is closed or closing.
    #[error("the transport is closed")]
    Closed,
}

/// Why a framed stream failed. After any error both halves are to be dropped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// The frame is larger than `holdfast_types::limits::PEER_FRAME_BYTES_MAX`.
    #[error("the frame is larger than a frame between peers may be")]
    TooLarge,
    /// No byte moved for as long as a stream may stand still, or no frame came within the stated wait.
    #[error("the stream stood still for too long")]
    Stalled,
    /// The other end dropped the stream, or it ended inside a frame.
    #[error("the stream was abandoned by the other end")]
    Abandoned,
    /// The other end did not take the stream: it is no handler's, or there are too many.
    #[error("the stream was refused by the peer: {0}")]
    Refused(Refused),
    /// The connection was lost, the peer removed, or the transport closed.
    #[error("the connection under the stream was lost")]
    Lost,
}

/// The sending half. Dropped before [`Self::finish`], it aborts the stream at the other end.
///
/// A future of this trait that is dropped before it is done leaves the stream unusable ([`StreamError::Abandoned`]).
pub trait FrameSink: Send {
    /// Sends one frame; waits while the receiver is behind. Fails with [`StreamError::Stalled`] when it takes no byte for
    /// the transport's stall limit.
    fn send(&mut self, frame: Bytes) -> BoxFuture<'_, Result<(), StreamError>>;

    /// Tells the other end that this was all, and waits until it has received everything.
    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<(), StreamError>>;
}

/// The receiving half.
///
/// A future of this trait that is dropped before it is done leaves the stream unusable ([`StreamError::Abandoned`]).
pub trait FrameSource: Send {
    /// The next frame, or `None` after the other end's finish. `wait` bounds the time until its first byte; from there on
    /// the transport's stall limit holds.
    fn recv(&mut self, wait: Duration) -> BoxFuture<'_, Result<Option<Bytes>, StreamError>>;
}

/// Both halves of one stream.
pub type Frames = (Box<dyn FrameSink>, Box<dyn FrameSource>);
