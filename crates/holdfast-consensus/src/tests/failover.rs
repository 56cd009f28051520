//! Leaders that end, are cut off, or hand over.

use super::cluster::{CALM, Cluster, SOON, eventually};
use holdfast_machine::{Outcome, ProposeError, Replica as _, Role};
use holdfast_types::NodeId;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_acknowledged_write_is_lost_with_the_leader() {
    let mut cluster = Cluster::memory(3).up().await;
    let leader = cluster.leader().await;
    let survivors: Vec<u64> = cluster
        .ids()
        .into_iter()
        .filter(|id| *id != leader)
        .collect();
    for i in 0..50 {
        cluster.put(1 + i % 3, &format!("k{i}"), i).await;
    }
    cluster.crash(leader).await;
    // A write that arrives meanwhile waits for the next leader.
    cluster.put(survivors[0], "after", 1).await;
    for i in 0..50 {
        for at in &survivors {
            assert_eq!(cluster.get(*at, &format!("k{i}")).await, Ok(Some(i)));
        }
    }
    cluster.start(leader).await;
    cluster.leader().await;
    assert_eq!(cluster.get(leader, "after").await, Ok(Some(1)));
    cluster.down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_is_cut_off_serves_no_stale_read() {
    let cluster = Cluster::memory(3).up().await;
    let old = cluster.leader().await;
    cluster.put(old, "a", 1).await;
    let others: Vec<u64> = cluster.ids().into_iter().filter(|id| *id != old).collect();
    cluster.memory_net().isolate(NodeId(old));
    let new = cluster.leader_among(&others).await;
    assert_ne!(new, old);
    cluster.put(new, "a", 2).await;
    let wait = Duration::from_secs(1);
    assert!(
        cluster.node(old).read_index(wait).await.is_err(),
        "it has no quorum"
    );
    assert_eq!(
        cluster.local(old, "a"),
        Some(1),
        "what it would have served"
    );
    let lost = cluster.try_put(old, "a", 9, wait).await;
    assert!(matches!(
        lost,
        Err(ProposeError::NotProposed(_) | ProposeError::Unknown(_))
    ));
    let age = cluster
        .node(old)
        .staleness_ms()
        .expect("it was current once");
    assert!(age >= 500, "it must not claim to be fresh: {age} ms");
    cluster.memory_net().heal();
    eventually(
        "the old leader follows and reads the new value",
        async || cluster.get(old, "a").await == Ok(Some(2)),
    )
    .await;
    assert_eq!(cluster.node(old).status().role, Role::Follower);
    cluster.down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leadership_goes_to_the_named_node_without_an_election() {
    let cluster = Arc::new(Cluster::memory(3).calm().up().await);
    let leader = cluster.leader().await;
    let target = 1 + leader % 3;
    let bystander = 1 + target % 3;
    let (stop, worst_us) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU64::new(0)),
    );
    let writer = {
        let (cluster, stop, worst) = (
            Arc::clone(&cluster),
            Arc::clone(&stop),
            Arc::clone(&worst_us),
        );
        tokio::spawn(async move {
            let mut count = 0;
            while !stop.load(Ordering::Relaxed) {
                let start = Instant::now();
                cluster.put(bystander, "k", count).await;
                let took = u64::try_from(start.elapsed().as_micros()).unwrap();
                worst.fetch_max(took, Ordering::Relaxed);
                count += 1;
            }
            count
        })
    };
    // Twice, there and back, by name; asked of a node that does not lead.
    for to in [target, leader] {
        cluster
            .node(bystander)
            .step_down(Some(NodeId(to)), SOON)
            .await
            .unwrap();
        assert_eq!(cluster.leader().await, to);
    }
    stop.store(true, Ordering::Relaxed);
    assert!(writer.await.unwrap() > 0);
    let worst = Duration::from_micros(worst_us.load(Ordering::Relaxed));
    assert!(worst < CALM.election_min, "a write waited for {worst:?}");
    // Without a name any node may be asked, and the leader hands over to whom it likes.
    cluster.node(bystander).step_down(None, SOON).await.unwrap();
    assert_ne!(cluster.leader().await, leader);
    Arc::into_inner(cluster)
        .expect("the writer is done")
        .down()
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_is_heard_but_hears_nobody_gives_way() {
    let cluster = Arc::new(Cluster::memory(3).up().await);
    let deaf = cluster.leader().await;
    let others: Vec<u64> = cluster.ids().into_iter().filter(|id| *id != deaf).collect();
    let stop = Arc::new(AtomicBool::new(false));
    // It always has entries to send: they must not keep the others from electing.
    let writer = {
        let (cluster, stop) = (Arc::clone(&cluster), Arc::clone(&stop));
        tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let _ = cluster
                    .try_put(deaf, "k", 1, Duration::from_millis(200))
                    .await;
            }
        })
    };
    for other in &others {
        cluster.memory_net().cut(NodeId(*other), NodeId(deaf));
    }
    let start = Instant::now();
    let leader = cluster.leader_among(&others).await;
    let outage = start.elapsed();
    assert!(outage < Duration::from_secs(3), "took {outage:?}");
    cluster.put(leader, "a", 1).await;
    stop.store(true, Ordering::Relaxed);
    writer.await.unwrap();
    Arc::into_inner(cluster)
        .expect("the writer is done")
        .down()
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_minority_of_five_may_be_gone() {
    let mut cluster = Cluster::memory(5).up().await;
    let leader = cluster.leader().await;
    let other = 1 + leader % 5;
    cluster.crash(leader).await;
    cluster.crash(other).await;
    let left = *cluster.nodes.keys().next().unwrap();
    cluster.put(left, "a", 1).await;
    // With three gone, nothing is promised and nothing is claimed.
    let third = *cluster.nodes.keys().find(|id| **id != left).unwrap();
    cluster.crash(third).await;
    let wait = Duration::from_millis(800);
    assert!(cluster.node(left).read_index(wait).await.is_err());
    assert!(cluster.try_put(left, "a", 2, wait).await.is_err());
    cluster.start(other).await;
    eventually("three of five write again", async || {
        cluster
            .try_put(left, "b", 3, Duration::from_secs(2))
            .await
            .is_ok()
    })
    .await;
    cluster.down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_lost_on_the_way_is_recognised_when_proposed_again() {
    use holdfast_transport::{Channel, Verdict};
    let cluster = Cluster::memory(3).up().await;
    let leader = cluster.leader().await;
    let via = 1 + leader % 3;
    cluster.put(via, "a", 1).await;
    let lost = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&lost);
    cluster.memory_net().filter(move |passage| {
        let answer = passage.channel == Some(Channel::Forward) && passage.answer;
        if answer && !seen.swap(true, Ordering::Relaxed) {
            return Verdict::Lose;
        }
        Verdict::Deliver
    });
    let before = cluster.node(leader).status().last_index;
    // Without dedupe the second proposal would meet its own first write and conflict.
    let written = cluster.try_put(via, "a", 2, SOON).await;
    assert!(
        matches!(written, Ok(Outcome::Applied { .. })),
        "{written:?}"
    );
    assert!(lost.load(Ordering::Relaxed), "the answer was lost");
    assert!(
        cluster.node(leader).status().last_index >= before + 2,
        "it was proposed twice"
    );
    assert_eq!(cluster.get(via, "a").await, Ok(Some(2)));
    cluster.down().await;
}
