//! One node's end of the in-memory network.

use super::Hub;
use super::frames::{self, Line};
use super::links::Passage;
use crate::contract::{
    CallError, Channel, Handler, Part, PeerState, PeerStatus, Refused, Transport,
};
use crate::frames::{Frames, OpenError};
use crate::intake::Intake;
use crate::settings::Settings;
use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use holdfast_types::NodeId;
use holdfast_types::limits::PEER_FRAME_BYTES_MAX;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Nodes in memory are found by number; nobody dials this.
const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// What other nodes see of a node.
pub(super) struct Node {
    pub(super) id: NodeId,
    pub(super) settings: Settings,
    peers: Mutex<BTreeMap<NodeId, Peer>>,
    handler: Mutex<Option<Arc<dyn Handler>>>,
    tasks: TaskTracker,
    /// Cancelled when the node stops taking work.
    closing: CancellationToken,
    /// Cancelled when its handlers may run no longer.
    dead: CancellationToken,
}

#[derive(Clone)]
struct Peer {
    address: SocketAddr,
    intake: Arc<Intake>,
    /// Cancelled when the peer is removed or this node is dead.
    gone: CancellationToken,
}

impl Node {
    pub(super) fn new(id: NodeId, settings: Settings) -> Self {
        Self {
            id,
            settings,
            peers: Mutex::default(),
            handler: Mutex::default(),
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
            dead: CancellationToken::new(),
        }
    }

    pub(super) fn die(&self) {
        self.closing.cancel();
        self.dead.cancel();
        self.handler.lock().take();
    }

    fn peer(&self, id: NodeId) -> Option<Peer> {
        self.peers.lock().get(&id).cloned()
    }
}

/// One node's transport on a [`super::MemoryNetwork`].
pub struct MemoryTransport {
    node: Arc<Node>,
    hub: Arc<Hub>,
}

/// Both ends of a link, each being the other's peer.
struct Ends {
    target: Arc<Node>,
    /// What this node knows of the target.
    ours: Peer,
    /// What the target knows of this node.
    theirs: Peer,
}

impl MemoryTransport {
    pub(super) fn new(node: Arc<Node>, hub: Arc<Hub>) -> Self {
        Self { node, hub }
    }

    fn ends(&self, to: NodeId) -> Option<Ends> {
        let ours = self.node.peer(to)?;
        let target = self.hub.nodes.lock().get(&to)?.clone();
        let theirs = target.peer(self.node.id)?;
        (!target.closing.is_cancelled()).then_some(Ends {
            target,
            ours,
            theirs,
        })
    }

    async fn call_inner(
        &self,
        to: NodeId,
        channel: Channel,
        body: Bytes,
        deadline: Duration,
    ) -> Result<Bytes, CallError> {
        if self.node.closing.is_cancelled() {
            return Err(CallError::Closed);
        }
        if body.len() > PEER_FRAME_BYTES_MAX {
            return Err(CallError::TooLarge {
                what: Part::Message,
            });
        }
        let Some(ends) = self.ends(to) else {
            self.knock(to, channel).await;
            return Err(CallError::Unreachable(to));
        };
        let exchange = self.exchange(&ends, channel, body, deadline);
        let exchange = tokio::time::timeout(deadline, exchange);
        tokio::select! {
            // An answer that has come is not undone by an end that follows it.
            biased;
            answer = exchange => answer.unwrap_or(Err(CallError::Timeout(to))),
            () = ends.ours.gone.cancelled() => Err(CallError::Lost(to)),
            () = ends.theirs.gone.cancelled() => Err(CallError::Lost(to)),
        }
    }

