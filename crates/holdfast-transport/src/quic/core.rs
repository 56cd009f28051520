//! What all tasks of one transport share: the endpoint, the peers, the handler and the two stages of its end.

use super::link::Link;
use crate::certs::{ClusterName, node_of_certificate};
use crate::contract::Handler;
use crate::intake::Intake;
use crate::settings::Settings;
use holdfast_types::NodeId;
use parking_lot::Mutex;
use quinn::{Connection, Endpoint};
use rustls::crypto::CryptoProvider;
use rustls_pki_types::CertificateDer;
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Most connections that one peer may have to this node: its calls' and its streams', and those it forgot in a crash.
const INBOUND_CONNECTIONS_MAX: usize = 16;

/// Shared by every task; none of them outlives [`Core::dead`].
pub(super) struct Core {
    pub(super) node: NodeId,
    pub(super) cluster: ClusterName,
    pub(super) settings: Settings,
    /// Drawn when this process started, so that peers tell it from the one before.
    pub(super) boot: u64,
    pub(super) client: quinn::ClientConfig,
    pub(super) provider: Arc<CryptoProvider>,
    endpoint: Mutex<Option<Endpoint>>,
    pub(super) peers: Mutex<BTreeMap<NodeId, Arc<Peer>>>,
    handler: Mutex<Option<Arc<dyn Handler>>>,
    /// Links and watchers: they end with [`Self::dead`].
    pub(super) tasks: TaskTracker,
    /// Messages being answered and streams being served: waited for at close.
    pub(super) handlers: TaskTracker,
    /// Cancelled when the transport stops taking work.
    pub(super) closing: CancellationToken,
    /// Cancelled when nothing may run any longer.
    pub(super) dead: CancellationToken,
}

/// What a [`Core`] is made of besides what is the same for all.
pub(super) struct Parts {
    pub(super) node: NodeId,
    pub(super) cluster: ClusterName,
    pub(super) settings: Settings,
    pub(super) client: quinn::ClientConfig,
    pub(super) provider: Arc<CryptoProvider>,
    pub(super) endpoint: Endpoint,
}

impl Core {
    pub(super) fn new(parts: Parts) -> Self {
        Self {
            node: parts.node,
            cluster: parts.cluster,
            settings: parts.settings,
            boot: random(&parts.provider),
            client: parts.client,
            provider: parts.provider,
            endpoint: Mutex::new(Some(parts.endpoint)),
            peers: Mutex::default(),
            handler: Mutex::default(),
            tasks: TaskTracker::new(),
            handlers: TaskTracker::new(),
            closing: CancellationToken::new(),
            dead: CancellationToken::new(),
        }
    }

    pub(super) fn endpoint(&self) -> Option<Endpoint> {
        self.endpoint.lock().clone()
    }

    pub(super) fn take_endpoint(&self) -> Option<Endpoint> {
        self.endpoint.lock().take()
    }

    pub(super) fn handler(&self) -> Option<Arc<dyn Handler>> {
        self.handler.lock().clone()
    }

    pub(super) fn set_handler(&self, handler: Option<Arc<dyn Handler>>) {
        let earlier = std::mem::replace(&mut *self.handler.lock(), handler);
        // Dropped outside the lock: it may own what owns this transport.
        drop(earlier);
    }

    pub(super) fn peer(&self, id: NodeId) -> Option<Arc<Peer>> {
        self.peers.lock().get(&id).cloned()
    }

    /// The node whose certificate the other end proved to have.
    pub(super) fn identity_of(&self, connection: &Connection) -> Option<NodeId> {
        let chain = connection
            .peer_identity()?
            .downcast::<Vec<CertificateDer<'static>>>()
            .ok()?;
        node_of_certificate(chain.first()?, &self.cluster)
    }

    /// A random number for jitter and the like.
    pub(super) fn random(&self) -> u64 {
        random(&self.provider)
    }
}

fn random(provider: &CryptoProvider) -> u64 {
    let mut bytes = [0; 8];
    provider
        .secure_random
        .fill(&mut bytes)
        .expect("the system's random source answered when the keys were loaded");
    u64::from_be_bytes(bytes)
}

/// One peer, for as long as it is a member.
pub(super) struct Peer {
    pub(super) id: NodeId,
    pub(super) intake: Intake,
    /// Cancelled when it is removed, or with [`Core::dead`].
    pub(super) gone: CancellationToken,
    link: Mutex<Arc<Link>>,
    inbound: Mutex<VecDeque<Connection>>,
}

impl Peer {
    pub(super) fn new(core: &Core, id: NodeId, address: SocketAddr) -> Self {
        let gone = core.dead.child_token();
        Self {
            id,
            intake: Intake::new(&core.settings),
            link: Mutex::new(Arc::new(Link::new(address, gone.child_token()))),
            gone,
            inbound: Mutex::default(),
        }
    }

    pub(super) fn link(&self) -> Arc<Link> {
        self.link.lock().clone()
    }

    /// Replaces the link by one to another address; the old one ends.
    pub(super) fn relink(&self, address: SocketAddr) -> Arc<Link> {
        let link = Arc::new(Link::new(address, self.gone.child_token()));
        let earlier = std::mem::replace(&mut *self.link.lock(), link.clone());
        earlier.stop.cancel();
        link
    }

    /// Notes a connection that the peer made; the oldest gives way when there are too many.
    pub(super) fn note_inbound(&self, connection: Connection) {
        let mut inbound = self.inbound.lock();
        inbound.retain(|known| known.close_reason().is_none());
        inbound.push_back(connection);
        if inbound.len() > INBOUND_CONNECTIONS_MAX
            && let Some(oldest) = inbound.pop_front()
        {
            oldest.close(super::codes::REPLACED, b"too many connections of this node");
        }
    }

    pub(super) fn forget_inbound(&self, connection: &Connection) {
        let id = connection.stable_id();
        self.inbound.lock().retain(|known| known.stable_id() != id);
    }
}
