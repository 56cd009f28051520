//! What a node does by itself: initialising, opening, its health, its figures, its description.

use crate::fixture::{Node, Read, World, Write, refused, shown};
use crate::pipeline::metrics;
use holdfast_contract::Refusal;
use holdfast_machine::testing::MemoryReplica;
use serde_json::{Value as Json, json};
use std::sync::Arc;
use std::sync::atomic::Ordering;

async fn health(node: &Node, query: &str) -> Option<u16> {
    let path = format!("sys/health?{query}");
    shown(node.ask("", Read, &path, json!({})).await).status
}

#[tokio::test]
async fn health_is_a_status_code() {
    let empty = Node::over(Arc::new(MemoryReplica::new()) as _);
    assert_eq!(health(&empty, "").await, Some(501));
    assert_eq!(health(&empty, "uninitcode=299").await, Some(299));

    let world = World::open().await;
    assert_eq!(health(&world.here, "").await, Some(200));
    assert_eq!(health(&world.here, "activecode=204").await, Some(204));
    world.stage.follows.store(true, Ordering::SeqCst);
    assert_eq!(health(&world.here, "").await, Some(429));
    assert_eq!(health(&world.here, "standbyok=true").await, Some(200));
    assert_eq!(health(&world.here, "perfstandbyok=1").await, Some(200));
    assert_eq!(health(&world.here, "standbycode=206").await, Some(206));
    world.stage.follows.store(false, Ordering::SeqCst);
    world.replica.set_available(false);
    assert_eq!(health(&world.here, "").await, Some(474));
    world.replica.set_available(true);
    world.here.must(&world.root, "sys/seal", json!({})).await;
    assert_eq!(health(&world.here, "").await, Some(503));
    assert_eq!(health(&world.here, "sealedcode=200").await, Some(200));
    for bad in ["sealedcode=7", "sealedcode=70000", "sealedcode=canary"] {
        let path = format!("sys/health?{bad}");
        let refusal = refused(world.here.ask("", Read, &path, json!({})).await);
        assert!(!refusal.to_string().contains("canary"), "{refusal}");
    }
}

#[tokio::test]
async fn a_cluster_is_initialised_once() {
    let world = World::open().await;
    for node in [&world.here, &*world.there] {
        let asked = json!({ "secret_shares": 1, "secret_threshold": 1 });
        let refusal = refused(node.ask("", Write, "sys/init", asked).await);
        assert!(matches!(refusal, Refusal::Invalid(_)));
        assert_eq!(refusal.to_string(), "Vault is already initialized");
    }
    let status = world.here.data("", "sys/init").await;
    assert_eq!(status["initialized"], json!(true));
}

#[tokio::test]
async fn shares_that_cannot_be_are_refused_before_anything_is_made() {
    let replica = Arc::new(MemoryReplica::new());
    let node = Node::over(Arc::clone(&replica) as _);
    for (asked, field) in [
        (json!({}), "secret_shares"),
        (
            json!({ "secret_shares": 0, "secret_threshold": 0 }),
            "secret_shares",
        ),
        (
            json!({ "secret_shares": 256, "secret_threshold": 2 }),
            "secret_shares",
        ),
        (
            json!({ "secret_shares": 2, "secret_threshold": 3 }),
            "secret_threshold",
        ),
        (
            json!({ "secret_shares": 2, "secret_threshold": 1 }),
            "secret_threshold",
        ),
        (
            json!({ "secret_shares": 1, "secret_threshold": 1, "pgp_keys": ["canary"] }),
            "pgp_keys",
        ),
    ] {
        let text = refused(node.ask("", Write, "sys/init", asked).await).to_string();
        assert!(text.contains(field) && !text.contains("canary"), "{text}");
    }
    assert_eq!(replica.proposals(), 0);
    let refusal = refused(
        node.ask("", Write, "sys/unseal", json!({ "key": "00" }))
            .await,
    );
    assert!(matches!(refusal, Refusal::Invalid(_)), "{refusal}");
}