    async fn exchange(
        &self,
        ends: &Ends,
        channel: Channel,
        body: Bytes,
        deadline: Duration,
    ) -> Result<Bytes, CallError> {
        let (here, there) = (self.node.id, ends.target.id);
        let mut passage = Passage {
            from: here,
            to: there,
            channel: Some(channel),
            answer: false,
            size: body.len(),
        };
        self.hub.pass(&passage).await;
        let answer = serve(here, ends, channel, body, deadline)
            .map_err(CallError::Refused)?
            .await;
        let answer = match answer {
            Ok(Ok(answer)) if answer.len() > PEER_FRAME_BYTES_MAX => {
                Err(CallError::TooLarge { what: Part::Answer })
            }
            Ok(answer) => answer.map_err(CallError::Refused),
            Err(_) => Err(CallError::Lost(there)),
        };
        (passage.from, passage.to, passage.answer) = (there, here, true);
        passage.size = answer.as_ref().map_or(0, Bytes::len);
        self.hub.pass(&passage).await;
        answer
    }

    /// Tells a node that takes this one for a stranger that it is here, if the network lets it.
    async fn knock(&self, to: NodeId, channel: Channel) {
        let target = self.hub.nodes.lock().get(&to).cloned();
        let target = target.filter(|target| target.peer(self.node.id).is_none());
        let (Some(target), Some(_)) = (target, self.node.peer(to)) else {
            return;
        };
        let passage = Passage {
            from: self.node.id,
            to,
            channel: Some(channel),
            answer: false,
            size: 0,
        };
        let passes = self.hub.pass(&passage);
        let handler = target.handler.lock().clone();
        if tokio::time::timeout(self.node.settings.connect_wait, passes)
            .await
            .is_ok()
            && let Some(handler) = handler
            && !target.closing.is_cancelled()
        {
            let from = self.node.id;
            target
                .tasks
                .spawn(async move { handler.knock(from, NOWHERE).await });
        }
    }

    fn open(&self, to: NodeId) -> Result<Frames, OpenError> {
        if self.node.closing.is_cancelled() {
            return Err(OpenError::Closed);
        }
        let ends = self.ends(to).ok_or(OpenError::Unreachable(to))?;
        if !self.hub.is_whole(self.node.id, to) {
            return Err(OpenError::Unreachable(to));
        }
        let line = Line {
            hub: self.hub.clone(),
            stall: self
                .node
                .settings
                .stream_stall
                .min(self.node.settings.idle_timeout),
            ends: Arc::new([
                ends.ours.gone,
                ends.theirs.gone.clone(),
                self.node.closing.clone(),
                ends.target.closing.clone(),
            ]),
        };
        let handler = ends.target.handler.lock().clone();
        let room = ends.theirs.intake.stream();
        let (handler, room) = match (handler, room) {
            (Some(handler), Ok(room)) => (handler, room),
            (None, _) => return Ok(frames::refused(Refused::new("the node is starting"))),
            (_, Err(refused)) => return Ok(frames::refused(refused)),
        };
        let [(near_sink, near_source), (far_sink, far_source)] =
            frames::pair(line, self.node.id, to);
        let here = self.node.id;
        let (gone, closing) = (ends.theirs.gone, ends.target.closing.clone());
        ends.target.tasks.spawn(async move {
            let _room = room;
            let serving = handler.accept_stream(here, far_sink, far_source);
            tokio::select! {
                () = gone.cancelled() => {}
                () = closing.cancelled() => {}
                () = serving => {}
            }
        });
        Ok((near_sink, near_source))
    }

    fn set_peers_inner(&self, peers: &BTreeMap<NodeId, SocketAddr>) {
        let mut known = self.node.peers.lock();
        known.retain(|id, peer| {
            let stays = peers.contains_key(id);
            if !stays {
                peer.gone.cancel();
            }
            stays
        });
        for (&id, &address) in peers {
            if id == self.node.id {
                continue;
            }
            let new = || Peer {
                address,
                intake: Arc::new(Intake::new(&self.node.settings)),
                gone: self.node.dead.child_token(),
            };
            known.entry(id).or_insert_with(new).address = address;
        }
    }

    fn status_of(&self, id: NodeId, peer: &Peer) -> PeerStatus {
        let connected = self.ends(id).is_some() && self.hub.is_whole(self.node.id, id);
        PeerStatus {
            id,
            address: peer.address,
            state: if connected {
                PeerState::Connected
            } else {
                PeerState::Unreachable
            },
            rtt: connected.then(|| self.hub.round_trip(self.node.id, id)),
            connects: u64::from(connected),
            last_error: None,
        }
    }
}

