//! Nothing acknowledged is lost, nothing promised fresh is stale.

use holdfast_tests::{Cluster, Http, eventually};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Writes `counter/<worker>` = 1, 2, 3 … through the given nodes until told to stop. Gives the last acknowledged number and
/// the first one that was never acknowledged.
async fn write_on(
    clients: Vec<Http>,
    worker: usize,
    stop: Arc<AtomicBool>,
    acked: Arc<AtomicU64>,
) -> (u64, u64) {
    let path = format!("secret/data/counter/{worker}");
    let (mut last, mut next, mut through) = (0, 1, worker);
    while !stop.load(Ordering::Relaxed) {
        through += 1;
        let client = &clients[through % clients.len()];
        let sent = client
            .try_send("POST", &path, Some(json!({ "data": { "n": next } })))
            .await;
        if matches!(&sent, Ok(answer) if answer.status == 200) {
            last = next;
            acked.fetch_add(1, Ordering::Relaxed);
        }
        // An unanswered number may or may not be there; the next one is another number either way.
        next += 1;
    }
    (last, next)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_leader_loses_no_acknowledged_write() {
    let mut cluster = Cluster::ready(3).await;
    let leader = cluster.leader().await;
    let survivors = cluster.followers().await;
    let clients: Vec<Http> = survivors.iter().map(|id| cluster.root(*id)).collect();
    let stop = Arc::new(AtomicBool::new(false));
    let acked = Arc::new(AtomicU64::new(0));
    let workers: Vec<_> = (0..4)
        .map(|worker| {
            tokio::spawn(write_on(
                clients.clone(),
                worker,
                Arc::clone(&stop),
                Arc::clone(&acked),
            ))
        })
        .collect();
    eventually("some writes", || async {
        acked.load(Ordering::Relaxed) > 40
    })
    .await;
    cluster.node(leader).kill();
    let before = acked.load(Ordering::Relaxed);
    eventually("writes to go on without the old leader", || async {
        acked.load(Ordering::Relaxed) > before + 40
    })
    .await;
    stop.store(true, Ordering::Relaxed);

    for (worker, handle) in workers.into_iter().enumerate() {
        let (last, next) = handle.await.expect("a worker");
        for client in &clients {
            let read = client
                .get(&format!("secret/data/counter/{worker}"))
                .await
                .expect(200);
            let seen = read.body["data"]["data"]["n"].as_u64().expect("a number");
            assert!(
                (last..next).contains(&seen),
                "worker {worker}: {last} was acknowledged, {seen} is read"
            );
        }
    }
    // The killed node comes back, catches up, and is not behind when asked for the freshest state.
    cluster.start(leader).await;
    cluster.unseal(leader).await;
    let here = cluster
        .root(leader)
        .get("secret/data/counter/0")
        .await
        .expect(200);
    let there = clients[0].get("secret/data/counter/0").await.expect(200);
    assert_eq!(here.body["data"], there.body["data"]);
}

#[tokio::test]
async fn all_nodes_killed_at_once_lose_nothing() {
    let mut cluster = Cluster::ready(3).await;
    for n in 0..30 {
        let through = n % 3 + 1;
        cluster
            .root(through)
            .post(&format!("secret/data/k{n}"), json!({ "data": { "n": n } }))
            .await
            .expect(200);
    }
    for node in &mut cluster.nodes {
        node.kill();
    }
    for id in 1..=3 {
        cluster.start(id).await;
    }
    cluster.leader().await;
    for id in 1..=3 {
        cluster.unseal(id).await;
    }
    for n in 0..30 {
        let read = cluster
            .root(n % 3 + 1)
            .get(&format!("secret/data/k{n}"))
            .await
            .expect(200);
        assert_eq!(read.body["data"]["data"]["n"], json!(n));
    }
}

#[tokio::test]
async fn a_write_is_seen_at_once_through_every_other_node() {
    let cluster = Cluster::ready(3).await;
    for n in 0..60u64 {
        let through = usize::try_from(n % 3).unwrap() + 1;
        cluster
            .root(through)
            .post("secret/data/one", json!({ "data": { "n": n } }))
            .await
            .expect(200);
        for id in 1..=3 {
            let read = cluster.root(id).get("secret/data/one").await.expect(200);
            assert_eq!(
                read.body["data"]["data"]["n"],
                json!(n),
                "node {id} after a write through {through}"
            );
        }
    }
}

#[tokio::test]
async fn a_sealed_follower_replicates_and_serves_once_opened() {
    let mut cluster = Cluster::ready(3).await;
    let follower = cluster.followers().await[0];
    cluster.node(follower).kill();
    cluster.start(follower).await;
    let other = cluster.leader().await;
    cluster
        .root(other)
        .post("secret/data/while-sealed", json!({ "data": { "a": "b" } }))
        .await
        .expect(200);
    let index = cluster.http(other).get("sys/leader").await.body["raft_applied_index"]
        .as_u64()
        .expect("an index");
    let sealed = cluster.root(follower);
    eventually("the sealed follower to apply it", || {
        let sealed = sealed.clone();
        async move { sealed.get("sys/leader").await.body["raft_applied_index"].as_u64() >= Some(index) }
    })
    .await;
    sealed.get("secret/data/while-sealed").await.expect(503);
    cluster.unseal(follower).await;
    sealed.get("secret/data/while-sealed").await.expect(200);
}

#[tokio::test]
async fn without_a_quorum_answers_are_quick_and_honest() {
    let mut cluster = Cluster::ready(3).await;
    let kept = cluster.followers().await[0];
    cluster
        .root(kept)
        .post("secret/data/a", json!({ "data": { "a": "b" } }))
        .await
        .expect(200);
    let root = cluster.root(kept);
    let old = root.with_header("X-Holdfast-Consistency", "stale");
    eventually("the node to learn how old its state is", || async {
        old.get("secret/data/a").await.age_ms.is_some()
    })
    .await;
    for id in 1..=3 {
        if id != kept {
            cluster.node(id).kill();
        }
    }
    eventually("the rest to notice", || {
        let root = root.clone();
        async move { root.get("secret/data/a").await.status == 503 }
    })
    .await;
    root.post("secret/data/a", json!({ "data": { "a": "c" } }))
        .await
        .expect(503);
    // Who says that it may be old gets it.
    let answer = old.get("secret/data/a").await.expect(200);
    assert!(answer.age_ms.is_some(), "and is told how old it may be");
    let back = if kept == 1 { 2 } else { 1 };
    cluster.start(back).await;
    cluster.leader().await;
    eventually("service to come back", || {
        let root = root.clone();
        async move { root.get("secret/data/a").await.status == 200 }
    })
    .await;
}
