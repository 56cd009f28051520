//! Snapshots to nodes that are too far behind, and changing the members; over QUIC.

use super::cluster::{Cluster, SOON, eventually};
use crate::members::{MemberChange, MembersError};
use crate::timing::Snapshots;
use holdfast_machine::{Replica as _, Role};
use holdfast_types::NodeId;

fn often(cluster: Cluster) -> Cluster {
    cluster.tweaked(|options| {
        options.snapshots = Snapshots {
            every: 40,
            keep_behind: 5,
        };
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_behind_the_purged_log_gets_a_snapshot() {
    let mut cluster = often(Cluster::quic(3)).up().await;
    let leader = cluster.leader().await;
    let behind = 1 + leader % 3;
    cluster.put(leader, "a", 1).await;
    cluster.stop(behind).await;
    let via = cluster.leader().await;
    for i in 0..200 {
        cluster.put(via, &format!("k{i}"), i).await;
    }
    eventually("the log is purged", async || {
        let purged = cluster.node(via).inner.log.bounds().purged;
        purged.is_some_and(|purged| purged.index > 100)
    })
    .await;
    cluster.start(behind).await;
    cluster.leader().await;
    assert_eq!(cluster.get(behind, "k199").await, Ok(Some(199)));
    for i in 0..200 {
        assert_eq!(cluster.local(behind, &format!("k{i}")), Some(i));
    }
    eventually("its log begins behind the snapshot", async || {
        let purged = cluster.node(behind).inner.log.bounds().purged;
        purged.is_some_and(|purged| purged.index > 50)
    })
    .await;
    cluster.put(behind, "after", 1).await;
    cluster.down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_is_added_promoted_and_removed_for_good() {
    let (mut cluster, fourth) = often(Cluster::quic(4)).up_but_one().await;
    for i in 0..120 {
        cluster.put(1 + i % 3, &format!("k{i}"), i).await;
    }
    cluster.start(4).await;
    // Asked of a node that does not lead.
    let follower = 1 + cluster.leader_among(&[1, 2, 3]).await % 3;
    let change = |change| cluster.node(follower).change_members(change, SOON);
    cluster
        .change(follower, MemberChange::Add(fourth.clone()))
        .await;
    eventually("it takes part and has caught up", async || {
        cluster.get(4, "k119").await == Ok(Some(119))
    })
    .await;
    assert_eq!(cluster.node(4).status().role, Role::Learner);
    cluster
        .change(follower, MemberChange::Promote(NodeId(4)))
        .await;
    eventually("it votes", async || {
        let status = cluster.node(4).status();
        status.role == Role::Follower && status.members.len() == 4
    })
    .await;
    cluster.put(4, "from-4", 4).await;
    let again = change(MemberChange::Add(fourth.clone())).await;
    assert!(matches!(again, Err(MembersError::Refused(_))));
    cluster
        .change(follower, MemberChange::Remove(NodeId(4)))
        .await;
    eventually("its number stays taken", async || {
        let record = crate::records::of(&cluster.node(follower).inner, 4).unwrap();
        record.is_some_and(|record| record.removed)
    })
    .await;
    let back = change(MemberChange::Add(fourth)).await;
    assert!(matches!(back, Err(MembersError::Refused(text)) if text.contains("used before")));
    let nobody = change(MemberChange::Demote(NodeId(9))).await;
    assert!(matches!(nobody, Err(MembersError::Refused(_))));
    // A leader can be taken out too; the others go on.
    let leader = cluster.leader_among(&[1, 2, 3]).await;
    cluster
        .change(follower, MemberChange::Remove(NodeId(leader)))
        .await;
    let rest: Vec<u64> = [1, 2, 3].into_iter().filter(|id| *id != leader).collect();
    let next = cluster.leader_among(&rest).await;
    cluster.put(next, "after", 1).await;
    cluster.down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quic_survives_a_leader_that_stops() {
    let mut cluster = Cluster::quic(3).up().await;
    let leader = cluster.leader().await;
    cluster.put(leader, "a", 1).await;
    cluster.crash(leader).await;
    let via = *cluster.nodes.keys().next().unwrap();
    cluster.put(via, "a", 2).await;
    assert_eq!(cluster.get(via, "a").await, Ok(Some(2)));
    cluster.start(leader).await;
    cluster.leader().await;
    assert_eq!(cluster.get(leader, "a").await, Ok(Some(2)));
    cluster.down().await;
}
