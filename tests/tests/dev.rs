//! `holdfast dev`: a cluster of real processes that works when it says so, and that is gone when it is told to go.

use holdfast_tests::{Http, binary, eventually, until};
use serde_json::{Value, json};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// One run of `holdfast dev`, killed when dropped.
struct Dev {
    child: Child,
    state_file: PathBuf,
    output: PathBuf,
}

impl Dev {
    /// Starts it on a free port, with a state file, its output and what it keeps for the moment in the folder: killed, it
    /// removes nothing.
    fn start(folder: &Path, args: &[&str]) -> Self {
        let state_file = folder.join("state.json");
        let output = folder.join("output");
        let file = std::fs::File::create(&output).expect("a file for the output");
        let child = Command::new(binary())
            .args(["dev", "--listen", "127.0.0.1:0", "--state-file"])
            .arg(&state_file)
            .args(args)
            .env("TMPDIR", folder)
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("a file"))
            .stderr(file)
            .spawn()
            .expect("holdfast dev starts");
        Self {
            child,
            state_file,
            output,
        }
    }

    /// Waits for the state file.
    async fn state(&self) -> Value {
        until("the state file", Duration::from_secs(40), || async {
            match std::fs::read(&self.state_file) {
                Ok(text) => Ok(serde_json::from_slice(&text).expect("it appears whole")),
                Err(_) => Err(self.said()),
            }
        })
        .await
    }

    fn said(&self) -> String {
        std::fs::read_to_string(&self.output).unwrap_or_default()
    }

    /// SIGTERM; its exit code.
    fn stop(&mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(sent.expect("kill").success());
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _status = self.child.wait();
    }
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn text(value: &Value) -> String {
    value.as_str().expect("a string").to_owned()
}

/// Clients of all nodes, with the root token.
fn clients(state: &Value) -> Vec<Http> {
    let token = text(&state["root_token"]);
    let nodes = state["nodes"].as_array().expect("nodes");
    nodes
        .iter()
        .map(|node| Http::new(&text(&node["api_addr"])).with_token(&token))
        .collect()
}

fn api_socket(node: &Value) -> SocketAddr {
    let url = text(&node["api_addr"]);
    let (_, address) = url.split_once("://").expect("a URL");
    address.parse().expect("an address")
}

/// Waits until no node listens any more.
async fn gone(state: &Value) {
    for node in state["nodes"].as_array().expect("nodes") {
        let address = api_socket(node);
        eventually("the server's port to refuse", || async move {
            TcpStream::connect(address).is_err()
        })
        .await;
    }
}

#[tokio::test]
async fn three_nodes_serve_and_end_with_a_killed_parent() {
    let folder = folder();
    let mut dev = Dev::start(folder.path(), &["--nodes", "3"]);
    let state = dev.state().await;
    let mode = std::fs::metadata(&dev.state_file)
        .expect("the state file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(state["nodes"].as_array().map(Vec::len), Some(3));
    assert_eq!(state["unseal_keys"].as_array().map(Vec::len), Some(1));
    assert_eq!(state["ca_cert"], Value::Null);
    for (number, node) in (1..).zip(state["nodes"].as_array().expect("nodes")) {
        assert_eq!(node["id"], json!(number));
        assert!(node["pid"].is_u64() && node["peer_addr"].is_string());
        assert!(Path::new(&text(&node["data_dir"])).is_dir());
    }
    let nodes = clients(&state);
    let body = json!({ "data": { "k": "v" } });
    nodes[1].post("secret/data/a", body).await.expect(200);
    for node in &nodes {
        let read = node.get("secret/data/a").await.expect(200);
        assert_eq!(read.body["data"]["data"]["k"], "v");
    }
    assert!(dev.said().contains("export VAULT_ADDR="), "{}", dev.said());

    dev.child.kill().expect("kill -9");
    dev.child.wait().expect("it is gone");
    gone(&state).await;
}

#[tokio::test]
async fn temporary_data_is_removed_on_exit() {
    let folder = folder();
    let mut dev = Dev::start(folder.path(), &[]);
    let state = dev.state().await;
    let data = PathBuf::from(text(&state["nodes"][0]["data_dir"]));
    assert!(data.is_dir());
    assert_eq!(dev.stop(), Some(0));
    gone(&state).await;
    assert!(!data.exists() && !data.parent().expect("a parent").exists());
    assert!(!dev.state_file.exists(), "it names processes that are gone");
}

#[tokio::test]
async fn a_named_directory_is_found_again() {
    let (folder, data) = (folder(), folder());
    let dir = data.path().to_str().expect("a path");
    let mut dev = Dev::start(folder.path(), &["--nodes", "3", "--data-dir", dir]);
    let first = dev.state().await;
    let body = json!({ "data": { "k": "kept" } });
    clients(&first)[0]
        .post("secret/data/a", body)
        .await
        .expect(200);
    assert_eq!(dev.stop(), Some(0), "{}", dev.said());
    gone(&first).await;
    let record = data.path().join("dev.json");
    let mode = std::fs::metadata(record)
        .expect("dev.json")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);

    let mut other = Dev::start(folder.path(), &["--nodes", "5", "--data-dir", dir]);
    assert_eq!(other.child.wait().expect("it ends").code(), Some(1));
    assert!(other.said().contains("--nodes"), "{}", other.said());

    let again = Dev::start(folder.path(), &["--data-dir", dir]);
    let second = again.state().await;
    assert_eq!(second["root_token"], first["root_token"]);
    for node in clients(&second) {
        let read = node.get("secret/data/a").await.expect(200);
        assert_eq!(read.body["data"]["data"]["k"], "kept");
    }
}

