//! The contract over QUIC: one UDP port per node, one connection per direction and peer for calls, one more per framed stream.

mod accept;
mod codes;
mod core;
mod dial;
mod exchange;
mod frames;
mod link;
mod serve;
mod socket;
mod tls;

use self::core::{Core, Parts, Peer};
use crate::certs::Identity;
use crate::contract::{CallError, Channel, Handler, Part, PeerState, PeerStatus, Transport};
use crate::frames::{Frames, OpenError};
use crate::settings::Settings;
use crate::wire::Kind;
use bytes::Bytes;
use frames::Owner;
use futures::FutureExt;
use futures::future::BoxFuture;
use holdfast_types::NodeId;
use holdfast_types::limits::{NODES_MAX, PEER_FRAME_BYTES_MAX};
use quinn::{AsyncUdpSocket, Endpoint, EndpointConfig, Runtime, TokioRuntime};
use socket::SteadySocket;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, oneshot};
use tokio::time::{Instant, timeout, timeout_at};

/// How long the end of the connections and of the port may take each, once all handlers are done.
/// A closed QUIC connection lingers for three of its timeouts, 0.1 s on a LAN and up to a second between continents.
const RELEASE_WAIT: Duration = Duration::from_secs(2);

/// Why the peer port could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The address cannot be bound.
    #[error("cannot bind the peer address {address}")]
    Socket {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The identity or the settings make no TLS or QUIC configuration.
    #[error("cannot configure QUIC for the peer port")]
    Configuration(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// One node's peer links. Dropped without [`Transport::close`], it ends at once, as a crash would.
pub struct QuicTransport {
    core: Arc<Core>,
    local_address: SocketAddr,
    socket: Arc<SteadySocket>,
    /// Resolves once the port is free; taken by the first close, which later ones wait for.
    released: Mutex<Option<oneshot::Receiver<()>>>,
}

impl QuicTransport {
    /// Opens the peer port and starts to accept. Must be called within a tokio runtime. Messages are refused until
    /// [`Transport::serve`], connections until [`Transport::set_peers`].
    pub fn bind(
        identity: &Identity,
        address: SocketAddr,
        settings: Settings,
    ) -> Result<Arc<Self>, BindError> {
        let socket = |source| BindError::Socket { address, source };
        let udp = std::net::UdpSocket::bind(address).map_err(socket)?;
        let udp = TokioRuntime.wrap_udp_socket(udp).map_err(socket)?;
        Self::start(identity, udp, settings)
    }

    fn start(
        identity: &Identity,
        udp: Arc<dyn AsyncUdpSocket>,
        settings: Settings,
    ) -> Result<Arc<Self>, BindError> {
        let configuration = |source: std::io::Error| BindError::Configuration(source.into());
        let server = tls::server_config(identity, &settings).map_err(BindError::Configuration)?;
        let client = tls::client_config(identity, &settings).map_err(BindError::Configuration)?;
        let (socket, released) = SteadySocket::new(udp).map_err(configuration)?;
        let endpoint = Endpoint::new_with_abstract_socket(
            EndpointConfig::default(),
            Some(server),
            socket.clone(),
            Arc::new(TokioRuntime),
        )
        .map_err(configuration)?;
        let local_address = endpoint.local_addr().map_err(configuration)?;
        let core = Arc::new(Core::new(Parts {
            node: identity.node,
            cluster: identity.cluster.clone(),
            settings,
            client,
            provider: identity.provider.clone(),
            endpoint: endpoint.clone(),
        }));
        core.tasks.spawn(accept::run(core.clone(), endpoint));
        Ok(Arc::new(Self {
            core,
            local_address,
            socket,
            released: Mutex::new(Some(released)),
        }))
    }

    /// The address that was bound, with its port when 0 was asked for.
    #[must_use]
    pub fn local_address(&self) -> SocketAddr {
        self.local_address
    }

    async fn call_inner(
        &self,
        to: NodeId,
        channel: Channel,
        body: Bytes,
        deadline: Duration,
    ) -> Result<Bytes, CallError> {
        let until = Instant::now() + deadline;
        if self.core.closing.is_cancelled() {
            return Err(CallError::Closed);
        }
        if body.len() > PEER_FRAME_BYTES_MAX {
            return Err(CallError::TooLarge {
                what: Part::Message,
            });
        }
        let peer = self.core.peer(to).ok_or(CallError::Unreachable(to))?;
        let wait = deadline.min(self.core.settings.connect_wait);
        let admitted = peer.link().admitted(wait).await;
        let connection = admitted.ok_or(CallError::Unreachable(to))?.connection;
        let left = until.saturating_duration_since(Instant::now());
        let exchange = exchange::exchange(&connection, to, channel, body, left);
        timeout_at(until, exchange)
            .await
            .unwrap_or(Err(CallError::Timeout(to)))
    }

    async fn open_inner(&self, to: NodeId) -> Result<Frames, OpenError> {
        let core = &self.core;
        if core.closing.is_cancelled() {
            return Err(OpenError::Closed);
        }
        let unreachable = || OpenError::Unreachable(to);
        let peer = core.peer(to).ok_or_else(unreachable)?;
        let dialled = dial::dial(core, to, peer.link().address).await;
        let connection = dialled.map_err(|_| unreachable())?.connection;
        let (mut send, recv) = connection.open_bi().await.map_err(|_| unreachable())?;
        let kind = [Kind::Frames.to_byte()];
        send.write_all(&kind).await.map_err(|_| unreachable())?;
        let (watched, closing) = (connection.clone(), core.closing.clone());
        core.tasks.spawn(async move {
            tokio::select! {
                _ = watched.closed() => {}
                () = peer.gone.cancelled() => watched.close(codes::NOT_A_PEER, b"removed"),
                () = closing.cancelled() => watched.close(codes::CLOSING, b"shutting down"),
            }
        });
        let owner = Owner::Dialler(connection);
        Ok(frames::halves(
            send,
            recv,
            owner,
            core.settings.stream_stall,
        ))
    }

    fn set_peers_inner(&self, mut peers: BTreeMap<NodeId, SocketAddr>) {
        let core = &self.core;
        peers.remove(&core.node);
        if peers.len() >= NODES_MAX {
            tracing::warn!(
                peers = peers.len(),
                "more peers than a cluster may have nodes"
            );
        }
        let mut known = core.peers.lock();
        if core.closing.is_cancelled() {
            return;
        }
        known.retain(|id, peer| {
            let stays = peers.contains_key(id);
            if !stays {
                peer.gone.cancel();
            }
            stays
        });
        for (id, address) in peers {
            let (peer, link) = if let Some(peer) = known.get(&id) {
                if peer.link().address == address {
                    continue;
                }
                (peer.clone(), peer.relink(address))
            } else {
                let peer = Arc::new(Peer::new(core, id, address));
                known.insert(id, peer.clone());
                let link = peer.link();
                (peer, link)
            };
            core.tasks.spawn(link::keep(core.clone(), peer, link));
        }
    }

    async fn close_inner(&self) {
        let core = &self.core;
        core.closing.cancel();
        let mut released = self.released.lock().await;
        let Some(released) = released.take() else {
            return;
        };
        core.handlers.close();
        if timeout(core.settings.drain, core.handlers.wait())
            .await
            .is_err()
        {
            tracing::warn!(
                running = core.handlers.len(),
                "handlers were still running at close"
            );
        }
        core.dead.cancel();
        core.set_handler(None);
        core.handlers.wait().await;
        core.tasks.close();
        core.tasks.wait().await;
        core.peers.lock().clear();
        let Some(endpoint) = core.take_endpoint() else {
            return;
        };
        endpoint.close(codes::CLOSING, b"shutting down");
        // Both are courtesies to the peers and to the next process; neither may hold up the end of this one.
        let idle = timeout(RELEASE_WAIT, endpoint.wait_idle()).await.is_ok();
        drop(endpoint);
        self.socket.release();
        let free = timeout(RELEASE_WAIT, released).await.is_ok();
        if !(idle && free) {
            tracing::warn!("the peer port was not released in time");
        }
    }
}

impl Drop for QuicTransport {
    fn drop(&mut self) {
        self.core.closing.cancel();
        self.core.dead.cancel();
        self.core.set_handler(None);
        if let Some(endpoint) = self.core.take_endpoint() {
            endpoint.close(codes::CLOSING, b"shutting down");
        }
    }
}

impl Transport for QuicTransport {
    fn local_id(&self) -> NodeId {
        self.core.node
    }

    fn serve(&self, handler: Arc<dyn Handler>) {
        if !self.core.closing.is_cancelled() {
            self.core.set_handler(Some(handler));
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
        self.open_inner(to).boxed()
    }

    fn set_peers(&self, peers: BTreeMap<NodeId, SocketAddr>) {
        self.set_peers_inner(peers);
    }

    fn rtt(&self, to: NodeId) -> Option<Duration> {
        self.core.peer(to)?.link().rtt()
    }

    fn peer_state(&self, to: NodeId) -> Option<PeerState> {
        Some(self.core.peer(to)?.link().state())
    }

    fn status(&self) -> Vec<PeerStatus> {
        let peers: Vec<_> = self.core.peers.lock().values().cloned().collect();
        peers
            .iter()
            .map(|peer| {
                let link = peer.link();
                let history = link.history();
                PeerStatus {
                    id: peer.id,
                    address: link.address,
                    state: link.state(),
                    rtt: link.rtt(),
                    connects: history.connects,
                    last_error: history.last_error,
                }
            })
            .collect()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.close_inner().boxed()
    }
}
