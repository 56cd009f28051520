//! What gossip finds out: odd clocks, odd states, slow networks.

use super::cluster::{Cluster, SOON, eventually, key};
use crate::clock::WallClock;
use crate::codec;
use crate::raft_types::Payload;
use holdfast_machine::{Command, ProposeError, Replica as _, Role, Write};
use holdfast_store::ApplyEntry;
use holdfast_types::NodeId;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// The real clock, moved.
#[derive(Default)]
struct Moved(AtomicI64);

impl WallClock for Moved {
    fn now_ms(&self) -> u64 {
        crate::clock::SystemClock
            .now_ms()
            .saturating_add_signed(self.0.load(Ordering::Relaxed))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_with_an_odd_clock_hands_over() {
    let clocks: Arc<Vec<Arc<Moved>>> = Arc::new((0..3).map(|_| Arc::default()).collect());
    let of = Arc::clone(&clocks);
    let cluster = Cluster::memory(3)
        .tweaked(move |options| {
            options.clock = of[usize::try_from(options.node.0).unwrap() - 1].clone();
        })
        .up()
        .await;
    let leader = cluster.leader().await;
    cluster.put(leader, "a", 1).await;
    let before = cluster.node(leader).view().unwrap().position().time_ms;
    let hour = 3_600_000;
    clocks[usize::try_from(leader).unwrap() - 1]
        .0
        .store(hour, Ordering::Relaxed);
    eventually("another node leads", async || {
        let status = cluster.node(leader).status();
        status.leader.is_some_and(|id| id.0 != leader)
    })
    .await;
    let trouble = cluster.node(leader).status().trouble.unwrap();
    assert!(trouble.contains("clock"), "{trouble}");
    cluster.put(leader, "b", 2).await;
    let after = cluster.node(leader).view().unwrap().position().time_ms;
    assert!(
        after - before < 120_000,
        "the machine's clock ran away by {} ms",
        after - before
    );
    cluster.down().await;
}

/// One of three clocks is wrong, and its node hears one other while it waits for the third: two that differ prove nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_waits_to_join_does_not_prove_its_own_clock() {
    const HOUR_MS: i64 = 3_600_000;
    let mut cluster = Cluster::memory(3).tweaked(|options| {
        let wrong = i64::from(options.node.0 == 1) * HOUR_MS;
        options.clock = Arc::new(Moved(AtomicI64::new(wrong)));
    });
    cluster.start(1).await;
    cluster.start(2).await;
    let inner = &cluster.node(1).inner;
    eventually("it sees that clocks differ", async || {
        let trouble = inner.troubles.lock().text();
        trouble.is_some_and(|trouble| trouble.contains("clock"))
    })
    .await;
    let believed = inner.clock_verdict.lock().believed;
    let (now, wall_ms) = (tokio::time::Instant::now(), inner.clock.now_ms());
    let stamped = believed.time_ms(now, wall_ms, inner.clock_skew_max);
    assert!(wall_ms - stamped > 3_000_000, "the lower one counts");
    cluster.down().await;
}

/// An entry as a state applies it, with another value for the row `b`.
fn altered((index, bytes): (u64, bytes::Bytes)) -> ApplyEntry {
    let entry = codec::to_entry_bytes(bytes).unwrap();
    let payload = match entry.payload {
        Payload::Normal(command) => {
            let mut command = postcard::from_bytes(&command.0).unwrap();
            if let Command::Transaction(txn) = &mut command {
                for write in &mut txn.writes {
                    if let Write::Put(put) = write
                        && put.key == key("b")
                    {
                        put.value = 9u64.to_be_bytes().to_vec();
                    }
                }
            }
            holdfast_store::Payload::Command(command)
        }
        Payload::Blank => holdfast_store::Payload::Blank,
        Payload::Membership(_) => panic!("the members did not change"),
    };
    ApplyEntry {
        index,
        log_id: codec::log_id_bytes(&entry.log_id),
        payload,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_node_whose_state_differs_is_quarantined() {
    let mut cluster = Cluster::memory(3)
        .tweaked(|options| options.checkpoint_every = Duration::from_millis(200))
        .up()
        .await;
    let leader = cluster.leader().await;
    let odd = 1 + leader % 3;
    cluster.put(leader, "a", 1).await;
    cluster.node(odd).read_index(SOON).await.unwrap();
    cluster.stop(odd).await;
    cluster.put(leader, "b", 2).await;
    // While it is away, its state takes what the others wrote, but for one value.
    let stores = cluster.open(odd).await;
    let log = &cluster.node(leader).inner.log;
    let from = stores.state.applied().position.index + 1;
    let to = cluster.node(leader).status().committed + 1;
    let entries = log.read(from, to, usize::MAX).unwrap();
    stores
        .state
        .apply(entries.into_iter().map(altered).collect())
        .unwrap();
    stores.state.build_snapshot().unwrap();
    drop(stores);
    cluster.start(odd).await;
    eventually("the odd node is quarantined", async || {
        cluster.node(odd).status().role == Role::Quarantined
    })
    .await;
    let trouble = cluster.node(odd).status().trouble.unwrap();
    assert!(trouble.contains("digest"), "{trouble}");
    assert!(cluster.node(odd).view().is_err());
    cluster.put(leader, "c", 3).await;
    let healthy = cluster.node(leader).status();
    assert_eq!((healthy.role, healthy.trouble), (Role::Leader, None));
    cluster.down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_round_trip_beyond_the_heartbeat_is_reported() {
    let cluster = Cluster::memory(3).up().await;
    let far = NodeId(3);
    for near in [NodeId(1), NodeId(2)] {
        cluster
            .memory_net()
            .delay(near, far, Duration::from_millis(30));
        cluster
            .memory_net()
            .delay(far, near, Duration::from_millis(30));
    }
    eventually("it is reported with its remedy", async || {
        let trouble = cluster.node(1).status().trouble;
        trouble.is_some_and(|text| text.contains("node 3") && text.contains("`wan`"))
    })
    .await;
    cluster.memory_net().heal();
    eventually("the trouble is over", async || {
        cluster.node(1).status().trouble.is_none()
    })
    .await;
    cluster.down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clock_ticks_while_something_can_expire() {
    let cluster = Cluster::memory(3)
        .tweaked(|options| options.needs_tick = Arc::new(|| true))
        .up()
        .await;
    let node = cluster.node(2);
    let first = node.view().unwrap().position().time_ms;
    eventually("the clock moves with no write", async || {
        node.view().unwrap().position().time_ms >= first + 1_000
    })
    .await;
    // A tick is proposed like anything else, and answered.
    let tick = node
        .propose(Command::Tick { proposed_at_ms: 0 }, SOON)
        .await;
    assert!(tick.is_ok());
    cluster.down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storage_fault_stops_the_node_and_asks_for_its_end() {
    let mut cluster = Cluster::memory(3).up().await;
    let leader = cluster.leader().await;
    cluster.node(leader).inner.log.close();
    // Whatever becomes of this write, the node that took it is done.
    let _ = cluster
        .try_put(leader, "a", 1, Duration::from_millis(500))
        .await;
    let why = tokio::time::timeout(SOON, cluster.node(leader).fatal())
        .await
        .unwrap();
    assert!(!why.is_empty());
    assert_eq!(cluster.node(leader).status().role, Role::Stopped);
    assert!(cluster.node(leader).read_index(SOON).await.is_err());
    cluster.crash(leader).await;
    let other = cluster.leader().await;
    cluster.put(other, "a", 2).await;
    cluster.down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quarantined_directory_takes_no_part() {
    let mut cluster = Cluster::memory(1);
    let mut options = cluster.options(1).await;
    options.stores.quarantine = Some(holdfast_store::Quarantine {
        what: "entry 7".to_owned(),
    });
    let node = crate::start::Consensus::start(options).await.unwrap();
    let status = node.status();
    assert_eq!(status.role, Role::Quarantined);
    assert!(status.trouble.unwrap().contains("entry 7"));
    assert!(node.view().is_err());
    let refused = node
        .propose(Command::Tick { proposed_at_ms: 0 }, SOON)
        .await;
    assert!(matches!(refused, Err(ProposeError::NotProposed(_))));
    node.shutdown().await;
    node.shutdown().await;
}
