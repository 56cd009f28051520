//! What the API promises across nodes: reads after writes, tokens that end everywhere, mounts and their data.

use holdfast_tests::{Cluster, Http, eventually};
use serde_json::{Value, json};

async fn token(by: &Http, wanted: Value) -> String {
    let made = by.post("auth/token/create", wanted).await.expect(200).body;
    let token = made["auth"]["client_token"].as_str();
    token.expect("a token").to_owned()
}

#[tokio::test]
async fn a_write_is_read_on_another_node_by_its_index() {
    let cluster = Cluster::ready(3).await;
    let followers = cluster.followers().await;
    for round in 0..20 {
        let (here, there) = (followers[round % 2], followers[(round + 1) % 2]);
        let body = json!({ "data": { "round": round } });
        let written = cluster
            .root(here)
            .post("secret/data/ryw", body)
            .await
            .expect(200);
        let index = written.index.expect("a write gives its index");
        let after = cluster.root(there).with_header("X-Vault-Index", &index);
        let read = after.get("secret/data/ryw").await.expect(200);
        assert_eq!(read.body["data"]["data"]["round"], json!(round));
        // Without the header too: reads are linearizable unless asked otherwise.
        let read = cluster.root(there).get("secret/data/ryw").await.expect(200);
        assert_eq!(read.body["data"]["data"]["round"], json!(round));
    }
}

#[tokio::test]
async fn a_tokens_end_holds_on_every_node() {
    let cluster = Cluster::ready(3).await;
    let short = token(
        &cluster.root(1),
        json!({ "ttl": "2s", "policies": ["default"] }),
    )
    .await;
    for id in 1..=3 {
        let holder = cluster.http(id).with_token(&short);
        holder.get("auth/token/lookup-self").await.expect(200);
    }
    for id in 1..=3 {
        let holder = cluster.http(id).with_token(&short);
        eventually("the token to end", || {
            let holder = holder.clone();
            async move { holder.get("auth/token/lookup-self").await.status == 403 }
        })
        .await;
    }
    // Its record goes too, not only its power.
    let root = cluster.root(2);
    eventually("only the root token to be left", || {
        let root = root.clone();
        async move {
            let listed = root.list("auth/token/accessors").await.expect(200);
            listed.body["data"]["keys"].as_array().map(Vec::len) == Some(1)
        }
    })
    .await;
}

#[tokio::test]
async fn a_revoked_token_and_its_children_are_refused_everywhere_at_once() {
    let cluster = Cluster::ready(3).await;
    let parent = token(&cluster.root(1), json!({ "ttl": "1h" })).await;
    let child = token(
        &cluster.http(2).with_token(&parent),
        json!({ "ttl": "30m" }),
    )
    .await;
    let grandchild = token(&cluster.http(3).with_token(&child), json!({ "ttl": "20m" })).await;
    let orphan = token(
        &cluster.http(3).with_token(&child),
        json!({ "no_parent": true, "ttl": "20m" }),
    )
    .await;
    let family = [&parent, &child, &grandchild];
    for id in 1..=3 {
        for token in family {
            let holder = cluster.http(id).with_token(token);
            holder.get("auth/token/lookup-self").await.expect(200);
        }
    }
    let body = json!({ "token": parent });
    cluster
        .root(2)
        .post("auth/token/revoke", body)
        .await
        .expect(204);
    for id in [1, 3, 2] {
        for token in family {
            let holder = cluster.http(id).with_token(token);
            holder.get("auth/token/lookup-self").await.expect(403);
        }
        let holder = cluster.http(id).with_token(&orphan);
        holder.get("auth/token/lookup-self").await.expect(200);
    }
}

#[tokio::test]
async fn a_token_is_used_as_often_as_it_may_be_over_all_nodes() {
    let cluster = Cluster::ready(3).await;
    let counted = token(&cluster.root(1), json!({ "num_uses": 3 })).await;
    for id in [3, 1, 2] {
        let holder = cluster.http(id).with_token(&counted);
        holder.get("auth/token/lookup-self").await.expect(200);
    }
    let holder = cluster.http(1).with_token(&counted);
    holder.get("auth/token/lookup-self").await.expect(403);
}

#[tokio::test]
async fn a_cubbyhole_is_its_tokens_own_and_dies_with_it() {
    let cluster = Cluster::ready(3).await;
    let wanted = json!({ "policies": ["default"] });
    let mine = token(&cluster.root(1), wanted.clone()).await;
    let other = token(&cluster.root(1), wanted).await;
    let here = cluster.http(2).with_token(&mine);
    here.post("cubbyhole/a/b", json!({ "k": "v" }))
        .await
        .expect(204);
    let there = cluster.http(3).with_token(&mine);
    let read = there.get("cubbyhole/a/b").await.expect(200).body;
    assert_eq!(read["data"], json!({ "k": "v" }));
    let listed = there.list("cubbyhole").await.expect(200).body;
    assert_eq!(listed["data"]["keys"], json!(["a/"]));
    for stranger in [cluster.root(2), cluster.http(2).with_token(&other)] {
        stranger.get("cubbyhole/a/b").await.expect(404);
        stranger.list("cubbyhole").await.expect(404);
    }
    here.delete("cubbyhole/a/b").await.expect(204);
    there.get("cubbyhole/a/b").await.expect(404);
}

#[tokio::test]
async fn mounts_come_change_and_go_on_every_node() {
    let cluster = Cluster::ready(3).await;
    let followers = cluster.followers().await;
    let (here, there) = (cluster.root(followers[0]), cluster.root(followers[1]));
    let wanted = json!({ "type": "kv", "description": "first", "options": { "version": "1" } });
    here.post("sys/mounts/team/plain", wanted.clone())
        .await
        .expect(204);
    let exact = serde_json::from_str(r#"{ "a": [1, 2.50] }"#).expect("JSON");
    there.post("team/plain/x", exact).await.expect(204);
    let read = here.get("team/plain/x").await.expect(200);
    assert!(read.text.contains("2.50"), "{}", read.text);
    assert_eq!(read.body["data"]["a"][0], json!(1));
    assert_eq!(read.body["renewable"], json!(false));
    there
        .send("PUT", "team/plain/x", Some(json!({ "b": "c" })))
        .await
        .expect(204);
    assert_eq!(
        here.get("team/plain/x").await.expect(200).body["data"],
        json!({ "b": "c" })
    );

    let taken = there
        .post("sys/mounts/team/plain", wanted.clone())
        .await
        .expect(400);
    assert!(
        taken.text.contains("path is already in use at"),
        "{}",
        taken.text
    );
    for (path, why) in [("team", "above"), ("team/plain/below", "below")] {
        let clash = there
            .post(&format!("sys/mounts/{path}"), wanted.clone())
            .await;
        assert_eq!(clash.status, 400, "a mount {why} another: {}", clash.text);
    }
    let tune = json!({ "default_lease_ttl": "1h", "description": "tuned" });
    here.post("sys/mounts/team/plain/tune", tune)
        .await
        .expect(204);
    let tuned = there
        .get("sys/mounts/team/plain/tune")
        .await
        .expect(200)
        .body;
    assert_eq!(tuned["data"]["default_lease_ttl"], json!(3600));
    assert_eq!(tuned["data"]["description"], json!("tuned"));

    here.delete("sys/mounts/team/plain").await.expect(204);
    there.get("team/plain/x").await.expect(404);
    // A mount of the same name starts empty.
    there
        .post("sys/mounts/team/plain", wanted)
        .await
        .expect(204);
    here.get("team/plain/x").await.expect(404);
    here.list("team/plain").await.expect(404);
}
