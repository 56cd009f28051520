//! The shapes of answers: the union of the members that Vault's and OpenBao's clients read.

use holdfast_tests::{Cluster, Response};
use serde_json::{Value, json};

/// All members that an envelope has, whatever the answer.
const ENVELOPE: [&str; 9] = [
    "request_id",
    "lease_id",
    "renewable",
    "lease_duration",
    "data",
    "wrap_info",
    "warnings",
    "auth",
    "mount_type",
];

fn has(value: &Value, names: &[&str]) {
    for name in names {
        assert!(value.get(name).is_some(), "{name} is missing in {value}");
    }
}

fn texts(value: &Value, names: &[&str]) {
    for name in names {
        assert!(value[name].is_string(), "{name} is no text in {value}");
    }
}

fn numbers(value: &Value, names: &[&str]) {
    for name in names {
        assert!(value[name].is_i64(), "{name} is no integer in {value}");
    }
}

fn flags(value: &Value, names: &[&str]) {
    for name in names {
        assert!(value[name].is_boolean(), "{name} is no boolean in {value}");
    }
}

fn keys(answer: Response) -> Vec<String> {
    let body = answer.expect(200).body;
    let listed = body["data"]["keys"].as_array().expect("keys");
    listed
        .iter()
        .map(|key| key.as_str().expect("a key").to_owned())
        .collect()
}

#[tokio::test]
async fn health_has_every_member() {
    let cluster = Cluster::ready(3).await;
    let follower = cluster.http(cluster.followers().await[0]);
    let health = follower.get("sys/health").await.expect(429).body;
    flags(
        &health,
        &[
            "initialized",
            "sealed",
            "standby",
            "performance_standby",
            "enterprise",
            "ha_connection_healthy",
            "removed_from_cluster",
        ],
    );
    texts(
        &health,
        &[
            "version",
            "cluster_name",
            "cluster_id",
            "replication_performance_mode",
            "replication_dr_mode",
        ],
    );
    numbers(
        &health,
        &[
            "server_time_utc",
            "echo_duration_ms",
            "clock_skew_ms",
            "last_wal",
            "replication_primary_canary_age_ms",
            "last_request_forwarding_heartbeat_ms",
        ],
    );
    for bare in [&health, &follower.get("sys/seal-status").await.body] {
        assert!(bare.get("request_id").is_none(), "no envelope: {bare}");
        let version = bare["version"].as_str().expect("a version");
        // Clients turn features on by it, and take `ent` behind the plus for another product.
        let (core, built) = version.split_once('+').unwrap_or((version, ""));
        let parts: Vec<u64> = core
            .split('.')
            .map(|part| part.parse().expect("SemVer"))
            .collect();
        assert!(
            parts.len() == 3 && (parts[0], parts[1]) >= (1, 19) && !built.contains("ent"),
            "{version}"
        );
    }
}

#[tokio::test]
async fn seal_status_and_leader_have_every_member() {
    let cluster = Cluster::ready(3).await;
    let follower = cluster.http(cluster.followers().await[0]);
    let seal = follower.get("sys/seal-status").await.expect(200).body;
    flags(
        &seal,
        &["initialized", "sealed", "migration", "recovery_seal"],
    );
    texts(
        &seal,
        &[
            "type",
            "nonce",
            "version",
            "build_date",
            "cluster_name",
            "cluster_id",
            "storage_type",
        ],
    );
    numbers(&seal, &["t", "n", "progress"]);
    let leader = follower.get("sys/leader").await.expect(200).body;
    flags(&leader, &["ha_enabled", "is_self", "performance_standby"]);
    texts(
        &leader,
        &["active_time", "leader_address", "leader_cluster_address"],
    );
    numbers(&leader, &["raft_committed_index", "raft_applied_index"]);
}

