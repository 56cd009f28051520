//! Whose a number is: written down before it counts, kept when its node is gone, and held against whoever comes with another
//! data directory.

use super::cluster::{CALM, Cluster, SOON, eventually};
use crate::gossip;
use crate::inner::Phase;
use crate::member::NodeRecord;
use crate::members::{MemberChange, MembersError};
use crate::records;
use crate::start::{self, Options};
use holdfast_machine::{Replica as _, Role};
use holdfast_types::{NodeId, StoreId};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A number whose node was taken out before the leader had written it down was free for another node.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_stays_taken_though_its_node_was_hardly_there() {
    let (mut cluster, fourth) = Cluster::memory(4).calm().up_but_one().await;
    cluster.start(4).await;
    let leader = cluster.leader_among(&[1, 2, 3]).await;
    let change = |change| cluster.node(leader).change_members(change, SOON);
    change(MemberChange::Add(fourth.clone())).await.unwrap();
    change(MemberChange::Remove(NodeId(4))).await.unwrap();
    let inner = &cluster.node(leader).inner;
    let record = records::of(inner, 4).unwrap();
    assert!(record.is_some(), "it is known that there was such a node");
    let back = change(MemberChange::Add(fourth)).await;
    assert!(matches!(back, Err(MembersError::Refused(text)) if text.contains("used before")));

    // One that no leader ever heard.
    let raft = inner.raft().unwrap();
    let patience = Duration::from_millis(50);
    records::ensure(inner, &raft, 9, patience).await.unwrap();
    // It is no member: the leader writes that down, perhaps by now.
    let kept = |record| NodeRecord {
        removed: false,
        ..record
    };
    let record = records::of(inner, 9).unwrap();
    assert_eq!(record.map(kept), Some(NodeRecord::of_nobody()));

    // One that was not taken out after all, and is heard.
    let follower = 1 + leader % 3;
    let rightful = || records::all(inner).unwrap().remove(&follower);
    eventually("it has its record", async || rightful().is_some()).await;
    let (written_at, before) = rightful().unwrap();
    records::put(inner, follower, written_at, &NodeRecord::of_nobody()).await;
    eventually("it has its record back", async || {
        rightful().is_some_and(|(again_at, record)| again_at > written_at && record == before)
    })
    .await;
    cluster.down().await;
}

/// A number was kept for a member that nobody had heard, and then it was not taken out: the node that has it takes part. (It was
/// told that another data directory stood behind its number, and left.)
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_that_is_only_kept_locks_nobody_out() {
    let (mut cluster, fourth) = Cluster::memory(4).calm().up_but_one().await;
    let leader = cluster.leader_among(&[1, 2, 3]).await;
    let inner = &cluster.node(leader).inner;
    let raft = inner.raft().unwrap();
    raft.add_learner(4, fourth.info, false).await.unwrap();
    let patience = Duration::from_millis(50);
    records::ensure(inner, &raft, 4, patience).await.unwrap();
    eventually("everybody knows that the number is kept", async || {
        [1, 2, 3].iter().all(|id| {
            let record = records::of(&cluster.node(*id).inner, 4).unwrap();
            record == Some(NodeRecord::of_nobody())
        })
    })
    .await;
    // Then not all can answer, and a leader is asked.
    cluster.stop(1 + leader % 3).await;
    cluster.start(4).await;
    eventually("it takes part and has its record", async || {
        let node = cluster.node(4);
        let record = records::of(&node.inner, 4).unwrap();
        record.is_some_and(|record| record.store_id == node.inner.link.store_id)
    })
    .await;
    cluster.put(4, "a", 1).await;
    cluster.down().await;
}

/// What only a newer version can read is not ours to write, and who does not know whose a number is says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_of_a_newer_version_are_left_alone() {
    let quiet = |options: &mut Options| {
        options.timing = CALM;
        options.needs_tick = Arc::new(|| false);
        options.checkpoint_every = 100 * SOON;
    };
    let cluster = Cluster::memory(3).tweaked(quiet).up().await;
    let leader = cluster.leader().await;
    let inner = &cluster.node(leader).inner;
    let raft = inner.raft().unwrap();
    let follower = 1 + leader % 3;
    let recorded = |id| records::of(inner, id).unwrap().is_some();
    eventually("all have their records", async || {
        [1, 2, 3].into_iter().all(recorded)
    })
    .await;
    let (written_at, _) = records::all(inner).unwrap()[&follower];
    assert!(records::stores(inner).unwrap().1, "all can be read");
    records::put_bytes(inner, follower, written_at, vec![2, 0]).await;
    assert!(records::of(inner, follower).is_err(), "it stands there");
    let before = inner.log.bounds().last;
    records::keep(inner, &raft).await;
    records::keep(inner, &raft).await;
    assert_eq!(inner.log.bounds().last, before, "it proposed something");

    let (known, complete) = records::stores(inner).unwrap();
    assert!(!complete && known.len() == 2, "whose it is is not known");
    // It may be nobody's, and who votes must be tied to a directory.
    assert!(records::tie(inner, &raft, follower).await.is_err());
    cluster.down().await;
}

