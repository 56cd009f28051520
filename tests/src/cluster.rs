//! A cluster of server processes in a temporary folder.

use crate::http::Http;
use crate::node::{Node, binary, free_tcp_port, free_udp_port};
use crate::wait::{eventually, until};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// What initialising gave.
#[derive(Clone, Default)]
pub struct Keys {
    /// Shares, hexadecimal.
    pub shares: Vec<String>,
    /// Shares needed.
    pub threshold: usize,
    /// The root token.
    pub root_token: String,
}

/// Server processes, ended when dropped.
pub struct Cluster {
    /// The nodes, in order of number.
    pub nodes: Vec<Node>,
    /// What clients trust, PEM; `None` when the API is plain.
    pub api_ca: Option<String>,
    /// Shares and root token, once initialised.
    pub keys: Keys,
    folder: TempDir,
}

impl Cluster {
    /// Configured and not started.
    ///
    /// # Panics
    /// When files or certificates cannot be made.
    #[must_use]
    pub fn configured(count: usize) -> Self {
        Self::configured_with(count, false)
    }

    fn configured_with(count: usize, tls: bool) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("holdfast-test-")
            .tempdir()
            .expect("a temporary folder");
        let members: Vec<(u16, u16)> = (0..count)
            .map(|_| (free_udp_port(), free_tcp_port()))
            .collect();
        let certs = folder.path().join("certs");
        let made = Command::new(binary())
            .args([
                "cluster",
                "certs",
                "--name",
                "test",
                "--nodes",
                &count.to_string(),
                "--out",
            ])
            .arg(&certs)
            .output()
            .expect("holdfast cluster certs");
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        let api_ca = tls.then(|| api_certificate(&certs));
        let layout = Layout {
            folder: folder.path(),
            members: &members,
            tls,
        };
        let nodes = (1..=count).map(|id| layout.configure(id)).collect();
        Self {
            nodes,
            api_ca,
            keys: Keys::default(),
            folder,
        }
    }

    /// Started and sealed, not initialised.
    pub async fn uninitialized(count: usize) -> Self {
        Self::configured(count).started().await
    }

    async fn started(self) -> Self {
        let mut cluster = self;
        for node in &mut cluster.nodes {
            node.start();
        }
        for id in 1..=cluster.nodes.len() {
            cluster.await_answer(id).await;
        }
        cluster
    }

    /// Started, initialised with 3 shares of which 2 open it, every node unsealed, `secret/` mounted as KV v2.
    pub async fn ready(count: usize) -> Self {
        Self::configured(count).made_ready().await
    }

    /// As [`Cluster::ready`], with TLS on the API.
    pub async fn ready_with_tls(count: usize) -> Self {
        Self::configured_with(count, true).made_ready().await
    }

    async fn made_ready(self) -> Self {
        let mut cluster = self.started().await;
        let count = cluster.nodes.len();
        cluster.initialize(3, 2).await;
        for id in 1..=count {
            cluster.unseal(id).await;
        }
        let root = cluster.root(1);
        let body = json!({ "type": "kv", "options": { "version": "2" } });
        until("the first mount", Duration::from_secs(15), || {
            let (root, body) = (root.clone(), body.clone());
            async move {
                let answer = root.post("sys/mounts/secret", body).await;
                if answer.status == 204 {
                    Ok(())
                } else {
                    Err(answer.text)
                }
            }
        })
        .await;
        cluster
    }

    /// Initialises through node 1.
    pub async fn initialize(&mut self, shares: usize, threshold: usize) {
        let http = self.http(1);
        let answer = until("a leader to initialise", Duration::from_secs(20), || {
            let http = http.clone();
            async move {
                let body = json!({ "secret_shares": shares, "secret_threshold": threshold });
                let answer = http.send("PUT", "sys/init", Some(body)).await;
                if answer.status == 200 {
                    Ok(answer)
                } else {
                    Err(answer.text)
                }
            }
        })
        .await;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        self.keys.shares = answer.body["keys"]
            .as_array()
            .expect("keys")
            .iter()
            .map(text)
            .collect();
        self.keys.threshold = threshold;
        self.keys.root_token = text(&answer.body["root_token"]);
    }

    /// Unseals one node.
    ///
    /// # Panics
    /// When it stays sealed.
    pub async fn unseal(&self, id: usize) {
        let http = self.http(id);
        eventually("the seal configuration to arrive", || {
            let http = http.clone();
            async move { http.get("sys/seal-status").await.body["initialized"] == json!(true) }
        })
        .await;
        let mut last = Value::Null;
        for share in self.keys.shares.iter().take(self.keys.threshold) {
            last = http
                .send("PUT", "sys/unseal", Some(json!({ "key": share })))
                .await
                .expect(200)
                .body;
        }
        assert_eq!(last["sealed"], json!(false), "node {id} opens");
    }

    /// One node, by number.
    #[must_use]
    pub fn node(&mut self, id: usize) -> &mut Node {
        &mut self.nodes[id - 1]
    }

    /// Starts a node's process and waits until it answers.
    pub async fn start(&mut self, id: usize) {
        self.node(id).start();
        self.await_answer(id).await;
    }

    async fn await_answer(&self, id: usize) {
        let http = self.http(id);
        let log = &self.nodes[id - 1].log;
        until(
            &format!("node {id} to answer"),
            Duration::from_secs(20),
            || async {
                match http.try_send("GET", "sys/seal-status", None).await {
                    Ok(answer) if answer.status == 200 => Ok(()),
                    _ => Err(std::fs::read_to_string(log).unwrap_or_default()),
                }
            },
        )
        .await;
    }

    /// A client without a token.
    #[must_use]
    pub fn http(&self, id: usize) -> Http {
        Http::trusting(&self.nodes[id - 1].api, self.api_ca.as_deref())
    }

    /// A client with the root token.
    #[must_use]
    pub fn root(&self, id: usize) -> Http {
        self.http(id).with_token(&self.keys.root_token)
    }

    /// Number of the node that leads, as the running nodes agree.
    pub async fn leader(&self) -> usize {
        until(
            "one leader that all running nodes agree on",
            Duration::from_secs(20),
            || async {
                let mut seen = Vec::new();
                for node in self.nodes.iter().filter(|node| node.runs()) {
                    let Ok(answer) = self.http(node.id).try_send("GET", "sys/leader", None).await
                    else {
                        continue;
                    };
                    seen.push(answer.body["leader_id"].as_u64());
                }
                match seen.first() {
                    Some(Some(first)) if seen.iter().all(|id| *id == Some(*first)) => {
                        let id = usize::try_from(*first).expect("a small number");
                        if self.nodes[id - 1].runs() {
                            Ok(id)
                        } else {
                            Err(seen)
                        }
                    }
                    _ => Err(seen),
                }
            },
        )
        .await
    }

    /// Numbers of the nodes that run and do not lead.
    pub async fn followers(&self) -> Vec<usize> {
        let leader = self.leader().await;
        self.nodes
            .iter()
            .filter(|node| node.runs() && node.id != leader)
            .map(|node| node.id)
            .collect()
    }

    /// Where everything lies.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// Makes an authority and a certificate for the API beside the nodes' certificates. Gives the authority's, PEM.