#[tokio::test]
async fn envelopes_have_all_their_members() {
    let cluster = Cluster::ready(1).await;
    let root = cluster.root(1);
    let secret = json!({ "data": { "a": "b" } });
    root.post("secret/data/x", secret).await.expect(200);
    for (path, mount_type) in [
        ("secret/data/x", "kv"),
        ("sys/mounts", "system"),
        ("auth/token/lookup-self", "token"),
    ] {
        let body = root.get(path).await.expect(200).body;
        has(&body, &ENVELOPE);
        assert_eq!(body["mount_type"], json!(mount_type), "{path}");
        assert!(!body["request_id"].as_str().expect("an id").is_empty());
        assert_eq!(
            (&body["auth"], &body["wrap_info"], &body["lease_id"]),
            (&Value::Null, &Value::Null, &json!(""))
        );
    }
    let made = root
        .post("auth/token/create", json!({}))
        .await
        .expect(200)
        .body;
    has(&made, &ENVELOPE);
    let auth = &made["auth"];
    texts(
        auth,
        &["client_token", "accessor", "entity_id", "token_type"],
    );
    flags(auth, &["renewable", "orphan"]);
    numbers(auth, &["lease_duration", "num_uses"]);
    has(
        auth,
        &[
            "policies",
            "token_policies",
            "identity_policies",
            "metadata",
            "mfa_requirement",
        ],
    );
    let deleted = root.delete("secret/data/x").await.expect(204);
    assert_eq!(deleted.text, "");
    let gone = root.get("secret/data/x").await.expect(404).body;
    assert_eq!(gone["data"]["data"], Value::Null);
    texts(
        &gone["data"]["metadata"],
        &["created_time", "deletion_time"],
    );
    assert!(gone.get("errors").is_none(), "{gone}");
}

#[tokio::test]
async fn mounts_and_auth_mounts_have_every_member_twice() {
    let cluster = Cluster::ready(1).await;
    let root = cluster.root(1);
    for (path, mount) in [
        ("sys/mounts", "secret/"),
        ("sys/mounts", "cubbyhole/"),
        ("sys/mounts", "sys/"),
        ("sys/auth", "token/"),
    ] {
        let body = root.get(path).await.expect(200).body;
        assert_eq!(body["data"][mount], body[mount], "{path} at both levels");
        let entry = &body[mount];
        texts(
            entry,
            &[
                "type",
                "description",
                "accessor",
                "uuid",
                "plugin_version",
                "running_plugin_version",
                "running_sha256",
                "deprecation_status",
            ],
        );
        flags(entry, &["local", "seal_wrap", "external_entropy_access"]);
        has(entry, &["options"]);
        numbers(&entry["config"], &["default_lease_ttl", "max_lease_ttl"]);
        flags(&entry["config"], &["force_no_cache"]);
    }
    let auth = root.get("sys/auth").await.body;
    texts(&auth["token/"]["config"], &["token_type"]);
}

#[tokio::test]
async fn lookups_have_every_member() {
    let cluster = Cluster::ready(1).await;
    let root = cluster.root(1);
    let own = root.get("auth/token/lookup-self").await.expect(200).body["data"].clone();
    assert_eq!(
        (&own["expire_time"], &own["ttl"]),
        (&Value::Null, &json!(0))
    );
    assert_eq!(own["policies"], json!(["root"]));
    let wanted = json!({ "ttl": "1h", "policies": ["default"], "meta": { "k": "v" } });
    let made = root
        .post("auth/token/create", wanted)
        .await
        .expect(200)
        .body;
    let child = cluster
        .http(1)
        .with_token(made["auth"]["client_token"].as_str().expect("a token"));
    let mut looked = vec![
        own,
        child.get("auth/token/lookup-self").await.expect(200).body["data"].clone(),
    ];
    for path in ["auth/token/lookup", "auth/token/lookup-accessor"] {
        let asked = json!({
            "token": made["auth"]["client_token"], "accessor": made["auth"]["accessor"],
        });
        looked.push(root.post(path, asked).await.expect(200).body["data"].clone());
    }
    assert_eq!(
        looked[3]["id"],
        json!(""),
        "an accessor does not give the token"
    );
    for data in &looked {
        texts(
            data,
            &[
                "id",
                "accessor",
                "path",
                "display_name",
                "issue_time",
                "entity_id",
                "type",
            ],
        );
        numbers(
            data,
            &[
                "num_uses",
                "creation_time",
                "creation_ttl",
                "ttl",
                "explicit_max_ttl",
            ],
        );
        flags(data, &["orphan", "renewable"]);
        has(data, &["policies", "meta", "expire_time"]);
    }
    for data in &looked[1..] {
        texts(data, &["expire_time"]);
        assert_eq!(data["meta"], json!({ "k": "v" }));
    }
}

