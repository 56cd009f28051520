//! Counting while the leader is cut off, handed over and brought back: nothing acknowledged is lost or done twice, and no
//! linearizable read is older than what was acknowledged before it began.

use super::cluster::{Cluster, SOON, eventually, key, put};
use holdfast_machine::{Outcome, ProposeError, Replica as _};
use holdfast_types::NodeId;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

#[derive(Default)]
struct Tally {
    acknowledged: AtomicU64,
    unknown: AtomicU64,
    reads: AtomicU64,
    stop: AtomicBool,
}

const WAIT: Duration = Duration::from_secs(2);

async fn count(cluster: Arc<Cluster>, via: u64, tally: Arc<Tally>) {
    let node = cluster.node(via);
    while !tally.stop.load(Ordering::Relaxed) {
        let floor = tally.acknowledged.load(Ordering::SeqCst);
        if node.read_index(WAIT).await.is_err() {
            continue;
        }
        let row = node.view().unwrap().get(&key("n")).unwrap();
        let (value, written_at) = row.map_or((0, 0), |row| {
            (
                u64::from_be_bytes(row.value.try_into().unwrap()),
                row.written_at,
            )
        });
        tally.reads.fetch_add(1, Ordering::Relaxed);
        assert!(
            value >= floor,
            "node {via} read {value} after {floor} was acknowledged"
        );
        match node.propose(put("n", value + 1, written_at), WAIT).await {
            Ok(Outcome::Applied { .. }) => {
                tally.acknowledged.fetch_add(1, Ordering::SeqCst);
            }
            Ok(Outcome::Conflict { .. }) | Err(ProposeError::NotProposed(_)) => {}
            Ok(Outcome::Malformed(why)) => panic!("{why}"),
            Err(ProposeError::Unknown(_)) => {
                tally.unknown.fetch_add(1, Ordering::SeqCst);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counting_survives_a_storm() {
    let cluster = Arc::new(Cluster::memory(3).up().await);
    let tally = Arc::new(Tally::default());
    let counters: Vec<_> = [1, 2, 3, 1, 2, 3]
        .map(|via| tokio::spawn(count(Arc::clone(&cluster), via, Arc::clone(&tally))))
        .into();
    for turn in 0..6 {
        let leader = cluster.leader().await;
        let others: Vec<u64> = cluster
            .ids()
            .into_iter()
            .filter(|id| *id != leader)
            .collect();
        let network = cluster.memory_net();
        match turn % 3 {
            0 => {
                network.isolate(NodeId(leader));
                cluster.leader_among(&others).await;
            }
            1 => {
                network.lose_every(NodeId(leader), NodeId(others[0]), 3);
                network.lose_every(NodeId(others[1]), NodeId(leader), 4);
                let to = Some(NodeId(others[0]));
                // It may fail on such links; what matters is what the counters see.
                let _ = cluster.node(leader).step_down(to, WAIT).await;
            }
            // Answers do not come back: the leader's fate is unknown to everybody.
            _ => others
                .iter()
                .for_each(|other| network.cut(NodeId(*other), NodeId(leader))),
        }
        let seen = tally.reads.load(Ordering::Relaxed);
        if turn % 3 != 2 {
            eventually("somebody reads", async || {
                tally.reads.load(Ordering::Relaxed) > seen + 5
            })
            .await;
        } else {
            cluster.leader_among(&others).await;
        }
        network.heal();
    }
    tally.stop.store(true, Ordering::Relaxed);
    for counter in counters {
        counter.await.expect("no read was stale");
    }
    let leader = cluster.leader().await;
    cluster.node(leader).read_index(SOON).await.unwrap();
    let total = cluster.local(leader, "n").unwrap();
    let acknowledged = tally.acknowledged.load(Ordering::SeqCst);
    let unknown = tally.unknown.load(Ordering::SeqCst);
    assert!(
        total >= acknowledged,
        "{acknowledged} acknowledged, {total} counted"
    );
    assert!(
        total <= acknowledged + unknown,
        "{acknowledged} and {unknown} in doubt, {total} counted"
    );
    assert!(acknowledged > 10, "too calm to tell: {acknowledged}");
    eventually("all agree", async || {
        cluster
            .ids()
            .iter()
            .all(|id| cluster.local(*id, "n") == Some(total))
    })
    .await;
    Arc::into_inner(cluster)
        .expect("the counters are done")
        .down()
        .await;
}
