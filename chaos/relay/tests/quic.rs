//! Real peer links through the relay: they work, a cut stops them, they come back, and damage does them no harm.

#![expect(
    clippy::unwrap_used,
    reason = "in a test, a failure to get that far is a failure"
)]

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use holdfast_relay::{Link, Matrix, Relay, Rule, patterns};
use holdfast_transport::{
    Channel, ClusterAuthority, FrameSink, FrameSource, Handler, Identity, QuicTransport, Refused,
    Settings, Transport,
};
use holdfast_types::NodeId;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);
const CALL: Duration = Duration::from_secs(2);

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
        Box::pin(async {})
    }
}

/// Two nodes whose only way to each other is the relay.
struct Pair {
    one: Arc<QuicTransport>,
    two: Arc<QuicTransport>,
    relay: Relay,
    packets: Arc<Mutex<Vec<Vec<u8>>>>,
}

fn node(authority: &ClusterAuthority, id: u64) -> Arc<QuicTransport> {
    let issued = authority.issue_node(NodeId(id), &[]).unwrap();
    let identity = Identity::load(
        authority.cert_pem().as_bytes(),
        issued.cert_pem.as_bytes(),
        issued.key_pem.as_bytes(),
        NodeId(id),
        "relayed",
    );
    let identity = identity.ok().unwrap();
    let any = "127.0.0.1:0".parse().unwrap();
    let transport = QuicTransport::bind(&identity, any, Settings::default());
    let transport = transport.ok().unwrap();
    transport.serve(Arc::new(Echo));
    transport
}

impl Pair {
    fn new() -> Self {
        let authority = ClusterAuthority::generate("relayed").unwrap();
        let (one, two) = (node(&authority, 1), node(&authority, 2));
        let listens = [(1, one.local_address()), (2, two.local_address())];
        let packets = Arc::new(Mutex::new(Vec::new()));
        let seen = packets.clone();
        let tap = move |_, bytes: &[u8]| seen.lock().unwrap().push(bytes.to_vec());
        let relay = Relay::tapped(&listens, 7, tap).unwrap();
        one.set_peers([(NodeId(2), relay.advertised(2).unwrap())].into());
        two.set_peers([(NodeId(1), relay.advertised(1).unwrap())].into());
        Self {
            one,
            two,
            relay,
            packets,
        }
    }

    fn cut(&self) -> holdfast_relay::Installed {
        self.relay.install(patterns::single_link(1, 2)).unwrap()
    }
}

async fn call(from: &QuicTransport, to: u64, body: Bytes) -> bool {
    let answer = from
        .call(NodeId(to), Channel::Log, body.clone(), CALL)
        .await;
    answer.is_ok_and(|answer| answer == body)
}

/// Calls until one succeeds; how long that took.
async fn reached(from: &QuicTransport, to: u64) -> Duration {
    let start = Instant::now();
    while !call(from, to, "ping".into()).await {
        assert!(start.elapsed() < PATIENCE, "{to} is not reached");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    start.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_pass_a_cut_stops_them_and_healing_brings_them_back() {
    let pair = Pair::new();
    reached(&pair.one, 2).await;
    reached(&pair.two, 1).await;
    let cut = pair.cut();
    assert!(!call(&pair.one, 2, "ping".into()).await);
    assert!(!call(&pair.two, 1, "ping".into()).await);
    assert!(pair.relay.heal(cut).bit_everywhere());
    reached(&pair.one, 2).await;
    reached(&pair.two, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_one_way_cut_stops_calls_of_both_sides() {
    let pair = Pair::new();
    reached(&pair.one, 2).await;
    reached(&pair.two, 1).await;
    let matrix = Matrix::clear().with(Link::new(1, 2), Rule::CUT);
    let cut = pair.relay.install(matrix).unwrap();
    assert!(!call(&pair.one, 2, "ping".into()).await);
    assert!(!call(&pair.two, 1, "ping".into()).await);
    let there = pair.relay.counters()[&Link::new(2, 1)];
    assert_eq!(there.cut, 0);
    assert!(pair.relay.heal(cut).bit());
    reached(&pair.one, 2).await;
}

/// The senders let the kernel cut packets (GSO) and take them joined (GRO); the relay must meet them one by one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_bodies_come_whole_and_packets_are_never_joined() {
    let pair = Pair::new();
    reached(&pair.one, 2).await;
    let large: Bytes = (0..1_000_000u32).map(|n| n.to_le_bytes()[1]).collect();
    let start = Instant::now();
    while !call(&pair.one, 2, large.clone()).await {
        assert!(start.elapsed() < PATIENCE, "the large body never came");
    }
    let there = pair.relay.counters()[&Link::new(1, 2)];
    assert!(there.received_bytes > 1_000_000, "{there:?}");
    assert!(there.largest_bytes < 1_500, "{there:?}");
}

/// Between regions packets overtake each other. A sender that takes each of them for lost never has more than a few under way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_overtaken_is_not_taken_for_lost() {
    let pair = Pair::new();
    reached(&pair.one, 2).await;
    let far = Rule {
        delay: Duration::from_millis(50),
        jitter: Duration::from_millis(2),
        ..Rule::default()
    };
    let apart = patterns::everywhere(&[1, 2], far);
    pair.relay.set_base(apart).unwrap();
    let body = Bytes::from(vec![0; 500_000]);
    let answer = pair.one.call(NodeId(2), Channel::Log, body, PATIENCE);
    assert!(answer.await.is_ok(), "the body never came");
    let there = pair.relay.counters()[&Link::new(1, 2)];
    assert!(there.waiting_most > 60, "{there:?}");
}

/// Serves calls while every effect of a rule strikes; what answers is never altered.
async fn serves_under(rule: Rule) {
    let pair = Pair::new();
    reached(&pair.one, 2).await;
    let bad = pair
        .relay
        .install(patterns::everywhere(&[1, 2], rule))
        .unwrap();
    let start = Instant::now();
    let mut served = 0;
    while served < 50 || !pair.relay.verify(&bad).bit() {
        assert!(start.elapsed() < PATIENCE, "{}", pair.relay.verify(&bad));
        let body = Bytes::from(vec![b'x'; 5_000]);
        let answer = pair.one.call(NodeId(2), Channel::Log, body.clone(), CALL);
        if let Ok(answer) = answer.await {
            assert_eq!(answer, body);
            served += 1;
        }
    }
    pair.relay.heal(bad);
    reached(&pair.one, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_does_no_harm() {
    serves_under(Rule {
        corrupt: 0.05,
        ..Rule::default()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_loss_and_duplicates_do_no_harm() {
    serves_under(Rule {
        jitter: Duration::from_millis(3),
        loss: 0.02,
        duplicate: 0.05,
        corrupt: 0.05,
        reorder: 0.05,
        ..Rule::default()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_wire_shows_no_plaintext() {
    let pair = Pair::new();
    reached(&pair.one, 2).await;
    let canary = b"canary-5f1c9f0e";
    assert!(call(&pair.one, 2, Bytes::from_static(canary)).await);
    let packets = pair.packets.lock().unwrap();
    assert!(packets.len() > 4);
    let shows = |packet: &Vec<u8>| packet.windows(canary.len()).any(|part| part == canary);
    assert!(!packets.iter().any(shows));
}