/// A directory is contradicted once its node takes part: it leaves at the next ping, and the others go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_whose_number_is_another_directorys_leaves() {
    let cluster = Cluster::memory(3).calm().up().await;
    let leader = cluster.leader().await;
    let inner = &cluster.node(leader).inner;
    let follower = 1 + leader % 3;
    let recorded = || records::all(inner).unwrap().remove(&follower);
    eventually("it has its record", async || recorded().is_some()).await;
    let (written_at, _) = recorded().unwrap();
    let of_another = NodeRecord {
        store_id: StoreId([7; 16]),
        ..records::of(inner, follower).unwrap().unwrap()
    };
    records::put(inner, follower, written_at, &of_another).await;
    eventually("it leaves", async || {
        cluster.node(follower).status().role == Role::Quarantined
    })
    .await;
    let trouble = cluster.node(follower).status().trouble.unwrap();
    assert!(trouble.contains("another data directory"), "{trouble}");
    cluster.put(leader, "a", 1).await;
    cluster.down().await;
}

/// The disk of a member of a former cluster, of the same name, is found and started: its peers go by their own records.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_disk_of_a_former_cluster_takes_nobody_down() {
    let mut cluster = Cluster::memory(3).up().await;
    all_recorded(&cluster).await;
    cluster.stop(3).await;
    let former = cluster.image(3);
    for id in [1, 2] {
        cluster.stop(id).await;
    }
    for id in [1, 2, 3] {
        cluster.wipe(id);
        cluster.start(id).await;
    }
    cluster.leader().await;
    all_recorded(&cluster).await;
    cluster.stop(3).await;
    cluster.restore(3, &former);
    cluster.start(3).await;
    eventually("they have heard all that it knows", async || {
        let (first, second) = (&cluster.node(1).inner, &cluster.node(2).inner);
        gossip::ping(first, 3, true).await && gossip::ping(second, 3, true).await
    })
    .await;
    let leader = cluster.leader_among(&[1, 2]).await;
    cluster.put(leader, "a", 1).await;
    for id in [1, 2] {
        let status = cluster.node(id).status();
        assert_ne!(status.role, Role::Quarantined, "{:?}", status.trouble);
    }
    // It hears of another state than its own that it is current.
    let third = &cluster.node(3).inner;
    eventually("it hears the leader", async || {
        gossip::ping(third, leader, true).await
    })
    .await;
    assert_eq!(third.freshness.age(u64::MAX, Instant::now()), None);
    // A node that only starts does not know yet who the members are.
    cluster.stop(1).await;
    let options = cluster.options(1).await;
    let transport = Arc::clone(&options.transport);
    let (starting, _rounds, tasks) = start::meet(options);
    eventually("it has heard that too", async || {
        gossip::ping(&starting, 3, true).await
    })
    .await;
    assert!(matches!(&*starting.phase.borrow(), Phase::Joining(_)));
    drop(tasks);
    transport.close().await;
    drop((starting, transport));
    cluster.down().await;
}

/// Waits until every node knows whose the three numbers are.
async fn all_recorded(cluster: &Cluster) {
    eventually("all have their records", async || {
        let knows = |id| {
            let (known, _) = records::stores(&cluster.node(id).inner).unwrap();
            known.len() == 3
        };
        [1, 2, 3].into_iter().all(knows)
    })
    .await;
}

/// Who votes and then loses its disk must not come back as one that never did.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_votes_before_it_is_written_down() {
    let (mut cluster, fourth) = Cluster::memory(4).calm().up_but_one().await;
    cluster.start(4).await;
    let leader = cluster.leader_among(&[1, 2, 3]).await;
    let node = cluster.node(leader);
    cluster.change(leader, MemberChange::Add(fourth)).await;
    let recorded = || records::all(&node.inner).unwrap().remove(&4);
    eventually("it has its record", async || recorded().is_some()).await;
    let (written_at, _) = recorded().unwrap();
    records::put(&node.inner, 4, written_at, &NodeRecord::of_nobody()).await;
    cluster
        .change(leader, MemberChange::Promote(NodeId(4)))
        .await;
    let store = cluster.node(4).inner.link.store_id;
    assert_eq!(
        recorded().and_then(|(_, record)| record?.tied_to()),
        Some(store)
    );
    cluster.down().await;
}
