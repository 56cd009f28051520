//! What the tests run on: nodes that can be started, crashed and started again at the same address.

use holdfast_transport::{
    ClusterAuthority, Identity, MemoryNetwork, QuicTransport, Settings, Transport,
};
use holdfast_types::NodeId;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// A way to run several nodes.
pub(crate) trait Fabric: Send + Sync {
    fn new(settings: Settings) -> Self;
    /// Starts a node, at its earlier address if it had one.
    fn start(&self, id: u64) -> Arc<dyn Transport>;
    /// Where a node was started, or a place where nobody listens.
    fn address(&self, id: u64) -> SocketAddr;
    /// Ends a node without a word to its peers. The caller has dropped its own handle.
    fn crash(&self, id: u64);
}

pub(crate) struct Memory {
    network: MemoryNetwork,
}

impl Fabric for Memory {
    fn new(settings: Settings) -> Self {
        Self {
            network: MemoryNetwork::new(settings),
        }
    }

    fn start(&self, id: u64) -> Arc<dyn Transport> {
        self.network.join(NodeId(id))
    }

    fn address(&self, id: u64) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], u16::try_from(id).unwrap()))
    }

    fn crash(&self, id: u64) {
        self.network.crash(NodeId(id));
    }
}

/// Every node has a runtime of its own: ending that is a crash, because nothing is sent any more.
pub(crate) struct Quic {
    settings: Settings,
    authority: ClusterAuthority,
    nodes: Mutex<BTreeMap<u64, (SocketAddr, Option<Runtime>)>>,
}

impl Fabric for Quic {
    fn new(settings: Settings) -> Self {
        Self {
            settings,
            authority: ClusterAuthority::generate("test").unwrap(),
            nodes: Mutex::default(),
        }
    }

    fn start(&self, id: u64) -> Arc<dyn Transport> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let wanted = self.nodes.lock().unwrap().get(&id).map(|node| node.0);
        let wanted = wanted.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 0)));
        let entered = runtime.enter();
        let transport = bind(&self.authority, id, wanted, &self.settings);
        drop(entered);
        let address = transport.local_address();
        let mut nodes = self.nodes.lock().unwrap();
        let earlier = nodes.insert(id, (address, Some(runtime)));
        if let Some((_, Some(runtime))) = earlier {
            runtime.shutdown_background();
        }
        transport
    }

    fn address(&self, id: u64) -> SocketAddr {
        let mut nodes = self.nodes.lock().unwrap();
        nodes
            .entry(id)
            .or_insert_with(|| (unused_address(), None))
            .0
    }

    fn crash(&self, id: u64) {
        let mut nodes = self.nodes.lock().unwrap();
        let runtime = nodes.get_mut(&id).and_then(|node| node.1.take());
        runtime.expect("the node runs").shutdown_background();
    }
}

impl Drop for Quic {
    fn drop(&mut self) {
        let nodes = std::mem::take(&mut *self.nodes.lock().unwrap());
        for (_, (_, runtime)) in nodes {
            if let Some(runtime) = runtime {
                runtime.shutdown_background();
            }
        }
    }
}

/// A node's identity from an authority.
pub(crate) fn identity(authority: &ClusterAuthority, id: u64, cluster: &str) -> Identity {
    let issued = authority.issue_node(NodeId(id), &[]).unwrap();
    Identity::load(
        authority.cert_pem().as_bytes(),
        issued.cert_pem.as_bytes(),
        issued.key_pem.as_bytes(),
        NodeId(id),
        cluster,
    )
    .ok()
    .unwrap()
}

/// Binds, waiting for the port of a node that has just crashed to be free.
fn bind(
    authority: &ClusterAuthority,
    id: u64,
    address: SocketAddr,
    settings: &Settings,
) -> Arc<QuicTransport> {
    let identity = identity(authority, id, "test");
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        match QuicTransport::bind(&identity, address, settings.clone()) {
            Ok(transport) => return transport,
            Err(error) if Instant::now() > deadline => panic!("{error}: {address}"),
            Err(_) => std::thread::yield_now(),
        }
    }
}

/// An address where nobody listens: just used, then freed.
fn unused_address() -> SocketAddr {
    std::net::UdpSocket::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}
