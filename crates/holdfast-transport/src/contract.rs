//! What a transport is, whoever carries the bytes: the calls a node makes and the handler that answers its peers.
//!
//! Implemented by [`crate::QuicTransport`] for real networks and [`crate::MemoryTransport`] for tests and simulation; one
//! contract test suite (`tests/contract`) runs against both.

use crate::frames::{FrameSink, FrameSource, Frames, OpenError};
use bytes::Bytes;
use futures::future::BoxFuture;
use holdfast_types::NodeId;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// What a message is for. Messages of different channels never wait for each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// Votes, pre-votes, heartbeats, read index, pings: small, urgent, sent first.
    Heartbeat,
    /// Log entries.
    Log,
    /// Proposals and questions sent on to the leader.
    Forward,
    /// Small questions about snapshots, sent last. The snapshot itself goes through [`Transport::open_stream`].
    Snapshot,
}

impl Channel {
    /// Every channel, in order of urgency.
    pub const ALL: [Self; 4] = [Self::Heartbeat, Self::Log, Self::Forward, Self::Snapshot];
}

/// Why a call has no answer.
///
/// [`Self::fate_unknown`] says whether the peer may have acted on it: an unknown fate must never be reported as "did not happen".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// No connection to that node, or it is no peer. Nothing was sent.
    #[error("node {0} cannot be reached")]
    Unreachable(NodeId),
    /// No answer within the deadline. The peer may have acted.
    #[error("node {0} did not answer in time")]
    Timeout(NodeId),
    /// The connection ended before the answer came. The peer may have acted.
    #[error("the connection to node {0} was lost before it answered")]
    Lost(NodeId),
    /// The message or its answer is larger than a frame may be. A message was not sent; an answer means the peer acted.
    #[error("the {what} is larger than a frame between peers may be")]
    TooLarge {
        /// Which of the two is too large.
        what: Part,
    },
    /// The peer did not take the message: its handler refused, or it has too much to do. It did not act.
    #[error("refused by the peer: {0}")]
    Refused(Refused),
    /// This transport is closed or closing. Nothing was sent.
    #[error("the transport is closed")]
    Closed,
}

/// One half of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What the caller sent.
    Message,
    /// What the peer's handler returned.
    Answer,
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Message => "message",
            Self::Answer => "answer",
        })
    }
}

impl CallError {
    /// True when the peer may have acted on the message although no answer came.
    #[must_use]
    pub fn fate_unknown(&self) -> bool {
        match self {
            Self::Timeout(_) | Self::Lost(_) => true,
            Self::TooLarge { what } => *what == Part::Answer,
            Self::Unreachable(_) | Self::Refused(_) | Self::Closed => false,
        }
    }
}

/// A handler's word that it did not take a message. The reason crosses the wire: it names no secret and no value, and is
/// cut at [`Refused::REASON_BYTES_MAX`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Refused {
    reason: Cow<'static, str>,
}

impl Refused {
    /// Longest reason that is sent, in bytes.
    pub const REASON_BYTES_MAX: usize = 256;

    /// A refusal with its reason, for the peer's operator to read.
    pub fn new(reason: impl Into<Cow<'static, str>>) -> Self {
        let mut reason = reason.into();
        if reason.len() > Self::REASON_BYTES_MAX {
            let cut = reason.floor_char_boundary(Self::REASON_BYTES_MAX);
            reason = Cow::Owned(reason[..cut].to_owned());
        }
        Self { reason }
    }

    /// The reason, at most [`Self::REASON_BYTES_MAX`] bytes.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// The serving side of a node. `from` has proved its identity and is a peer.
pub trait Handler: Send + Sync + 'static {
    /// Answers one message.
    ///
    /// The future is dropped once the caller's deadline has passed: work that must finish all the same is spawned by the handler.
    fn handle(
        &self,
        from: NodeId,
        channel: Channel,
        body: Bytes,
    ) -> BoxFuture<'_, Result<Bytes, Refused>>;

    /// Serves one framed stream (a snapshot) that `from` opened. Dropping either half early aborts it at the other end.
    ///
    /// The future is dropped when the peer is removed or the transport closes.
    fn accept_stream(
        &self,
        from: NodeId,
        sink: Box<dyn FrameSink>,
        source: Box<dyn FrameSource>,
    ) -> BoxFuture<'_, ()>;

