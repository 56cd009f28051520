//! Who may what.

use crate::fixture::{Delete, List, Patch, Read, World, Write, denied, missing, refused, shown};
use holdfast_contract::{Operation, Refusal};
use serde_json::{Value as Json, json};

#[tokio::test]
async fn only_routes_that_say_so_are_open_to_anyone() {
    let world = World::open().await;
    let document = world
        .here
        .data(&world.root, "sys/internal/specs/openapi")
        .await;
    let mut open = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        if item["x-vault-unauthenticated"] == json!(true) {
            open.push(path.clone());
            continue;
        }
        let path = path
            .trim_start_matches('/')
            .replace("{kv_v1_mount_path}", "kv")
            .replace("{kv_v2_mount_path}", "kv")
            .replace(['{', '}'], "");
        let path = path.trim_end_matches('/');
        let verbs: Vec<&str> = item
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        for operation in [
            ("get", Read),
            ("get", List),
            ("post", Write),
            ("patch", Patch),
            ("delete", Delete),
        ]
        .into_iter()
        .filter_map(|(verb, operation)| verbs.contains(&verb).then_some(operation))
        {
            for token in ["", "hfs.unknown"] {
                let refusal = refused(world.here.ask(token, operation, path, json!({})).await);
                let shut = matches!(refusal, Refusal::Denied)
                    || matches!(refusal, Refusal::Unsupported) && matches!(operation, Read | List);
                assert!(shut, "{operation:?} {path}: {refusal}");
            }
        }
    }
    open.sort_unstable();
    assert_eq!(
        open,
        [
            "/sys/health",
            "/sys/init",
            "/sys/leader",
            "/sys/seal-status",
            "/sys/unseal"
        ]
    );
}

#[tokio::test]
async fn a_plain_token_may_look_at_itself_and_no_further() {
    let world = World::open().await;
    let token = world
        .token(&world.here, json!({ "policies": ["default"] }))
        .await;
    let own = world.here.data(&token, "auth/token/lookup-self").await;
    assert_eq!(own["policies"], json!(["default"]));
    shown(
        world
            .here
            .ask(&token, Write, "cubbyhole/mine", json!({ "v": 1 }))
            .await,
    );
    for (operation, path) in [
        (Read, "kv/a"),
        (Write, "kv/a"),
        (List, "kv"),
        (Write, "auth/token/create"),
        (Write, "auth/token/lookup"),
        (Read, "sys/mounts"),
        (Write, "sys/mounts/mine"),
        (Delete, "sys/mounts/kv"),
        (Read, "sys/policies/acl/default"),
        (Write, "sys/policies/acl/default"),
        (Write, "sys/seal"),
        (Write, "sys/step-down"),
        (Read, "sys/metrics"),
    ] {
        let body = json!({ "policy": "path \"*\" { capabilities = [\"sudo\"] }", "token": "x" });
        denied(world.here.ask(&token, operation, path, body).await);
    }
    missing(
        world
            .here
            .ask(&world.root, Read, "cubbyhole/mine", json!({}))
            .await,
    );
}

