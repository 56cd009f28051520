//! The state directory: the repository's configurations, certificates made on the first run, logs and data.

use std::env;
use std::fs::{self, DirBuilder};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

const NODES: u64 = 3;
const CLUSTER: &str = "three-node";

/// One node's files and addresses, as its configuration has them.
pub(crate) struct NodeFiles {
    pub(crate) id: u64,
    pub(crate) config: PathBuf,
    pub(crate) log: PathBuf,
    pub(crate) api: SocketAddr,
    peer: SocketAddr,
}

/// The state directory, prepared.
pub(crate) struct StateDir {
    pub(crate) dir: PathBuf,
    pub(crate) nodes: Vec<NodeFiles>,
}

impl StateDir {
    /// Shares and root token.
    pub(crate) fn keys_file(&self) -> PathBuf {
        self.dir.join("keys.json")
    }

    /// The root token alone, for commands that read it from a file.
    pub(crate) fn token_file(&self) -> PathBuf {
        self.dir.join("root-token")
    }
}

/// `$XDG_STATE_HOME/holdfast/up`, else `~/.local/state/holdfast/up`.
pub(crate) fn default_state_dir() -> Result<PathBuf> {
    let set = |name| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    set("XDG_STATE_HOME")
        .or_else(|| set("HOME").map(|home| home.join(".local/state")))
        .map(|base| base.join("holdfast/up"))
        .context("no HOME: give a directory with --state-dir")
}

/// Makes what is missing in the state directory, and checks that the nodes' ports are free.
pub(crate) fn prepare(root: &Path, binary: &Path, dir: &Path) -> Result<StateDir> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .with_context(|| format!("cannot create {}", dir.display()))?;
    let dir = dir.canonicalize()?;
    // The nodes make their own data directories in it.
    fs::create_dir_all(dir.join("data"))?;
    let mut nodes = Vec::new();
    for id in 1..=NODES {
        let config = dir.join(format!("node{id}.toml"));
        if !config.exists() {
            let from = root
                .join("cluster-config/three-node")
                .join(format!("node{id}.toml"));
            fs::copy(&from, &config).with_context(|| format!("cannot copy {}", from.display()))?;
        }
        nodes.push(node_files(&dir, id, config)?);
    }
    for node in &nodes {
        check_free(node)?;
    }
    make_certificates(binary, &dir)?;
    Ok(StateDir { dir, nodes })
}

fn make_certificates(binary: &Path, dir: &Path) -> Result<()> {
    let certs = dir.join("certs");
    if certs.exists() {
        return Ok(());
    }
    // Made aside and moved in one step: an interrupted run leaves nothing half done.
    let fresh = dir.join("certs.new");
    if fresh.exists() {
        fs::remove_dir_all(&fresh)?;
    }
    let made = Command::new(binary)
        .args(["cluster", "certs", "--name", CLUSTER, "--nodes"])
        .arg(NODES.to_string())
        .arg("--out")
        .arg(&fresh)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {}", binary.display()))?;
    ensure!(
        made.status.success(),
        "holdfast cluster certs: {}",
        String::from_utf8_lossy(&made.stderr).trim()
    );
    fs::rename(&fresh, &certs)?;
    Ok(())
}

fn node_files(dir: &Path, id: u64, config: PathBuf) -> Result<NodeFiles> {
    let text =
        fs::read_to_string(&config).with_context(|| format!("cannot read {}", config.display()))?;
    let lacks = |what: &str| format!("{} has no {what}", config.display());
    Ok(NodeFiles {
        id,
        api: api_listen(&text).with_context(|| lacks("api.listen"))?,
        peer: peer_addr(&text, id).with_context(|| lacks("peer_addr of its own"))?,
        log: dir.join(format!("node{id}.log")),
        config,
    })
}

/// `listen` of `[api]`. These files are ours: a line for a key, so that no TOML parser is compiled for two addresses.
fn api_listen(text: &str) -> Option<SocketAddr> {
    let (_, section) = text.split_once("[api]")?;
    value(section.lines(), "listen")?.parse().ok()
}

/// `peer_addr` of the member with this number.
fn peer_addr(text: &str, id: u64) -> Option<SocketAddr> {
    let mut members = text.split("[[cluster.members]]").skip(1);
    let own = members.find(|member| value(member.lines(), "id") == Some(&id.to_string()))?;
    value(own.lines(), "peer_addr")?.parse().ok()
}

fn value<'a>(mut lines: impl Iterator<Item = &'a str>, key: &str) -> Option<&'a str> {
    lines.find_map(|line| {
        let (name, value) = line.split_once('=')?;
        (name.trim() == key).then(|| value.trim().trim_matches('"'))
    })
}

fn check_free(node: &NodeFiles) -> Result<()> {
    let taken = TcpListener::bind(node.api)
        .err()
        .map(|error| ("TCP", node.api, "api.listen and api_addr", error))
        .or_else(|| {
            let error = UdpSocket::bind(node.peer).err()?;
            Some(("UDP", node.peer, "peer_addr", error))
        });
    let Some((protocol, address, keys, error)) = taken else {
        return Ok(());
    };
    let folder = node.config.parent().unwrap_or_else(|| Path::new("."));
    bail!(
        "node {} cannot have {protocol} port {address} ({error}).\n\
         Stop what uses it (another `cargo xtask up`?), or before a first run change {keys} in\n  {}/node*.toml",
        node.id,
        folder.display()
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repositorys_configurations_are_understood() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for id in 1..=NODES {
            let file = root.join(format!("cluster-config/three-node/node{id}.toml"));
            let node = node_files(Path::new("/s"), id, file).unwrap();
            assert_eq!(u64::from(node.api.port()), 8190 + 10 * id);
            assert_eq!(u64::from(node.peer.port()), 8300 + id);
        }
    }

    #[test]
    fn a_taken_port_is_named_with_what_to_change() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let node = NodeFiles {
            id: 2,
            config: "/s/node2.toml".into(),
            log: "/s/node2.log".into(),
            api: taken.local_addr().unwrap(),
            peer: "127.0.0.1:0".parse().unwrap(),
        };
        let text = check_free(&node).unwrap_err().to_string();
        let port = node.api.port().to_string();
        assert!(
            text.contains(&port) && text.contains("/s/node*.toml"),
            "{text}"
        );
    }
}