    /// A node that is no peer has dialled, showed a certificate of this cluster, and was refused. It listens where it dials
    /// from. It will try again: whoever has missed that it joined can make it a peer until then.
    fn knock(&self, from: NodeId, address: SocketAddr) -> BoxFuture<'_, ()>;
}

/// How well a peer can be reached for this node's own calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PeerState {
    /// A dial is in flight.
    Connecting,
    /// Connected, and admitted by the peer.
    Connected,
    /// The last dial failed; the next one follows within the backoff (at most about a second).
    Unreachable,
}

/// One peer as [`Transport::status`] lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerStatus {
    /// The peer.
    pub id: NodeId,
    /// Where it is dialled.
    pub address: SocketAddr,
    /// How well it can be reached.
    pub state: PeerState,
    /// Smoothed round trip of the present connection.
    pub rtt: Option<Duration>,
    /// How often a connection to it was made since it became a peer.
    pub connects: u64,
    /// Why it was last lost or could not be reached, for an operator. Kept after a reconnect.
    pub last_error: Option<String>,
}

/// Links from one node to its peers. Object safe; shared as `Arc<dyn Transport>`.
///
/// Caller contract:
/// 1. [`Self::serve`] is called once, when the handler can answer; messages that come before are refused.
/// 2. [`Self::set_peers`] follows every change of membership; only peers are dialled and only peers are served.
/// 3. [`Self::close`] is awaited before what the handler uses (Raft, the databases) is torn down.
pub trait Transport: Send + Sync + 'static {
    /// The node that this end speaks for.
    fn local_id(&self) -> NodeId;

    /// Starts to answer peers with `handler`. A later call replaces it. [`Self::close`] lets go of it.
    fn serve(&self, handler: Arc<dyn Handler>);

    /// Sends one message and waits for its answer, `deadline` at most.
    ///
    /// Without a connection it fails with [`CallError::Unreachable`] after waiting at most a tenth of a second for a dial in
    /// flight; it never waits out the deadline for a dead peer it already knows to be dead. Dropping the future abandons the call:
    /// the peer may still act.
    fn call(
        &self,
        to: NodeId,
        channel: Channel,
        body: Bytes,
        deadline: Duration,
    ) -> BoxFuture<'_, Result<Bytes, CallError>>;

    /// Opens a framed stream in both directions, on a connection of its own, for bulk that must not delay calls.
    fn open_stream(&self, to: NodeId) -> BoxFuture<'_, Result<Frames, OpenError>>;

    /// States the whole membership but for this node (an entry for it is ignored). Connections to those no longer in it close;
    /// a peer whose address changed is dialled anew.
    fn set_peers(&self, peers: BTreeMap<NodeId, SocketAddr>);

    /// Smoothed round trip to a connected peer.
    fn rtt(&self, to: NodeId) -> Option<Duration>;

    /// How well a peer can be reached; `None` when the node is no peer.
    fn peer_state(&self, to: NodeId) -> Option<PeerState>;

    /// Every peer, by id.
    fn status(&self) -> Vec<PeerStatus>;

    /// Stops taking messages, waits for running handlers (bounded), closes every connection, lets go of the handler and
    /// releases the port. Calls made after it has begun fail with [`CallError::Closed`]. Safe to repeat.
    fn close(&self) -> BoxFuture<'_, ()>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_cut_between_characters() {
        let refused = Refused::new("é".repeat(200));
        assert!(refused.reason().len() <= Refused::REASON_BYTES_MAX);
        assert!(refused.reason().chars().all(|c| c == 'é'));
    }

    #[test]
    fn only_a_sent_message_has_an_unknown_fate() {
        let node = NodeId(2);
        assert!(CallError::Timeout(node).fate_unknown());
        assert!(CallError::Lost(node).fate_unknown());
        assert!(CallError::TooLarge { what: Part::Answer }.fate_unknown());
        assert!(
            !CallError::TooLarge {
                what: Part::Message
            }
            .fate_unknown()
        );
        assert!(!CallError::Unreachable(node).fate_unknown());
        assert!(!CallError::Refused(Refused::new("busy")).fate_unknown());
    }
}
