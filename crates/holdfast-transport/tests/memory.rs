//! What only the in-memory twin offers: links that are cut, delayed and lossy, the same way every time.

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use holdfast_transport::{
    CallError, Channel, FrameSink, FrameSource, Handler, MemoryNetwork, MemoryTransport, OpenError,
    PeerState, Refused, Transport, Verdict,
};
use holdfast_types::NodeId;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::Instant;

const A: NodeId = NodeId(1);
const B: NodeId = NodeId(2);

#[derive(Default)]
struct Counting {
    handled: AtomicUsize,
}

impl Handler for Counting {
    fn handle(
        &self,
        _from: NodeId,
        _channel: Channel,
        body: Bytes,
    ) -> BoxFuture<'_, Result<Bytes, Refused>> {
        self.handled.fetch_add(1, Ordering::SeqCst);
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

fn two(network: &MemoryNetwork) -> (Arc<MemoryTransport>, Arc<MemoryTransport>, Arc<Counting>) {
    let (a, b) = (network.join(A), network.join(B));
    let anywhere = SocketAddr::from(([127, 0, 0, 1], 1));
    let handler = Arc::new(Counting::default());
    for node in [&a, &b] {
        node.set_peers([(A, anywhere), (B, anywhere)].into());
        node.serve(handler.clone());
    }
    (a, b, handler)
}

async fn call(from: &MemoryTransport, to: NodeId) -> Result<Bytes, CallError> {
    let second = Duration::from_secs(1);
    from.call(to, Channel::Log, "x".into(), second).await
}

#[tokio::test(start_paused = true)]
async fn a_cut_way_there_runs_nothing_and_a_cut_way_back_leaves_the_fate_unknown() {
    let network = MemoryNetwork::default();
    let (a, b, handler) = two(&network);
    network.cut(A, B);
    let begun = Instant::now();
    assert_eq!(call(&a, B).await, Err(CallError::Timeout(B)));
    assert_eq!(begun.elapsed().as_millis() / 10, 100);
    assert_eq!(handler.handled.load(Ordering::SeqCst), 0);
    // The other direction's messages arrive, their answers do not.
    assert_eq!(call(&b, A).await, Err(CallError::Timeout(A)));
    assert_eq!(handler.handled.load(Ordering::SeqCst), 1);
    assert_eq!(a.peer_state(B), Some(PeerState::Unreachable));
    assert_eq!(
        a.open_stream(B).await.err(),
        Some(OpenError::Unreachable(B))
    );
    network.heal_between(A, B);
    assert!(call(&a, B).await.is_ok());
    assert_eq!(a.peer_state(B), Some(PeerState::Connected));
    network.isolate(A);
    assert!(call(&b, A).await.is_err());
    network.heal();
    assert!(call(&b, A).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn delays_add_up_in_virtual_time() {
    let network = MemoryNetwork::default();
    let (a, _b, _) = two(&network);
    network.delay(A, B, Duration::from_millis(80));
    network.delay(B, A, Duration::from_millis(120));
    let begun = Instant::now();
    assert!(call(&a, B).await.is_ok());
    assert_eq!(begun.elapsed().as_millis() / 10, 20);
    assert_eq!(a.rtt(B), Some(Duration::from_millis(200)));
}

#[tokio::test(start_paused = true)]
async fn losses_follow_the_count_and_the_filter() {
    let network = MemoryNetwork::default();
    let (a, _b, handler) = two(&network);
    network.lose_every(A, B, 3);
    let mut lost = Vec::new();
    for i in 1..=9 {
        if call(&a, B).await.is_err() {
            lost.push(i);
        }
    }
    assert_eq!(lost, [3, 6, 9]);
    network.heal();
    handler.handled.store(0, Ordering::SeqCst);
    network.filter(|passage| match passage.answer {
        true => Verdict::Lose,
        false => Verdict::Delay(Duration::from_millis(1)),
    });
    assert_eq!(call(&a, B).await, Err(CallError::Timeout(B)));
    assert_eq!(handler.handled.load(Ordering::SeqCst), 1);
}
