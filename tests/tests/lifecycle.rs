//! Init, unseal, seal, health and leader as clients see them.

use holdfast_tests::{Cluster, eventually};
use serde_json::json;

#[tokio::test]
async fn a_new_cluster_is_initialised_once_and_opened_node_by_node() {
    let mut cluster = Cluster::uninitialized(3).await;
    let one = cluster.http(1);
    assert_eq!(
        one.get("sys/init").await.expect(200).body,
        json!({ "initialized": false })
    );
    one.get("sys/health").await.expect(501);
    one.get("secret/data/x").await.expect(503);

    cluster.initialize(5, 3).await;
    assert_eq!(cluster.keys.shares.len(), 5);
    one.send(
        "PUT",
        "sys/init",
        Some(json!({ "secret_shares": 1, "secret_threshold": 1 })),
    )
    .await
    .expect(400);

    let two = cluster.http(2);
    eventually("node 2 to learn of it", || {
        let two = two.clone();
        async move { two.get("sys/init").await.body["initialized"] == json!(true) }
    })
    .await;
    two.get("sys/health").await.expect(503);
    for id in 1..=3 {
        cluster.unseal(id).await;
    }
    let leader = cluster.leader().await;
    cluster.http(leader).get("sys/health").await.expect(200);
    let follower = cluster.followers().await[0];
    cluster.http(follower).get("sys/health").await.expect(429);
    cluster
        .http(follower)
        .get("sys/health?standbyok=true")
        .await
        .expect(200);
    cluster
        .http(follower)
        .get("sys/health?standbycode=299")
        .await
        .expect(299);
    cluster
        .http(follower)
        .get("sys/health?standbycode=9")
        .await
        .expect(400);
}

#[tokio::test]
async fn a_wrong_share_is_named_and_does_not_count() {
    let mut cluster = Cluster::uninitialized(1).await;
    cluster.initialize(3, 2).await;
    let http = cluster.http(1);
    let good = cluster.keys.shares[0].clone();

    let status = http
        .send("PUT", "sys/unseal", Some(json!({ "key": good })))
        .await
        .expect(200)
        .body;
    assert_eq!(
        (&status["progress"], &status["t"], &status["n"]),
        (&json!(1), &json!(2), &json!(3))
    );
    // The same share again is no progress.
    let status = http
        .send("PUT", "sys/unseal", Some(json!({ "key": good })))
        .await
        .expect(200)
        .body;
    assert_eq!(status["progress"], json!(1));

    // Other bytes under the same index.
    let flipped = match good.strip_prefix('0') {
        Some(rest) => format!("1{rest}"),
        None => format!("0{}", &good[1..]),
    };
    let refused = http
        .send("PUT", "sys/unseal", Some(json!({ "key": flipped })))
        .await
        .expect(400);
    let index = u8::from_str_radix(&good[64..], 16).expect("an index");
    assert!(
        refused.text.contains(&format!("share {index} ")),
        "{}",
        refused.text
    );
    assert!(
        !refused.text.contains(&flipped[..16]),
        "the error does not echo the share"
    );

    // An index that no share of the set has.
    let taken: Vec<u8> = cluster
        .keys
        .shares
        .iter()
        .map(|share| u8::from_str_radix(&share[64..], 16).unwrap())
        .collect();
    let foreign = (1..=255u8)
        .find(|index| !taken.contains(index))
        .expect("a free index");
    let foreign = format!("{}{foreign:02x}", &good[..64]);
    http.send("PUT", "sys/unseal", Some(json!({ "key": foreign })))
        .await
        .expect(400);
    http.send("PUT", "sys/unseal", Some(json!({ "key": "not a share" })))
        .await
        .expect(400);
    http.send("PUT", "sys/unseal", Some(json!({})))
        .await
        .expect(400);

    let status = http.get("sys/seal-status").await.expect(200).body;
    assert_eq!(status["progress"], json!(1), "nothing of that counted");
    let status = http
        .send("PUT", "sys/unseal", Some(json!({ "reset": true })))
        .await
        .expect(200)
        .body;
    assert_eq!(status["progress"], json!(0));
    cluster.unseal(1).await;
}

#[tokio::test]
async fn seal_closes_every_node_and_stays_across_restarts() {
    let mut cluster = Cluster::ready(3).await;
    cluster
        .root(1)
        .post("secret/data/kept", json!({ "data": { "a": "1" } }))
        .await
        .expect(200);
    cluster
        .http(2)
        .with_token("nonsense")
        .send("PUT", "sys/seal", None)
        .await
        .expect(403);
    cluster
        .root(2)
        .send("PUT", "sys/seal", None)
        .await
        .expect(204);
    for id in 1..=3 {
        let http = cluster.root(id);
        eventually("every node to be sealed", || {
            let http = http.clone();
            async move { http.get("sys/seal-status").await.body["sealed"] == json!(true) }
        })
        .await;
        http.get("secret/data/kept").await.expect(503);
    }
    cluster.node(3).kill();
    cluster.start(3).await;
    assert_eq!(
        cluster.http(3).get("sys/seal-status").await.body["sealed"],
        json!(true)
    );
    for id in 1..=3 {
        cluster.unseal(id).await;
    }
    let read = cluster.root(3).get("secret/data/kept").await.expect(200);
    assert_eq!(read.body["data"]["data"]["a"], json!("1"));
}

#[tokio::test]
async fn leadership_moves_to_a_named_node() {
    let cluster = Cluster::ready(3).await;
    let target = cluster.followers().await[0];
    let through = cluster.followers().await[1];
    cluster
        .root(through)
        .post("sys/step-down", json!({ "node_id": target }))
        .await
        .expect(204);
    eventually("the named node to lead", || async {
        cluster.leader().await == target
    })
    .await;
    cluster
        .root(through)
        .post("secret/data/after", json!({ "data": { "a": 1 } }))
        .await
        .expect(200);
    cluster
        .root(through)
        .post("sys/step-down", json!({ "node_id": 99 }))
        .await
        .expect(400);
}

#[tokio::test]
async fn any_node_can_be_asked_to_make_the_leader_step_down() {
    let cluster = Cluster::ready(3).await;
    let leader = cluster.leader().await;
    let through = cluster.followers().await[0];
    cluster
        .root(through)
        .send("PUT", "sys/step-down", None)
        .await
        .expect(204);
    eventually("another node to lead", || async {
        cluster.leader().await != leader
    })
    .await;
}