#[tokio::test]
async fn each_operation_needs_its_own_capability() {
    let cases = [
        ("create", vec![(Write, "kv/new")]),
        ("update", vec![(Write, "kv/old")]),
        ("read", vec![(Read, "kv/old"), (Read, "kv/new")]),
        ("delete", vec![(Delete, "kv/old"), (Delete, "kv/new")]),
        ("list", vec![(List, "kv")]),
    ];
    for (granted, _) in &cases {
        let world = World::open().await;
        world
            .here
            .must(&world.root, "kv/old", json!({ "v": 0 }))
            .await;
        let policy = format!(r#"path "kv/*" {{ capabilities = ["{granted}"] }}"#);
        let token = world.token_with(&policy).await;
        for (needed, asked) in &cases {
            for (operation, path) in asked {
                let answer = world
                    .here
                    .ask(&token, *operation, path, json!({ "v": 1 }))
                    .await;
                let is_denied = matches!(answer, Err(Refusal::Denied));
                assert_eq!(
                    is_denied,
                    needed != granted,
                    "{granted}: {operation:?} {path}"
                );
            }
        }
    }
}

#[tokio::test]
async fn what_is_mounted_is_not_told_to_strangers() {
    let world = World::open().await;
    world.mount("versions", "2").await;
    let token = world
        .token(&world.here, json!({ "policies": ["default"] }))
        .await;
    let operations = [Read, List, Operation::Scan, Write, Patch, Delete];
    for mount in ["kv", "versions", "nothing"] {
        for tail in ["", "/a", "/data/a", "/config", "/no/such/route"] {
            for operation in operations {
                let path = format!("{mount}{tail}");
                denied(world.here.ask(&token, operation, &path, json!({})).await);
            }
        }
    }
    // Whoever has a right there is told what is wrong.
    let allowed = world
        .token_with(r#"path "kv/*" { capabilities = ["patch"] }"#)
        .await;
    let refusal = refused(world.here.ask(&allowed, Patch, "kv/a", json!({})).await);
    assert!(matches!(refusal, Refusal::Unsupported), "{refusal}");
    let refusal = refused(world.here.ask(&world.root, Write, "kv", json!({})).await);
    assert!(matches!(refusal, Refusal::Invalid(_)), "{refusal}");
    missing(
        world
            .here
            .ask(&world.root, Read, "nothing/a", json!({}))
            .await,
    );
}

#[tokio::test]
async fn rights_come_before_the_judgement_of_inputs() {
    let world = World::open().await;
    let token = world
        .token(&world.here, json!({ "policies": ["default"] }))
        .await;
    let odd = json!({ "config": 7, "ttl": "canary", "policies": { "a": 1 } });
    denied(
        world
            .here
            .ask(&token, Write, "sys/mounts/a", odd.clone())
            .await,
    );
    denied(
        world
            .here
            .ask(&token, Write, "auth/token/create", odd.clone())
            .await,
    );
    let refusal = refused(
        world
            .here
            .ask(&world.root, Write, "auth/token/create", odd)
            .await,
    );
    assert!(!refusal.to_string().contains("canary"), "{refusal}");
}

#[tokio::test]
async fn sudo_is_needed_where_it_is_declared() {
    let world = World::open().await;
    let text =
        |sudo: &str| format!(r#"path "sys/step-down" {{ capabilities = ["update"{sudo}] }}"#);
    let plain = world.token_with(&text("")).await;
    denied(
        world
            .here
            .ask(&plain, Write, "sys/step-down", json!({}))
            .await,
    );
    let sudo = world.token_with(&text(r#", "sudo""#)).await;
    shown(
        world
            .here
            .ask(&sudo, Write, "sys/step-down", json!({}))
            .await,
    );
}

#[tokio::test]
async fn a_denied_directory_is_denied_in_every_spelling() {
    let world = World::open().await;
    let text = r#"path "kv/*" { capabilities = ["create", "read", "update", "delete", "list"] }
path "kv/secret" { capabilities = ["deny"] }
path "kv/secret/*" { capabilities = ["deny"] }"#;
    let token = world.token_with(text).await;
    for path in ["kv/secret", "kv/secret/", "kv/secret/a", "kv/secret/a/"] {
        for operation in [Read, List, Delete] {
            denied(world.here.ask(&token, operation, path, json!({})).await);
        }
    }
    missing(world.here.ask(&token, List, "kv/other", json!({})).await);
}

#[tokio::test]
async fn other_namespaces_are_refused() {
    let world = World::open().await;
    let incoming = |namespace: &str| holdfast_contract::Incoming {
        request_id: String::new(),
        operation: Read,
        path: holdfast_types::CanonPath::parse("sys/mounts").unwrap(),
        namespace: namespace.to_owned(),
        token: Some(world.root.clone()),
        body: serde_json::Map::new(),
        query: Vec::new(),
        remote_addr: String::new(),
        freshness: holdfast_barrier::Freshness::Linearizable,
    };
    for namespace in ["team", "root/team", "ROOT"] {
        let refusal = refused(world.here.0.handle(incoming(namespace)).await.result);
        assert!(matches!(refusal, Refusal::Invalid(_)), "{namespace}");
    }
    shown(world.here.0.handle(incoming("root/")).await.result);
}

#[tokio::test]
async fn the_mounts_that_a_token_may_see_are_those_it_has_rights_in() {
    let world = World::open().await;
    world.mount("hidden", "1").await;
    let token = world
        .token_with(r#"path "kv/team/*" { capabilities = ["read"] }"#)
        .await;
    let seen = world.here.data(&token, "sys/internal/ui/mounts").await;
    let mut names: Vec<&String> = seen["secret"].as_object().unwrap().keys().collect();
    names.sort_unstable();
    assert_eq!(names, ["cubbyhole/", "kv/"]);
    let one = world
        .here
        .data(&token, "sys/internal/ui/mounts/kv/team/a")
        .await;
    assert_eq!(one["path"], Json::from("kv/"));
    for path in ["hidden/a", "nothing/a"] {
        let path = format!("sys/internal/ui/mounts/{path}");
        denied(world.here.ask(&token, Read, &path, json!({})).await);
    }
}
