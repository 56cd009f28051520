//! How long messages take between two regions: calls of growing size over a peer link, with and without packets that overtake
//! each other, on a link that was idle and again on one that is warm.
//!
//! `cargo run --release -p holdfast-relay --example distance`. It prints; nothing depends on the figures.

#![expect(clippy::print_stdout, reason = "it is run to be read")]

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use holdfast_relay::{Relay, Rule, patterns};
use holdfast_transport::{
    Channel, ClusterAuthority, FrameSink, FrameSource, Handler, Identity, QuicTransport, Refused,
    Settings, Transport,
};
use holdfast_types::NodeId;
use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// As far as continents are.
const ROUND_TRIP: Duration = Duration::from_millis(190);
const SIZES: [usize; 4] = [1_000, 30_000, 300_000, 2_000_000];
const LONGEST: Duration = Duration::from_secs(60);

/// Takes everything and answers with nothing.
struct Taker;

impl Handler for Taker {
    fn handle(
        &self,
        _from: NodeId,
        _channel: Channel,
        _body: Bytes,
    ) -> BoxFuture<'_, Result<Bytes, Refused>> {
        async { Ok(Bytes::new()) }.boxed()
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
        async {}.boxed()
    }
}

fn node(authority: &ClusterAuthority, id: u64) -> Result<Arc<QuicTransport>, Box<dyn Error>> {
    let issued = authority.issue_node(NodeId(id), &[])?;
    let identity = Identity::load(
        authority.cert_pem().as_bytes(),
        issued.cert_pem.as_bytes(),
        issued.key_pem.as_bytes(),
        NodeId(id),
        "apart",
    )?;
    let transport = QuicTransport::bind(&identity, "127.0.0.1:0".parse()?, Settings::default())?;
    transport.serve(Arc::new(Taker));
    Ok(transport)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    for (what, jitter, loss) in [
        ("in order", 0, 0.0),
        ("2 ms of jitter, out of order", 2, 0.0),
        ("1 % lost", 0, 0.01),
    ] {
        println!("round trip {} ms, {what}", ROUND_TRIP.as_millis());
        let authority = ClusterAuthority::generate("apart")?;
        let (one, two) = (node(&authority, 1)?, node(&authority, 2)?);
        let relay = Relay::start(&[(1, one.local_address()), (2, two.local_address())], 7)?;
        let rule = Rule {
            delay: ROUND_TRIP / 2,
            jitter: Duration::from_millis(jitter),
            loss,
            ..Rule::default()
        };
        relay.set_base(patterns::between(&[1], &[2], rule))?;
        let at = |id| relay.advertised(id).ok_or("a node has no address");
        one.set_peers([(NodeId(2), at(2)?)].into());
        two.set_peers([(NodeId(1), at(1)?)].into());
        while call(&one, 1).await.is_none() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        for size in SIZES {
            let mut times = Vec::new();
            for _ in 0..3 {
                let took = call(&one, size).await;
                times.push(took.map_or("none".to_owned(), |took| format!("{took:.2?}")));
            }
            println!("  {size:>9} bytes: {}", times.join(", "));
        }
    }
    Ok(())
}

async fn call(from: &QuicTransport, size: usize) -> Option<Duration> {
    let start = Instant::now();
    let body = Bytes::from(vec![0; size]);
    let answer = from.call(NodeId(2), Channel::Log, body, LONGEST).await;
    answer.is_ok().then(|| start.elapsed())
}
