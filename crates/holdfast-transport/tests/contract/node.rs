//! A node under test: its transport, a handler that obeys the message, and waiting on conditions.

use crate::fabric::Fabric;
use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use holdfast_transport::{
    CallError, Channel, FrameSink, FrameSource, Frames, Handler, PeerState, Refused, Transport,
};
use holdfast_types::NodeId;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, mpsc};

/// Longer than anything here takes on a busy machine; a wait that reaches it has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Does what the first word of the message says.
pub(crate) struct Obedient {
    me: u64,
    /// Handlers that are inside "stuck" or "hold".
    pub(crate) inside: AtomicUsize,
    /// Lets every "hold" answer.
    pub(crate) release: Notify,
    streams: mpsc::UnboundedSender<Frames>,
    /// Streams whose handler runs.
    pub(crate) serving: AtomicUsize,
    /// Strangers that were refused.
    pub(crate) knocks: Mutex<BTreeSet<NodeId>>,
}

struct Inside<'a>(&'a AtomicUsize);

impl<'a> Inside<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Obedient {
    async fn answer(&self, from: NodeId, channel: Channel, body: Bytes) -> Result<Bytes, Refused> {
        match &body[..] {
            b"stuck" => {
                let _inside = Inside::new(&self.inside);
                futures::future::pending().await
            }
            b"hold" => {
                let _inside = Inside::new(&self.inside);
                self.release.notified().await;
                Ok(body)
            }
            b"refuse" => Err(Refused::new("because I say so")),
            b"panic" => panic!("a test asked this handler to panic"),
            b"long" => Ok(Bytes::from(vec![
                0;
                holdfast_types::limits::PEER_FRAME_BYTES_MAX
                    + 1
            ])),
            b"who" => Ok(Bytes::from(format!("{}<{from}:{channel:?}", self.me))),
            _ => Ok(body),
        }
    }
}

impl Handler for Obedient {
    fn handle(
        &self,
        from: NodeId,
        channel: Channel,
        body: Bytes,
    ) -> BoxFuture<'_, Result<Bytes, Refused>> {
        self.answer(from, channel, body).boxed()
    }

    fn accept_stream(
        &self,
        _from: NodeId,
        sink: Box<dyn FrameSink>,
        source: Box<dyn FrameSource>,
    ) -> BoxFuture<'_, ()> {
        async move {
            let _serving = Inside::new(&self.serving);
            self.streams.send((sink, source)).ok().unwrap();
            futures::future::pending().await
        }
        .boxed()
    }

    fn knock(&self, from: NodeId, _address: SocketAddr) -> BoxFuture<'_, ()> {
        self.knocks.lock().unwrap().insert(from);
        futures::future::ready(()).boxed()
    }
}

pub(crate) struct Node {
    pub(crate) id: u64,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) handler: Arc<Obedient>,
    streams: mpsc::UnboundedReceiver<Frames>,
}

impl Node {
    /// Starts a node that serves.
    pub(crate) fn start(fabric: &impl Fabric, id: u64) -> Self {
        let transport = fabric.start(id);
        let (sender, streams) = mpsc::unbounded_channel();
        let handler = Arc::new(Obedient {
            me: id,
            inside: AtomicUsize::new(0),
            release: Notify::new(),
            streams: sender,
            serving: AtomicUsize::new(0),
            knocks: Mutex::default(),
        });
        transport.serve(handler.clone());
        Self {
            id,
            transport,
            handler,
            streams,
        }
    }

    pub(crate) async fn call(
        &self,
        to: u64,
        channel: Channel,
        body: impl Into<Bytes>,
        deadline: Duration,
    ) -> Result<Bytes, CallError> {
        self.transport
            .call(NodeId(to), channel, body.into(), deadline)
            .await
    }

    /// A heartbeat that must be answered.
    pub(crate) async fn ping(&self, to: u64) -> Duration {
        let begun = Instant::now();
        let answer = self.call(to, Channel::Heartbeat, "ping", PATIENCE).await;
        assert_eq!(answer.unwrap(), "ping");
        begun.elapsed()
    }

    pub(crate) fn state(&self, of: u64) -> Option<PeerState> {
        self.transport.peer_state(NodeId(of))
    }

    /// The next stream that a peer opened to this node.
    pub(crate) async fn accepted(&mut self) -> Frames {
        let next = tokio::time::timeout(PATIENCE, self.streams.recv()).await;
        next.expect("a stream is opened in time").unwrap()
    }

    pub(crate) async fn open(&self, to: u64) -> Frames {
        self.transport.open_stream(NodeId(to)).await.unwrap()
    }
}

/// Makes all of `nodes` each other's peers and waits until they are connected.
pub(crate) async fn introduce(fabric: &impl Fabric, nodes: &[&Node]) {
    let ids: Vec<u64> = nodes.iter().map(|node| node.id).collect();
    for node in nodes {
        set_peers(fabric, node, &ids);
    }
    for node in nodes {
        for &id in ids.iter().filter(|&&id| id != node.id) {
            eventually("the nodes are connected", || {
                node.state(id) == Some(PeerState::Connected)
            })
            .await;
        }
    }
}

pub(crate) fn set_peers(fabric: &impl Fabric, node: &Node, ids: &[u64]) {
    let peers: BTreeMap<_, _> = ids
        .iter()
        .map(|&id| (NodeId(id), fabric.address(id)))
        .collect();
    node.transport.set_peers(peers);
}

/// Two nodes, 1 and 2, that know each other.
pub(crate) async fn two(fabric: &impl Fabric) -> (Node, Node) {
    let (one, two) = (Node::start(fabric, 1), Node::start(fabric, 2));
    introduce(fabric, &[&one, &two]).await;
    (one, two)
}

/// Waits until a condition holds.
pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
