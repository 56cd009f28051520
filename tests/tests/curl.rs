//! curl, as every tutorial uses it: by hand, from nothing to a secret.

use holdfast_tests::{Cluster, eventually};
use serde_json::{Value, json};
use std::process::Stdio;
use tokio::process::Command;

struct Curl {
    base: String,
    token: String,
}

impl Curl {
    fn of(cluster: &Cluster, id: usize) -> Self {
        Self {
            base: cluster.nodes[id - 1].api.clone(),
            token: String::new(),
        }
    }

    /// Runs curl and gives status and body.
    async fn run(&self, arguments: &[&str], path: &str) -> (u16, String) {
        let mut command = Command::new("curl");
        command
            .args(["--silent", "--show-error", "--max-time", "30"])
            .args(["--noproxy", "*", "--write-out", "\n%{http_code}"])
            .args(arguments)
            .arg(format!("{}/v1/{path}", self.base))
            .stdin(Stdio::null());
        if !self.token.is_empty() {
            command
                .arg("--header")
                .arg(format!("X-Vault-Token: {}", self.token));
        }
        let ended = command.output().await.expect("curl runs");
        let text = String::from_utf8_lossy(&ended.stdout).into_owned();
        assert!(
            ended.status.success(),
            "{text}{}",
            String::from_utf8_lossy(&ended.stderr)
        );
        let (body, status) = text.rsplit_once('\n').expect("a status");
        (status.parse().expect("a status"), body.to_owned())
    }

    /// The same, with the body parsed and the status checked.
    async fn json(&self, arguments: &[&str], path: &str, status: u16) -> Value {
        let (got, body) = self.run(arguments, path).await;
        assert_eq!(got, status, "{path}: {body}");
        serde_json::from_str(&body).unwrap_or(Value::Null)
    }
}

#[expect(
    clippy::print_stderr,
    reason = "a test that is skipped must be skipped by name"
)]
async fn no_curl() -> bool {
    let asked = Command::new("curl").arg("--version").output().await;
    let missing = asked.is_err();
    if missing {
        eprintln!("skipped: no curl on this machine");
    }
    missing
}

/// A cluster that curl alone has initialised and opened, and a client of a follower with the root token.
async fn opened_by_curl() -> (Cluster, Curl) {
    let cluster = Cluster::uninitialized(3).await;
    let mut made = Value::Null;
    let first = Curl::of(&cluster, 1);
    for _ in 0..500 {
        let shares = r#"{"secret_shares": 3, "secret_threshold": 2}"#;
        let (status, body) = first.run(&["-X", "PUT", "-d", shares], "sys/init").await;
        if status == 200 {
            made = serde_json::from_str(&body).expect("keys");
            break;
        }
        assert_eq!(status, 503, "{body}");
    }
    for id in 1..=3 {
        let node = Curl::of(&cluster, id);
        eventually("the seal to be known", || async {
            node.json(&[], "sys/init", 200).await["initialized"] == json!(true)
        })
        .await;
        for share in [&made["keys"][1], &made["keys_base64"][2]] {
            let body = json!({ "key": share }).to_string();
            node.json(&["-X", "POST", "-d", &body], "sys/unseal", 200)
                .await;
        }
    }
    let mut follower = Curl::of(&cluster, cluster.followers().await[0]);
    made["root_token"]
        .as_str()
        .expect("a token")
        .clone_into(&mut follower.token);
    eventually("the first mount", || async {
        let kind = r#"{"type": "kv-v2"}"#;
        follower.run(&["-d", kind], "sys/mounts/secret").await.0 == 204
    })
    .await;
    (cluster, follower)
}

#[tokio::test]
async fn curl_alone_goes_from_nothing_to_a_secret() {
    if no_curl().await {
        return;
    }
    let (_cluster, curl) = opened_by_curl().await;
    // curl says application/x-www-form-urlencoded of its own accord; a body that is JSON is JSON.
    let secret = r#"{"data": {"user": "ada", "n": 12345678901234567890.10}}"#;
    let made = curl.json(&["-d", secret], "secret/data/app/db", 200).await;
    assert_eq!(made["data"]["version"], json!(1));
    let (status, text) = curl.run(&[], "secret/data/app/db").await;
    assert_eq!(status, 200, "{text}");
    assert!(text.contains("12345678901234567890.10"), "{text}");

    let merge = "Content-Type: application/merge-patch+json";
    let change = r#"{"data": {"n": null, "pw": "p"}}"#;
    let patch = ["-X", "PATCH", "-H", merge, "-d", change];
    curl.json(&patch, "secret/data/app/db", 200).await;
    let read = curl.json(&[], "secret/data/app/db", 200).await;
    assert_eq!(read["data"]["data"], json!({ "user": "ada", "pw": "p" }));
    let plain = ["-X", "PATCH", "-d", change];
    curl.json(&plain, "secret/data/app/db", 415).await;

    let listed = curl.json(&["-X", "LIST"], "secret/metadata/app", 200).await;
    assert_eq!(listed["data"]["keys"], json!(["db"]));
    let listed = curl.json(&[], "secret/metadata/app?list=true", 200).await;
    assert_eq!(listed["data"]["keys"], json!(["db"]));
    let (status, body) = curl.run(&["-X", "DELETE"], "secret/data/app/db").await;
    assert_eq!((status, body.as_str()), (204, ""));
    let gone = curl.json(&[], "secret/data/app/db", 404).await;
    assert_eq!(gone["data"]["data"], Value::Null);
    assert!(gone.get("errors").is_none(), "{gone}");
}

#[tokio::test]
async fn head_of_health_is_its_status_alone() {
    if no_curl().await {
        return;
    }
    let cluster = Cluster::uninitialized(1).await;
    let curl = Curl::of(&cluster, 1);
    let (status, head) = curl.run(&["--head"], "sys/health").await;
    assert_eq!(status, 501);
    let head = head.to_ascii_lowercase();
    assert!(head.contains("cache-control: no-store"), "{head}");
    assert!(!head.contains("initialized"), "{head}");
    let (status, _) = curl.run(&["--head"], "sys/health?uninitcode=200").await;
    assert_eq!(status, 200);
}
