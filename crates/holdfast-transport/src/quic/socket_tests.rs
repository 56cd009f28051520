//! A node whose every send fails for longer than the idle timeout is back as soon as sending works again.

use super::super::QuicTransport;
use super::*;
use crate::certs::{ClusterAuthority, Identity};
use crate::contract::{Channel, Handler, PeerState, Refused, Transport};
use crate::frames::{FrameSink, FrameSource};
use crate::settings::Settings;
use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use holdfast_types::NodeId;
use quinn::{Runtime, TokioRuntime};
use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

/// A socket whose sends fail while `broken`, as under a firewall's output rule.
#[derive(Debug)]
struct Breakable {
    inner: Arc<dyn AsyncUdpSocket>,
    broken: Arc<AtomicBool>,
    failed: Arc<AtomicU64>,
}

impl AsyncUdpSocket for Breakable {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        self.inner.clone().create_io_poller()
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        if self.broken.load(Ordering::SeqCst) {
            self.failed.fetch_add(1, Ordering::SeqCst);
            return Err(io::Error::from(io::ErrorKind::PermissionDenied));
        }
        self.inner.try_send(transmit)
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        self.inner.poll_recv(cx, bufs, meta)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }
}

struct Echo;

impl Handler for Echo {
    fn handle(
        &self,
        _from: NodeId,
        _channel: Channel,
        body: Bytes,
    ) -> BoxFuture<'_, Result<Bytes, Refused>> {
        async { Ok(body) }.boxed()
    }

    fn accept_stream(
        &self,
        _from: NodeId,
        _sink: Box<dyn FrameSink>,
        _source: Box<dyn FrameSource>,
    ) -> BoxFuture<'_, ()> {
        async {}.boxed()
    }

    fn knock(&self, _from: NodeId, _address: SocketAddr) -> BoxFuture<'_, ()> {
        futures::future::ready(()).boxed()
    }
}

fn start(authority: &ClusterAuthority, id: u64) -> (Arc<QuicTransport>, Breaking) {
    let issued = authority.issue_node(NodeId(id), &[]).unwrap();
    let identity = Identity::load(
        authority.cert_pem().as_bytes(),
        issued.cert_pem.as_bytes(),
        issued.key_pem.as_bytes(),
        NodeId(id),
        "test",
    );
    let settings = Settings {
        idle_timeout: Duration::from_millis(400),
        keep_alive: Duration::from_millis(100),
        ..Settings::default()
    };
    let udp = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let breaking = Breaking::default();
    let udp = Arc::new(Breakable {
        inner: TokioRuntime.wrap_udp_socket(udp).unwrap(),
        broken: breaking.broken.clone(),
        failed: breaking.failed.clone(),
    });
    let identity = identity.ok().unwrap();
    let transport = QuicTransport::start(&identity, udp, settings).ok().unwrap();
    transport.serve(Arc::new(Echo));
    (transport, breaking)
}

#[derive(Default)]
struct Breaking {
    broken: Arc<AtomicBool>,
    failed: Arc<AtomicU64>,
}

async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn failing_sends_do_not_end_the_endpoint() {
    let authority = ClusterAuthority::generate("test").unwrap();
    let (one, breaking) = start(&authority, 1);
    let (two, _) = start(&authority, 2);
    one.set_peers([(NodeId(2), two.local_address())].into());
    two.set_peers([(NodeId(1), one.local_address())].into());
    let connected = |a: &QuicTransport, id| a.peer_state(NodeId(id)) == Some(PeerState::Connected);
    let both = || connected(&one, 2) && connected(&two, 1);
    eventually("both are connected", both).await;

    breaking.broken.store(true, Ordering::SeqCst);
    let neither = || !connected(&one, 2) && !connected(&two, 1);
    eventually("both notice", neither).await;
    let failed = breaking.failed.load(Ordering::SeqCst);
    eventually("the node goes on trying", || {
        breaking.failed.load(Ordering::SeqCst) > failed + 3
    })
    .await;

    breaking.broken.store(false, Ordering::SeqCst);
    eventually("both are connected again", both).await;
    let second = Duration::from_secs(5);
    for (from, to) in [(&one, 2), (&two, 1)] {
        let answer = from
            .call(NodeId(to), Channel::Log, "x".into(), second)
            .await;
        assert_eq!(answer.unwrap(), "x");
    }
}
