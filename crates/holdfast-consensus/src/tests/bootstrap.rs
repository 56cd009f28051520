//! Making a cluster, coming back to it, and being refused.

use super::cluster::{Cluster, SOON, eventually};
use crate::member::NodeRecord;
use crate::records;
use crate::start::{self, Consensus, StartError};
use holdfast_machine::{Replica as _, Role, SystemKey, Unavailable};
use holdfast_types::NodeId;
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_node_leads_as_soon_as_it_has_started() {
    let mut cluster = Cluster::memory(1);
    let options = cluster.options(1).await;
    let node = Consensus::start(options).await.unwrap();
    assert_eq!(node.status().role, Role::Leader);
    cluster.nodes.insert(1, node);
    cluster.put(1, "a", 1).await;
    assert_eq!(cluster.get(1, "a").await, Ok(Some(1)));
    assert_eq!(cluster.node(1).staleness_ms(), Some(0));
    cluster.stop(1).await;
    cluster.start(1).await;
    cluster.leader().await;
    assert_eq!(cluster.get(1, "a").await, Ok(Some(1)));
    cluster.down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_nodes_form_a_cluster_and_write_through_each() {
    let cluster = Cluster::memory(3).up().await;
    for id in cluster.ids() {
        cluster.put(id, &format!("k{id}"), id).await;
        assert_eq!(
            cluster.local(id, &format!("k{id}")),
            Some(id),
            "applied where it was proposed"
        );
    }
    for at in cluster.ids() {
        for id in cluster.ids() {
            assert_eq!(cluster.get(at, &format!("k{id}")).await, Ok(Some(id)));
        }
    }
    let leader = cluster.leader().await;
    eventually("every node has its record", async || {
        let view = cluster.node(leader).view().unwrap();
        cluster.ids().iter().all(|id| {
            let row = view.get(&SystemKey::Node(*id).to_bytes()).unwrap();
            row.is_some_and(|row| {
                let record = NodeRecord::from_bytes(&row.value).unwrap();
                record.store_id == cluster.node(*id).inner.link.store_id && !record.removed
            })
        })
    })
    .await;
    let status = cluster.node(leader).status();
    assert_eq!(status.members.len(), 3);
    assert!(status.members.iter().all(|member| member.voter));
    assert_eq!(status.members[1].region, "region-2");
    cluster.down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_cluster_is_made_while_a_member_is_missing() {
    let mut cluster = Cluster::memory(3);
    cluster.start(1).await;
    cluster.start(2).await;
    eventually("node 1 says what it waits for", async || {
        cluster
            .node(1)
            .status()
            .trouble
            .is_some_and(|text| text.contains("[3]"))
    })
    .await;
    assert!(matches!(
        cluster.node(1).read_index(SOON).await,
        Err(Unavailable::Stopped(_))
    ));
    cluster.start(3).await;
    cluster.leader().await;
    cluster.put(3, "a", 1).await;
    cluster.down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_nodes_restart_with_what_was_written() {
    let mut cluster = Cluster::memory(3).up().await;
    for i in 0..20 {
        cluster.put(1 + i % 3, &format!("k{i}"), i).await;
    }
    for id in cluster.ids() {
        cluster.crash(id).await;
    }
    for id in cluster.ids() {
        cluster.start(id).await;
    }
    cluster.leader().await;
    for i in 0..20 {
        assert_eq!(
            cluster.get(1 + (i + 1) % 3, &format!("k{i}")).await,
            Ok(Some(i))
        );
    }
    cluster.down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wiped_node_is_quarantined() {
    let mut cluster = Cluster::memory(3).up().await;
    let leader = cluster.leader().await;
    let victim = if leader == 3 { 2 } else { 3 };
    eventually("the victim has its record", async || {
        let row = cluster
            .node(leader)
            .view()
            .unwrap()
            .get(&SystemKey::Node(victim).to_bytes());
        row.unwrap().is_some()
    })
    .await;
    cluster.stop(victim).await;
    cluster.wipe(victim);
    cluster.start(victim).await;
    eventually("the wiped node is quarantined", async || {
        cluster.node(victim).status().role == Role::Quarantined
    })
    .await;
    let trouble = cluster.node(victim).status().trouble.unwrap();
    assert!(trouble.contains("another data directory"), "{trouble}");
    assert!(cluster.node(victim).view().is_err());
    assert!(cluster.node(victim).read_index(SOON).await.is_err());
    cluster.put(leader, "a", 1).await;
    cluster.down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_takes_up_its_log_is_not_taken_for_one_that_knows_nobody() {
    let mut cluster = Cluster::memory(3).calm().up().await;
    eventually("every node has every record", async || {
        cluster.ids().iter().all(|at| {
            let (known, _) = records::stores(&cluster.node(*at).inner).unwrap();
            known.len() == 3
        })
    })
    .await;
    // Power is cut: what node 3 has in memory only is gone, and so are the disks of the others.
    let crashed = cluster.image(3);
    for id in cluster.ids() {
        cluster.stop(id).await;
    }
    cluster.restore(3, &crashed);
    cluster.wipe(1);
    cluster.wipe(2);
    let options = cluster.options(3).await;
    let transport = Arc::clone(&options.transport);
    let (starting, _rounds, tasks) = start::meet(options);
    let last = starting.log.bounds().last.unwrap();
    assert!(starting.state.applied().position.index < last);
    for id in [1, 2] {
        cluster.start(id).await;
    }
    for id in [1, 2] {
        eventually("it has heard both others", async || {
            let said = cluster.node(id).status();
            said.role != Role::Quarantined
                && said
                    .trouble
                    .is_none_or(|text| text.contains("once [3] tell"))
        })
        .await;
        let trouble = cluster.node(id).status().trouble;
        assert!(
            trouble.is_some(),
            "node {id} takes part in an empty cluster"
        );
    }
    drop(tasks);
    transport.close().await;
    drop((starting, transport));
    cluster.start(3).await;
    for id in [1, 2] {
        eventually("it hears that its number was another's", async || {
            cluster.node(id).status().role == Role::Quarantined
        })
        .await;
    }
    cluster.down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_cluster_is_not_listened_to() {
    let mut cluster = Cluster::memory(2).tweaked(|options| {
        if options.node == NodeId(2) {
            options.cluster = "other".to_owned();
        }
    });
    cluster.start(1).await;
    cluster.start(2).await;
    eventually("node 1 misses node 2", async || {
        cluster
            .node(1)
            .status()
            .trouble
            .is_some_and(|text| text.contains("[2]"))
    })
    .await;
    let inner = &cluster.node(1).inner;
    eventually("it says why", async || {
        let request = holdfast_proto::peer::v1::PingRequest::default();
        let refused = inner.link.ping(2, request, SOON).await.err();
        refused.is_some_and(|error| error.to_string().contains("another cluster"))
    })
    .await;
    cluster.down().await;
}

#[tokio::test]
async fn options_that_make_no_cluster_are_refused() {
    let mut cluster = Cluster::memory(2);
    let mut options = cluster.options(1).await;
    options.members.remove(0);
    assert_eq!(
        Consensus::start(options).await.err(),
        Some(StartError::Members("this node is not among them"))
    );
    let mut options = cluster.options(1).await;
    options.node = NodeId(2);
    assert_eq!(
        Consensus::start(options).await.err(),
        Some(StartError::Transport(NodeId(1)))
    );
}