#[tokio::test]
async fn kv_metadata_has_every_member() {
    let cluster = Cluster::ready(1).await;
    let root = cluster.root(1);
    let made = root
        .post("secret/data/a/b", json!({ "data": { "k": 1 } }))
        .await;
    let made = made.expect(200).body["data"].clone();
    let read = root.get("secret/data/a/b").await.expect(200).body["data"]["metadata"].clone();
    for version in [&made, &read] {
        texts(version, &["created_time", "deletion_time"]);
        flags(version, &["destroyed"]);
        numbers(version, &["version"]);
        assert_eq!(version["custom_metadata"], Value::Null);
    }
    let metadata = root.get("secret/metadata/a/b").await.expect(200).body["data"].clone();
    texts(
        &metadata,
        &["created_time", "updated_time", "delete_version_after"],
    );
    flags(&metadata, &["cas_required", "metadata_cas_required"]);
    numbers(
        &metadata,
        &[
            "current_version",
            "oldest_version",
            "max_versions",
            "current_metadata_version",
        ],
    );
    has(&metadata, &["custom_metadata"]);
    texts(
        &metadata["versions"]["1"],
        &["created_time", "deletion_time"],
    );
    flags(&metadata["versions"]["1"], &["destroyed"]);
    let config = root.get("secret/config").await.expect(200).body["data"].clone();
    texts(&config, &["delete_version_after"]);
    flags(&config, &["cas_required"]);
    numbers(&config, &["max_versions"]);
    let subkeys = root.get("secret/subkeys/a/b").await.expect(200).body["data"].clone();
    assert_eq!(subkeys["subkeys"], json!({ "k": null }));
}

#[tokio::test]
async fn lists_are_asked_for_in_three_ways() {
    let cluster = Cluster::ready(1).await;
    let root = cluster.root(1);
    for path in ["a", "b/c", "b/d/e", "f"] {
        let body = json!({ "data": { "k": "v" } });
        root.post(&format!("secret/data/{path}"), body)
            .await
            .expect(200);
    }
    let all = ["a", "b/", "f"];
    assert_eq!(keys(root.list("secret/metadata").await), all);
    assert_eq!(keys(root.list("secret/metadata/").await), all);
    assert_eq!(keys(root.get("secret/metadata/?list=true").await), all);
    assert_eq!(
        keys(root.list("secret/metadata?after=a&limit=1").await),
        ["b/"]
    );
    let scanned = ["a", "b/c", "b/d/e", "f"];
    assert_eq!(
        keys(root.send("SCAN", "secret/metadata", None).await),
        scanned
    );
    assert_eq!(keys(root.get("secret/metadata/?scan=true").await), scanned);
    let both = root.get("secret/metadata/?scan=true&list=true").await;
    assert_eq!(both.status, 400);
    let none = root.list("secret/metadata/none").await.expect(404).body;
    assert_eq!(none, json!({ "errors": [] }));
    let detailed = root.list("secret/detailed-metadata").await.expect(200).body;
    has(&detailed["data"], &["keys", "key_info"]);
}