/// Starts the target's handler on a task of its own, as a peer across a network would run it: it goes on when the caller leaves.
fn serve(
    from: NodeId,
    ends: &Ends,
    channel: Channel,
    body: Bytes,
    deadline: Duration,
) -> Result<oneshot::Receiver<Result<Bytes, Refused>>, Refused> {
    let room = ends.theirs.intake.message(channel, body.len())?;
    let handler = ends.target.handler.lock().clone();
    let handler = handler.ok_or_else(|| Refused::new("the node is starting"))?;
    let dead = ends.target.dead.clone();
    let (mut sender, receiver) = oneshot::channel();
    ends.target.tasks.spawn(async move {
        let answer = tokio::time::timeout(deadline, handler.handle(from, channel, body));
        let answer = dead.run_until_cancelled(answer).await;
        drop((room, handler));
        match answer {
            // The caller may have left: then nobody wants the answer.
            Some(Ok(answer)) => drop(sender.send(answer)),
            // Too late: the caller's own deadline speaks, so the channel stays open until then.
            Some(Err(_)) => drop(dead.run_until_cancelled(sender.closed()).await),
            None => {}
        }
    });
    Ok(receiver)
}

impl Hub {
    /// Takes as long as the passage does; for ever when it is lost, so that the caller's deadline decides.
    pub(super) async fn pass(&self, passage: &Passage) {
        let delay = self.links.lock().judge(passage);
        match delay {
            Some(Duration::ZERO) => {}
            Some(delay) => tokio::time::sleep(delay).await,
            None => futures::future::pending().await,
        }
    }

    fn is_whole(&self, a: NodeId, b: NodeId) -> bool {
        let links = self.links.lock();
        !links.is_cut(a, b) && !links.is_cut(b, a)
    }

    fn round_trip(&self, a: NodeId, b: NodeId) -> Duration {
        let links = self.links.lock();
        links.delay_of(a, b) + links.delay_of(b, a)
    }
}

impl Transport for MemoryTransport {
    fn local_id(&self) -> NodeId {
        self.node.id
    }

    fn serve(&self, handler: Arc<dyn Handler>) {
        if !self.node.closing.is_cancelled() {
            *self.node.handler.lock() = Some(handler);
        }
    }

    fn call(
        &self,
        to: NodeId,
        channel: Channel,
        body: Bytes,
        deadline: Duration,
    ) -> BoxFuture<'_, Result<Bytes, CallError>> {
        self.call_inner(to, channel, body, deadline).boxed()
    }

    fn open_stream(&self, to: NodeId) -> BoxFuture<'_, Result<Frames, OpenError>> {
        async move { self.open(to) }.boxed()
    }

    fn set_peers(&self, peers: BTreeMap<NodeId, SocketAddr>) {
        self.set_peers_inner(&peers);
    }

    fn rtt(&self, to: NodeId) -> Option<Duration> {
        let peer = self.node.peer(to)?;
        self.status_of(to, &peer).rtt
    }

    fn peer_state(&self, to: NodeId) -> Option<PeerState> {
        let peer = self.node.peer(to)?;
        Some(self.status_of(to, &peer).state)
    }

    fn status(&self) -> Vec<PeerStatus> {
        let peers = self.node.peers.lock().clone();
        peers
            .iter()
            .map(|(&id, peer)| self.status_of(id, peer))
            .collect()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        async move {
            self.node.closing.cancel();
            self.node.tasks.close();
            let drained = self.node.tasks.wait();
            if tokio::time::timeout(self.node.settings.drain, drained)
                .await
                .is_err()
            {
                tracing::warn!(node = %self.node.id, "handlers were still running at close");
            }
            self.node.die();
            self.node.tasks.wait().await;
            let mut nodes = self.hub.nodes.lock();
            if nodes
                .get(&self.node.id)
                .is_some_and(|node| Arc::ptr_eq(node, &self.node))
            {
                nodes.remove(&self.node.id);
            }
        }
        .boxed()
    }
}