#[tokio::test]
async fn a_sealed_cluster_is_left_uninitialised() {
    let folder = folder();
    let dev = Dev::start(folder.path(), &["--sealed"]);
    let state = dev.state().await;
    assert_eq!(state["unseal_keys"], json!([]));
    assert_eq!(state["root_token"], Value::Null);
    let http = Http::new(&text(&state["nodes"][0]["api_addr"]));
    let status = http.get("sys/seal-status").await.expect(200).body;
    assert_eq!(status["initialized"], json!(false));
    assert_eq!(status["sealed"], json!(true));
}

#[tokio::test]
async fn the_root_token_can_be_chosen_and_is_the_only_one() {
    let (folder, data) = (folder(), folder());
    let dir = data.path().to_str().expect("a path");
    let mut dev = Dev::start(folder.path(), &["--root-token", "first", "--data-dir", dir]);
    let state = dev.state().await;
    assert_eq!(state["root_token"], "first");
    let http = clients(&state).remove(0);
    let own = http.get("auth/token/lookup-self").await.expect(200).body;
    assert_eq!(own["data"]["policies"], json!(["root"]));
    let accessors = http.list("auth/token/accessors").await.expect(200).body;
    assert_eq!(accessors["data"]["keys"].as_array().map(Vec::len), Some(1));
    assert_eq!(dev.stop(), Some(0));
    gone(&state).await;

    let again = Dev::start(
        folder.path(),
        &["--root-token", "second", "--data-dir", dir],
    );
    let state = again.state().await;
    assert_eq!(state["root_token"], "second");
    let http = clients(&state).remove(0);
    http.get("auth/token/lookup-self").await.expect(200);
    http.with_token("first")
        .get("auth/token/lookup-self")
        .await
        .expect(403);
}

#[tokio::test]
async fn https_is_trusted_by_the_authority_told() {
    let folder = folder();
    let dev = Dev::start(folder.path(), &["--tls"]);
    let state = dev.state().await;
    let address = text(&state["nodes"][0]["api_addr"]);
    assert!(address.starts_with("https://"), "{address}");
    let client = holdfast_client::Client::builder()
        .addr(&address)
        .ca_cert(text(&state["ca_cert"]).into_bytes())
        .token(holdfast_client::Token::new(text(&state["root_token"])))
        .build()
        .expect("a client");
    let kv = client.kv2("secret");
    kv.put("a", &json!({ "k": "v" }), None)
        .await
        .expect("a write over TLS");
    let stranger = holdfast_client::Client::builder()
        .addr(&address)
        .build()
        .expect("a client");
    assert!(stranger.sys().seal_status().await.is_err());
}

#[tokio::test]
async fn a_taken_port_is_told_with_the_flag_to_use() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let output = Command::new(binary())
        .args(["dev", "--listen", &address])
        .output()
        .expect("holdfast dev runs");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains(&address) && said.contains("--listen"),
        "{said}"
    );
}
