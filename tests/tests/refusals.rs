//! Bad input and bad starts: clear refusals, and the node goes on.

use holdfast_tests::{Cluster, Http};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;

#[tokio::test]
async fn bad_input_is_refused_by_name_and_never_echoed() {
    let cluster = Cluster::ready(1).await;
    let root = cluster.root(1);
    let raw =
        |body: &'static str| raw_post(&root, &cluster.nodes[0].api, &cluster.keys.root_token, body);

    assert_eq!(raw("{\"data\": {\"canary\"").await.0, 400);
    assert_eq!(raw("[\"canary\"]").await.0, 400);
    let deep = format!("{{\"data\":{}1{}}}", "[".repeat(500), "]".repeat(500));
    let (status, text) = raw(Box::leak(deep.into_boxed_str())).await;
    assert_eq!(status, 400);
    assert!(!text.contains("[[["), "{text}");

    for (path, body, status, field) in [
        (
            "secret/data/x",
            json!({ "dat": { "canary": 1 } }),
            400,
            "data",
        ),
        ("secret/data/x", json!({ "data": "canary" }), 400, "data"),
        (
            "secret/delete/x",
            json!({ "versions": "canary" }),
            400,
            "versions",
        ),
        (
            "secret/config",
            json!({ "max_versions": "canary" }),
            400,
            "max_versions",
        ),
        ("auth/token/create", json!({ "ttl": "canary" }), 400, "ttl"),
        (
            "sys/policies/acl/p",
            json!({ "policy": "path \"canary\" { capabilities = [\"canary\"] }" }),
            400,
            "capabilit",
        ),
        ("sys/mounts/x", json!({ "type": "canary" }), 400, "type"),
    ] {
        let answer = root.post(path, body).await.expect(status);
        let text = answer.body["errors"].to_string();
        assert!(text.contains(field), "{path}: {text}");
        assert!(!text.contains("canary"), "{path}: {text}");
    }
    let ignored = root
        .post(
            "sys/policies/acl/p",
            json!({ "policy": "", "canary": "secret" }),
        )
        .await;
    assert!(!ignored.text.contains("secret"), "{}", ignored.text);

    // After all that the node serves.
    root.post("secret/data/x", json!({ "data": { "a": "b" } }))
        .await
        .expect(200);
}

#[tokio::test]
async fn odd_paths_and_methods_are_refused() {
    let cluster = Cluster::ready(1).await;
    let root = cluster.root(1);
    // URL libraries tidy such paths up before they send them; an attacker's client does not.
    for path in [
        "secret/data/../x",
        "secret/./data",
        "secret//data",
        "secret/data/%2e%2e/x",
        "secret/data/a%00b",
        "secret/data/a%2fb",
        "secret/data/x%5c",
        "secret/data/%ff",
        "secret/data/a./b",
    ] {
        let answer = raw_get(&cluster.nodes[0].api, path, &cluster.keys.root_token).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{path}: {answer}");
    }
    root.post("secret/data/x/", json!({ "data": {} }))
        .await
        .expect(400);
    root.send("BREW", "secret/data/x", None).await.expect(405);
    root.get("secret/data/x?list=maybe").await.expect(400);
    root.get("nowhere/at/all").await.expect(404);
    // After all that the node serves.
    root.post("secret/data/x", json!({ "data": { "a": "b" } }))
        .await
        .expect(200);
}

/// Sends a path exactly as it is written. Gives the whole answer.
async fn raw_get(api: &str, path: &str, token: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let address = api.trim_start_matches("http://");
    let mut stream = tokio::net::TcpStream::connect(address)
        .await
        .expect("a connection");
    let request = format!(
        "GET /v1/{path} HTTP/1.1\r\nHost: {address}\r\nX-Vault-Token: {token}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    answer
}

async fn raw_post(_: &Http, api: &str, token: &str, body: &'static str) -> (u16, String) {
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let sent = client
        .post(format!("{api}/v1/secret/data/x"))
        .header("X-Vault-Token", token)
        .body(body)
        .send()
        .await;
    let answer = sent.expect("an answer");
    (
        answer.status().as_u16(),
        answer.text().await.expect("a body"),
    )
}

#[tokio::test]
async fn oversized_bodies_and_wrong_media_types_are_refused() {
    let cluster = Cluster::ready(1).await;
    let api = &cluster.nodes[0].api;
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let sent = client
        .post(format!("{api}/v1/secret/data/x"))
        .header("X-Vault-Token", &cluster.keys.root_token)
        .body(vec![b' '; 33 * 1024 * 1024])
        .send()
        .await;
    // The server may answer and close before the whole body is sent.
    if let Ok(answer) = sent {
        assert_eq!(answer.status().as_u16(), 413);
    }
    let answer = client
        .patch(format!("{api}/v1/secret/data/x"))
        .header("X-Vault-Token", &cluster.keys.root_token)
        .header("content-type", "application/json")
        .body("{\"data\":{}}")
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status().as_u16(), 415);
    cluster.root(1).get("sys/mounts").await.expect(200);
}

/// Starts a node that must refuse to run, and gives its log.
async fn refused_start(cluster: &mut Cluster) -> String {
    let node = cluster.node(1);
    node.start();
    let code = node.ends_by_itself().await.unwrap_or_default();
    assert_ne!(code, 0, "the node refuses to start");
    std::fs::read_to_string(&node.log).expect("a log")
}

#[tokio::test]
async fn an_unknown_key_stops_the_start() {
    let mut cluster = Cluster::configured(1);
    let path = cluster.node(1).config.clone();
    let text = std::fs::read_to_string(&path)
        .unwrap()
        .replace("timing", "timming");
    std::fs::write(&path, text).unwrap();
    assert!(refused_start(&mut cluster).await.contains("timming"));
}

#[tokio::test]
async fn an_open_data_directory_stops_the_start() {
    let mut cluster = Cluster::uninitialized(1).await;
    cluster.node(1).stop();
    let data = cluster.node(1).data.clone();
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o755)).unwrap();
    let log = refused_start(&mut cluster).await;
    assert!(log.contains("chmod"), "the error says what to do: {log}");
}

#[tokio::test]
async fn another_clusters_certificate_stops_the_start() {
    let mut cluster = Cluster::configured(1);
    let other = Cluster::configured(1);
    for file in ["node-1.pem", "node-1.key"] {
        std::fs::copy(
            other.folder().join("certs").join(file),
            cluster.folder().join("certs").join(file),
        )
        .unwrap();
    }
    let log = refused_start(&mut cluster).await;
    assert!(log.contains("certificate"), "{log}");
}

#[tokio::test]
async fn errors_have_the_shape_that_clients_parse() {
    let cluster = Cluster::ready(1).await;
    let denied = cluster.http(1).get("secret/data/x").await.expect(403);
    assert_eq!(denied.body, json!({ "errors": ["permission denied"] }));
    let absent = cluster.root(1).get("secret/data/x").await.expect(404);
    assert_eq!(absent.body["errors"], Value::Array(vec![]));
}
