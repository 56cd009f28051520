//! From started nodes to a cluster that serves: keys, unsealed nodes, the first mount, and a secret that went through one
//! follower and came back through another.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::Stop;
use super::files::{NodeFiles, StateDir};
use super::http::Http;
use super::keys::Keys;
use super::nodes::Nodes;
use super::summary::done;

const SHARES: usize = 5;
const THRESHOLD: usize = 3;
/// Longest time for one step.
const STEP_MAX: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);
/// The secret that shows that all works.
pub(crate) const HELLO: &str = "hello";

/// A cluster that serves.
pub(crate) struct Came {
    pub(crate) first_run: bool,
    pub(crate) leader: u64,
}

struct Steps<'a> {
    state: &'a StateDir,
    nodes: &'a mut Nodes,
    stop: &'a Stop,
}

/// Brings the cluster up, saying what was done.
pub(crate) fn run(state: &StateDir, nodes: &mut Nodes, stop: &Stop) -> Result<Came> {
    let mut steps = Steps { state, nodes, stop };
    println!();
    for node in &state.nodes {
        let http = plain(node);
        let what = format!("node {} to answer", node.id);
        steps.until(&what, || http.get("sys/seal-status")?.success())?;
    }
    done("three nodes run");
    let leader = steps.until("a leader", || leader_of(state))?;
    let (keys, first_run) = steps.keys()?;
    for node in &state.nodes {
        let what = format!("node {} to be unsealed", node.id);
        steps.until(&what, || unseal(node, &keys))?;
    }
    done(&format!(
        "unsealed with {} of {} shares, node by node",
        keys.threshold,
        keys.shares.len()
    ));
    steps.prove(&keys, leader)?;
    Ok(Came { first_run, leader })
}

impl Steps<'_> {
    /// Tries until it works, a node ends, we are asked to stop, or time is up.
    fn until<T>(&mut self, what: &str, mut attempt: impl FnMut() -> Result<T>) -> Result<T> {
        let started = Instant::now();
        loop {
            let error = match attempt() {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            self.nodes.require_alive()?;
            self.stop.check()?;
            if started.elapsed() > STEP_MAX {
                return Err(error).with_context(|| format!("waited for {what}"));
            }
            thread::sleep(POLL);
        }
    }

    /// The keys of before, or new ones; whether they are new.
    fn keys(&mut self) -> Result<(Keys, bool)> {
        let http = plain(&self.state.nodes[0]);
        let initialized = self.until("the seal's state", || {
            let body = http.get("sys/init")?.success()?;
            body["initialized"].as_bool().context("no `initialized`")
        })?;
        if initialized {
            let keys = Keys::load(self.state)?.with_context(|| {
                format!(
                    "the cluster in {} has keys, but they are not in {}. To begin anew, move the directory away",
                    self.state.dir.display(),
                    self.state.keys_file().display()
                )
            })?;
            done("found the cluster of before, sealed");
            return Ok((keys, false));
        }
        let body = json!({ "secret_shares": SHARES, "secret_threshold": THRESHOLD });
        let told = self.until("the cluster to be initialised", || {
            http.post("sys/init", &body)?.success()
        })?;
        let keys = Keys::from_json(&told, THRESHOLD).context("init gave no keys")?;
        keys.save(self.state)?;
        done(&format!(
            "initialised: {SHARES} shares, any {THRESHOLD} open it"
        ));
        Ok((keys, true))
    }

    /// Mounts `secret/`, writes through one follower and reads through another.
    fn prove(&mut self, keys: &Keys, leader: u64) -> Result<()> {
        let state = self.state;
        let mut followers = state.nodes.iter().filter(|node| node.id != leader);
        let (Some(writer), Some(reader)) = (followers.next(), followers.next()) else {
            bail!("there are no two followers");
        };
        let token = Some(keys.root_token.as_str());
        let through = |node: &NodeFiles| Http {
            addr: node.api,
            token,
        };
        self.until("the mount secret/", || mount(&through(writer)))?;
        let path = format!("secret/data/{HELLO}");
        let body = json!({ "data": { "from": format!("node {}", writer.id) } });
        self.until("a write through a follower", || {
            through(writer).post(&path, &body)?.success()
        })?;
        let read = self.until("a read through another follower", || {
            through(reader).get(&path)?.success()
        })?;
        if read["data"]["data"] != body["data"] {
            bail!(
                "node {} reads something else than node {} wrote",
                reader.id,
                writer.id
            );
        }
        done(&format!(
            "secret/{HELLO} written through node {}, read through node {}",
            writer.id, reader.id
        ));
        Ok(())
    }
}

fn plain(node: &NodeFiles) -> Http<'static> {
    Http {
        addr: node.api,
        token: None,
    }
}

/// The leader that all nodes agree on.
fn leader_of(state: &StateDir) -> Result<u64> {
    let mut named = Vec::new();
    for node in &state.nodes {
        let body = plain(node).get("sys/leader")?.success()?;
        named.push(body["leader_id"].as_u64().context("no leader is known")?);
    }
    match named.as_slice() {
        [first, rest @ ..] if rest.iter().all(|id| id == first) => Ok(*first),
        _ => bail!("the nodes do not agree on a leader"),
    }
}

fn unseal(node: &NodeFiles, keys: &Keys) -> Result<()> {
    let http = plain(node);
    let mut status = http.get("sys/seal-status")?.success()?;
    if status["initialized"] != json!(true) {
        bail!("the seal configuration has not arrived yet");
    }
    for share in keys.shares.iter().take(keys.threshold) {
        if status["sealed"] == json!(false) {
            break;
        }
        status = http
            .post("sys/unseal", &json!({ "key": share }))?
            .success()?;
    }
    if status["sealed"] != json!(false) {
        bail!("the node stays sealed");
    }
    Ok(())
}

fn mount(http: &Http<'_>) -> Result<()> {
    let mounts: Value = http.get("sys/mounts")?.success()?;
    if mounts["data"].get("secret/").is_some() {
        return Ok(());
    }
    let body = json!({
        "type": "kv",
        "options": { "version": "2" },
        "description": "key/value secrets",
    });
    http.post("sys/mounts/secret", &body)?.success()?;
    done("mounted secret/ (key/value, version 2)");
    Ok(())
}
