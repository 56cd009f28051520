//! The mount table, and what becomes of a removed mount's data.

use crate::fixture::{Delete, List, Read, World, Write, missing, refused, shown};
use holdfast_contract::Refusal;
use serde_json::{Value as Json, json};
use std::sync::Arc;

async fn enable(world: &World, path: &str, body: Json) -> Result<(), String> {
    let path = format!("sys/mounts/{path}");
    let answer = world.here.ask(&world.root, Write, &path, body).await;
    answer.map(drop).map_err(|refusal| refusal.to_string())
}

fn kv() -> Json {
    json!({ "type": "kv" })
}

#[tokio::test]
async fn a_mount_never_lies_within_another() {
    let world = World::open().await;
    enable(&world, "a/b", kv()).await.unwrap();
    for (path, why) in [
        ("a/b", "path is already in use at a/b/"),
        ("a/b/c", "path is already in use at a/b/"),
        ("a/b/c/d", "path is already in use at a/b/"),
        ("a", "existing mount at a/"),
        ("sys", "reserved"),
        ("sys/x", "reserved"),
        ("auth/x", "reserved"),
        ("cubbyhole/x", "reserved"),
    ] {
        let text = enable(&world, path, kv()).await.unwrap_err();
        assert!(text.contains(why), "{path}: {text}");
    }
    for path in ["a/c", "ab", "b/a"] {
        enable(&world, path, kv()).await.unwrap();
    }
    for (body, field) in [
        (json!({}), "type"),
        (json!({ "type": "canary" }), "type"),
        (json!({ "type": "cubbyhole" }), "type"),
        (
            json!({ "type": "kv", "options": { "version": "9" } }),
            "type",
        ),
    ] {
        let text = enable(&world, "fresh", body).await.unwrap_err();
        assert!(text.contains(field) && !text.contains("canary"), "{text}");
    }
}

#[tokio::test]
async fn nodes_that_mount_within_each_other_at_once_do_not_both_succeed() {
    let world = World::open().await;
    let (there, root) = (Arc::clone(&world.there), world.root.clone());
    world.stage.meanwhile(async move {
        there.must(&root, "sys/mounts/x/y", kv()).await;
    });
    let text = enable(&world, "x", kv()).await.unwrap_err();
    assert!(text.contains("existing mount"), "{text}");
    let (there, root) = (Arc::clone(&world.there), world.root.clone());
    world.stage.meanwhile(async move {
        there.must(&root, "sys/mounts/z", kv()).await;
    });
    let text = enable(&world, "z/y", kv()).await.unwrap_err();
    assert!(text.contains("in use"), "{text}");
}

#[tokio::test]
async fn a_disabled_mount_leaves_nothing() {
    let world = World::open().await;
    let before = world.records();
    world.mount("gone", "2").await;
    for at in 0..9 {
        let body = json!({ "data": { "v": at } });
        let path = format!("gone/data/{at}/deep");
        world.here.must(&world.root, &path, body).await;
    }
    assert!(world.records() > before + 18);
    shown(
        world
            .here
            .ask(&world.root, Delete, "sys/mounts/gone", json!({}))
            .await,
    );
    missing(
        world
            .here
            .ask(&world.root, Read, "gone/data/1/deep", json!({}))
            .await,
    );
    while world.here.0.leader_duties().await.unwrap() {}
    assert_eq!(world.records(), before);
    // Again is harmless, and a new mount of the path is empty.
    shown(
        world
            .here
            .ask(&world.root, Delete, "sys/mounts/gone", json!({}))
            .await,
    );
    world.mount("gone", "2").await;
    missing(
        world
            .here
            .ask(&world.root, List, "gone/metadata", json!({}))
            .await,
    );
    let refusal = refused(
        world
            .here
            .ask(&world.root, Delete, "sys/mounts/cubbyhole", json!({}))
            .await,
    );
    assert!(refusal.to_string().contains("part of the product"));
}

#[tokio::test]
async fn a_write_into_a_mount_that_is_being_removed_does_not_outlive_it() {
    let world = World::open().await;
    let before = world.records();
    world.mount("gone", "1").await;
    let (there, root) = (Arc::clone(&world.there), world.root.clone());
    world.stage.meanwhile(async move {
        shown(there.ask(&root, Delete, "sys/mounts/gone", json!({})).await);
        while there.0.leader_duties().await.unwrap() {}
    });
    missing(
        world
            .here
            .ask(&world.root, Write, "gone/a", json!({ "v": 1 }))
            .await,
    );
    assert_eq!(world.records(), before);
}

#[tokio::test]
async fn settings_are_checked_and_shown() {
    let world = World::open().await;
    let tune = |body: Json| {
        world
            .here
            .ask(&world.root, Write, "sys/mounts/kv/tune", body)
    };
    shown(
        tune(json!({ "default_lease_ttl": "1h", "max_lease_ttl": "2h", "description": "d" })).await,
    );
    let shown_now = world.here.data(&world.root, "sys/mounts/kv/tune").await;
    assert_eq!(shown_now["default_lease_ttl"], json!(3600));
    for body in [
        json!({ "default_lease_ttl": "3h" }),
        json!({ "default_lease_ttl": "canary" }),
        json!({ "listing_visibility": "canary" }),
        json!({ "options": { "version": "2" } }),
        json!({ "options": (0..1000).map(|at| (at.to_string(), Json::from("x"))).collect::<serde_json::Map<_, _>>() }),
    ] {
        let refusal = refused(tune(body).await);
        assert!(matches!(refusal, Refusal::Invalid(_)), "{refusal}");
        assert!(!refusal.to_string().contains("canary"), "{refusal}");
    }
    assert_eq!(
        world.here.data(&world.root, "sys/mounts/kv/tune").await,
        shown_now
    );
    let all = world.here.data(&world.root, "sys/mounts").await;
    for path in ["kv/", "cubbyhole/", "sys/"] {
        assert!(all.contains_key(path), "{path}");
    }
}