fn api_certificate(certs: &Path) -> String {
    let mut authority = CertificateParams::new(Vec::new()).expect("no names");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(authority, KeyPair::generate().expect("a key"))
        .expect("an authority");
    let key = KeyPair::generate().expect("a key");
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let leaf = CertificateParams::new(names)
        .expect("names")
        .signed_by(&key, &issuer)
        .expect("a certificate");
    std::fs::write(certs.join("api.pem"), leaf.pem()).expect("a file");
    std::fs::write(certs.join("api.key"), key.serialize_pem()).expect("a file");
    issuer.pem()
}

/// Where the nodes of a cluster lie.
struct Layout<'a> {
    folder: &'a Path,
    /// Peer and API port of each.
    members: &'a [(u16, u16)],
    tls: bool,
}

impl Layout<'_> {
    fn configure(&self, id: usize) -> Node {
        let scheme = if self.tls { "https" } else { "http" };
        let (peer, api) = self.members[id - 1];
        let mut text = format!(
            "[node]\nid = {id}\ndata_dir = \"data/node{id}\"\n\n[cluster]\nname = \"test\"\ntiming = \"lan\"\n"
        );
        for (index, (peer, api)) in self.members.iter().enumerate() {
            let member = index + 1;
            text += &format!(
                "\n[[cluster.members]]\nid = {member}\npeer_addr = \"127.0.0.1:{peer}\"\napi_addr = \"{scheme}://127.0.0.1:{api}\"\nregion = \"test\"\nzone = \"test\"\n"
            );
        }
        let tls = if self.tls {
            "{ cert_file = \"certs/api.pem\", key_file = \"certs/api.key\" }"
        } else {
            "\"off\""
        };
        text += &format!(
            "\n[peer]\nlisten = \"127.0.0.1:{peer}\"\nca_file = \"certs/ca.pem\"\ncert_file = \"certs/node-{id}.pem\"\nkey_file = \"certs/node-{id}.key\"\n\n[api]\nlisten = \"127.0.0.1:{api}\"\ntls = {tls}\n\n[log]\nlevel = \"debug\"\n"
        );
        let config = self.folder.join(format!("node{id}.toml"));
        std::fs::write(&config, text).expect("a configuration file");
        Node {
            id,
            api: format!("{scheme}://127.0.0.1:{api}"),
            config,
            data: self.folder.join(format!("data/node{id}")),
            log: self.folder.join(format!("node{id}.log")),
            child: None,
        }
    }
}