#[tokio::test]
async fn a_wrong_share_is_named_and_never_echoed() {
    let world = World::open().await;
    world.here.must(&world.root, "sys/seal", json!({})).await;
    let (first, rest) = world.share.split_at(2);
    let flipped = format!("{}{rest}", if first == "00" { "01" } else { "00" });
    for (key, part) in [
        (flipped.as_str(), "share"),
        ("canary", "not a share"),
        ("", "not a share"),
    ] {
        let asked = world
            .here
            .ask("", Write, "sys/unseal", json!({ "key": key }))
            .await;
        let text = refused(asked).to_string();
        assert!(text.contains("\"key\"") && text.contains(part), "{text}");
        assert!(key.is_empty() || !text.contains(key), "{text}");
    }
    assert_eq!(
        world.here.data("", "sys/seal-status").await["progress"],
        json!(0)
    );
    let opened = world
        .here
        .must("", "sys/unseal", json!({ "key": world.share }))
        .await;
    assert_eq!(opened.data.unwrap()["sealed"], json!(false));
}

#[tokio::test]
async fn figures_hold_nothing_that_came_in() {
    let world = World::open().await;
    world
        .here
        .must(
            &world.root,
            "kv/canary-path",
            json!({ "canary-key": "canary-value" }),
        )
        .await;
    let _denied = world
        .here
        .ask("hfs.canary-token", Read, "canary-mount/a", json!({}))
        .await;
    let _refused = world
        .here
        .ask(
            &world.root,
            Write,
            "sys/mounts/a",
            json!({ "type": "canary" }),
        )
        .await;
    let text = metrics(&world).await;
    assert!(text.contains("holdfast_requests_total{"), "{text}");
    assert!(text.contains("outcome=\"denied\""), "{text}");
    for secret in ["canary", &world.root, &world.share] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[tokio::test]
async fn the_description_holds_every_route() {
    let world = World::open().await;
    let document = world
        .here
        .data(&world.root, "sys/internal/specs/openapi")
        .await;
    let paths = document["paths"].as_object().unwrap();
    let mut expected: Vec<String> = [
        "init",
        "seal-status",
        "unseal",
        "seal",
        "health",
        "leader",
        "ha-status",
        "step-down",
        "key-status",
        "metrics",
        "internal/specs/openapi",
        "internal/ui/mounts",
        "internal/ui/mounts/{path}",
        "mounts",
        "mounts/{path}",
        "auth",
    ]
    .iter()
    .map(|pattern| format!("/sys/{pattern}"))
    .collect();
    let shown = |pattern: &str| pattern.replace("*}", "}");
    for route in holdfast_access::POLICY_ROUTES {
        expected.push(format!("/sys/{}", shown(route.pattern)));
    }
    for route in holdfast_access::TOKEN_ROUTES {
        expected.push(format!("/auth/token/{}", shown(route.pattern)));
    }
    for kind in holdfast_engines::kinds() {
        for route in kind.routes {
            let mount = match kind.version {
                "" => kind.name.to_owned(),
                version => format!("{{{}_v{version}_mount_path}}", kind.name),
            };
            expected.push(format!("/{mount}/{}", shown(route.pattern)));
        }
    }
    for path in &expected {
        let item = paths
            .get(path)
            .unwrap_or_else(|| panic!("{path} is described"));
        let verbs = ["get", "post", "patch", "delete"];
        assert!(verbs.iter().any(|verb| item.get(verb).is_some()), "{path}");
        assert!(
            item["description"]
                .as_str()
                .is_some_and(|text| !text.is_empty())
        );
    }
    let none: &[Json] = &[];
    for (path, item) in paths {
        for named in item["parameters"].as_array().map_or(none, Vec::as_slice) {
            let name = named["name"].as_str().unwrap();
            assert!(path.contains(&format!("{{{name}}}")), "{path} {name}");
        }
    }
}
