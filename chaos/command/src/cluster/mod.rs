//! A cluster of real server processes on the loopback, in a folder of its own.
//!
//! Shares and root token live in memory only, as secrets that are never shown.

mod http;
mod layout;
mod ports;
mod process;
mod wait;

pub use http::Http;
pub use layout::{Draft, Place};
pub use process::{Node, STOP_WAIT, how_it_ended};
pub use wait::until;

use anyhow::{Context, anyhow, bail};
use holdfast_workload::{Lives, Secret, Target, TargetNode};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// How many shares there are, and how many open a node.
const SHARES: usize = 3;
const THRESHOLD: usize = 2;
/// Longest time for a process to answer, and for a cluster to find a leader.
const UP: Duration = Duration::from_secs(30);
/// Where the workload's engine is mounted.
const MOUNT: &str = "chaos-kv";

/// Server processes, ended when dropped.
pub struct Cluster {
    nodes: Vec<Node>,
    /// Which life each node lives.
    pub lives: Lives,
    http: Http,
    ca_pem: Option<Vec<u8>>,
    keys: Keys,
}

/// What initialising gave.
struct Keys {
    /// Open a node, hexadecimal.
    shares: Vec<Secret>,
    /// May do everything.
    root_token: Secret,
}

impl Cluster {
    /// The nodes of a configured cluster, not started.
    ///
    /// # Errors
    /// When HTTP cannot be set up.
    pub fn new(places: Vec<Place>, binary: &Path, ca_pem: Option<Vec<u8>>) -> anyhow::Result<Self> {
        Ok(Self {
            lives: Lives::new(places.iter().map(|place| place.id)),
            http: Http::new(ca_pem.as_deref())?,
            nodes: places
                .into_iter()
                .map(|place| Node::new(place, binary))
                .collect(),
            ca_pem,
            keys: Keys {
                shares: Vec::new(),
                root_token: Secret::new(""),
            },
        })
    }

    /// Starts every node, initialises the cluster and opens it.
    ///
    /// # Errors
    /// When a node does not answer, or the cluster finds no leader, in time.
    pub async fn bring_up(&mut self) -> anyhow::Result<()> {
        for node in &mut self.nodes {
            node.start()?;
        }
        for place in 0..self.nodes.len() {
            self.await_answer(place).await?;
        }
        self.initialize().await?;
        for node in &self.nodes {
            self.opener(node.id())?.open(UP).await?;
        }
        Ok(())
    }

    async fn await_answer(&mut self, place: usize) -> anyhow::Result<()> {
        let Some(node) = self.nodes.get_mut(place) else {
            bail!("no such node");
        };
        let (http, api, id) = (self.http.clone(), node.place.api.clone(), node.id());
        let log = node.place.log.clone();
        let explain = || format!("node {id} did not start; its log is {}", log.display());
        let ended = until(&format!("node {id} to answer"), UP, || {
            let ended = node.ended();
            let (http, api) = (http.clone(), api.clone());
            async move {
                // Nothing is to be waited for any more.
                if ended.is_some() {
                    return Ok(ended);
                }
                http.get(&api, "sys/seal-status").await.map(|_| None)
            }
        })
        .await
        .with_context(explain)?;
        match ended {
            Some(status) => {
                Err(anyhow!("it ended: {}", how_it_ended(status))).with_context(explain)
            }
            None => Ok(()),
        }
    }

    async fn initialize(&mut self) -> anyhow::Result<()> {
        let Some(first) = self.nodes.first() else {
            bail!("a cluster has nodes");
        };
        let (http, api) = (self.http.clone(), first.place.api.clone());
        let body = until("a leader to initialise", UP, || {
            let (http, api) = (http.clone(), api.clone());
            async move {
                let asked = json!({ "secret_shares": SHARES, "secret_threshold": THRESHOLD });
                let answer = http.put(&api, "sys/init", &asked).await?;
                if answer.status != 200 {
                    bail!("status {}", answer.status);
                }
                Ok(answer.body)
            }
        })
        .await?;
        let text = |value: &Value| value.as_str().map(Secret::new);
        let shares = body["keys"]
            .as_array()
            .map(|keys| keys.iter().filter_map(text).collect());
        self.keys = Keys {
            shares: shares.context("initialising gave no shares")?,
            root_token: text(&body["root_token"]).context("initialising gave no token")?,
        };
        Ok(())
    }

    /// The nodes, in order of number.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The numbers of all nodes.
    #[must_use]
    pub fn ids(&self) -> Vec<u64> {
        self.nodes.iter().map(Node::id).collect()
    }

    /// One node.
    ///
    /// # Errors
    /// When there is none of this number.
    pub fn node(&mut self, id: u64) -> anyhow::Result<&mut Node> {
        let found = self.nodes.iter_mut().find(|node| node.id() == id);
        found.with_context(|| format!("there is no node {id}"))
    }

    /// All nodes, to be changed.
    pub fn nodes_mut(&mut self) -> impl Iterator<Item = &mut Node> {
        self.nodes.iter_mut()
    }

    /// Starts a node's next life. It comes up sealed.
    ///
    /// # Errors
    /// When it runs already or cannot be started.
    pub fn start_again(&mut self, id: u64) -> anyhow::Result<()> {
        self.lives.bump(id);
        self.node(id)?.start()
    }

    /// What opens a node, apart from the cluster, so that it can wait beside it.
    ///
    /// # Errors
    /// When there is no such node.
    pub fn opener(&self, id: u64) -> anyhow::Result<Opener> {
        let node = self.nodes.iter().find(|node| node.id() == id);
        Ok(Opener {
            id,
            api: node
                .with_context(|| format!("there is no node {id}"))?
                .place
                .api
                .clone(),
            http: self.http.clone(),
            shares: self.keys.shares.iter().take(THRESHOLD).cloned().collect(),
        })
    }

    /// The cluster as a workload sees it.
    #[must_use]
    pub fn target(&self) -> Target {
        Target {
            nodes: self
                .nodes
                .iter()
                .map(|node| TargetNode {
                    id: node.id(),
                    url: node.place.api.clone(),
                })
                .collect(),
            ca_pem: self.ca_pem.clone(),
            root_token: self.keys.root_token.clone(),
            shares: self.keys.shares.clone(),
            threshold: THRESHOLD,
            mount: MOUNT.to_owned(),
        }
    }

    /// Ends every node, politely if it does so in time. Gives those that ran and did not end well, and how they ended.
    pub async fn stop_all(&mut self, deadline: Duration) -> Vec<(u64, String)> {
        let mut badly = Vec::new();
        for node in &mut self.nodes {
            if let Err(how) = node.stop(deadline).await {
                badly.push((node.id(), how));
            }
        }
        badly
    }
}

/// Opens one node.
#[derive(Clone)]
pub struct Opener {
    id: u64,
    api: String,
    http: Http,
    shares: Vec<Secret>,
}

impl Opener {
    /// Waits until the node answers and submits shares until it is open.
    ///
    /// # Errors
    /// When it is not open at the deadline.
    pub async fn open(&self, deadline: Duration) -> anyhow::Result<()> {
        until(&format!("node {} to open", self.id), deadline, || async {
            let shares: Vec<&str> = self.shares.iter().map(Secret::expose).collect();
            if self.http.unseal(&self.api, &shares).await? {
                Ok(())
            } else {
                bail!("it stays sealed")
            }
        })
        .await
    }
}