#[tokio::test]
async fn the_openapi_document_lists_every_route() {
    let cluster = Cluster::ready(1).await;
    let root = cluster.root(1);
    let answer = root.get("sys/internal/specs/openapi").await.expect(200);
    let document = answer.body;
    assert!(
        document["openapi"]
            .as_str()
            .is_some_and(|version| version.starts_with("3."))
    );
    let paths = document["paths"].as_object().expect("paths");
    for path in [
        "/sys/init",
        "/sys/seal-status",
        "/sys/unseal",
        "/sys/seal",
        "/sys/health",
        "/sys/leader",
        "/sys/ha-status",
        "/sys/step-down",
        "/sys/key-status",
        "/sys/metrics",
        "/sys/mounts",
        "/sys/auth",
        "/sys/policies/acl/{name}",
        "/sys/capabilities-self",
        "/sys/internal/ui/mounts",
        "/sys/internal/specs/openapi",
        "/auth/token/create",
        "/auth/token/lookup-self",
        "/auth/token/accessors",
        "/cubbyhole/{path}",
        "/{kv_v1_mount_path}/{path}",
        "/{kv_v2_mount_path}/data/{path}",
        "/{kv_v2_mount_path}/metadata/{path}",
        "/{kv_v2_mount_path}/subkeys/{path}",
        "/{kv_v2_mount_path}/config",
    ] {
        assert!(paths.contains_key(path), "{path} is missing");
    }
    for (path, item) in paths {
        assert!(path.starts_with('/') && !path.contains("//"), "{path}");
        texts(item, &["description"]);
        let verbs = ["get", "post", "patch", "delete"];
        let described: Vec<&Value> = verbs.iter().filter_map(|verb| item.get(verb)).collect();
        assert!(!described.is_empty(), "{path} has no operation");
        for operation in described {
            texts(operation, &["summary"]);
            has(operation, &["responses"]);
        }
        // Every parameter of the path is declared, or generators refuse the document.
        let declared = item["parameters"].as_array().expect("parameters");
        assert_eq!(path.matches('{').count(), declared.len(), "{path}");
        for parameter in declared {
            let name = parameter["name"].as_str().expect("a name");
            assert!(path.contains(&format!("{{{name}}}")), "{path}: {name}");
        }
    }
}

#[tokio::test]
async fn metrics_are_text_that_prometheus_reads() {
    let cluster = Cluster::ready(1).await;
    let root = cluster.root(1);
    root.get("secret/data/canary-path").await.expect(404);
    cluster.http(1).get("sys/metrics").await.expect(403);
    let text = root
        .get("sys/metrics?format=prometheus")
        .await
        .expect(200)
        .text;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').expect("a name and a value");
        assert!(name.starts_with("holdfast_"), "{line}");
        value.parse::<f64>().expect("a number");
    }
    for metric in ["holdfast_requests_total", "holdfast_request_seconds_bucket"] {
        assert!(text.contains(metric), "{metric} is missing in {text}");
    }
    assert!(!text.contains("canary"), "no path is a label");
}

#[tokio::test]
async fn a_caller_sees_its_own_mounts_and_capabilities() {
    let cluster = Cluster::ready(1).await;
    let root = cluster.root(1);
    let plain = json!({ "type": "kv" });
    root.post("sys/mounts/plain", plain).await.expect(204);
    let rules =
        json!({ "policy": "path \"secret/data/app/*\" { capabilities = [\"read\", \"create\"] }" });
    root.post("sys/policies/acl/app", rules).await.expect(204);
    let made = root
        .post("auth/token/create", json!({ "policies": ["app"] }))
        .await;
    let made = made.expect(200).body;
    let app = cluster
        .http(1)
        .with_token(made["auth"]["client_token"].as_str().expect("a token"));

    let seen = app.get("sys/internal/ui/mounts").await.expect(200).body["data"].clone();
    assert_eq!(seen["secret"]["secret/"]["options"]["version"], json!("2"));
    assert!(seen["secret"].get("plain/").is_none(), "{seen}");
    for path in ["secret", "secret/", "secret/app/db"] {
        let path = format!("sys/internal/ui/mounts/{path}");
        let one = app.get(&path).await.expect(200).body["data"].clone();
        assert_eq!(
            (&one["path"], &one["type"]),
            (&json!("secret/"), &json!("kv"))
        );
        assert_eq!(one["options"]["version"], json!("2"));
    }
    // What is out of sight and what does not exist look alike.
    let hidden = app.get("sys/internal/ui/mounts/plain/x").await.expect(403);
    let absent = app.get("sys/internal/ui/mounts/none/x").await.expect(403);
    assert_eq!(hidden.body, absent.body);

    let asked = json!({ "paths": ["secret/data/app/x", "plain/x"] });
    let body = app
        .post("sys/capabilities-self", asked)
        .await
        .expect(200)
        .body;
    for level in [&body, &body["data"]] {
        assert_eq!(level["secret/data/app/x"], json!(["create", "read"]));
        assert_eq!(level["plain/x"], json!(["deny"]));
        assert_eq!(level["capabilities"], json!(["create", "read"]));
    }
}
