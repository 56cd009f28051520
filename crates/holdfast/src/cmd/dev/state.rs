//! What is known about a development cluster, as JSON: for `--state-file`, and as `dev.json` to find the cluster again.
//!
//! It holds the unseal keys and the root token: the file is made with mode 0600 and appears whole or not at all. The type has
//! no `Debug`; its strings are wiped by the process's allocator.

use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::io::{ErrorKind, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// One cluster.
#[derive(Serialize, Deserialize)]
pub(super) struct State {
    pub(super) nodes: Vec<NodeState>,
    /// Hexadecimal; empty while the cluster has none.
    pub(super) unseal_keys: Vec<String>,
    pub(super) root_token: Option<String>,
    /// PEM text of the authority to trust; absent without TLS.
    pub(super) ca_cert: Option<String>,
}

/// One node.
#[derive(Serialize, Deserialize)]
pub(super) struct NodeState {
    pub(super) id: u64,
    /// URL.
    pub(super) api_addr: String,
    pub(super) peer_addr: SocketAddr,
    /// Of the server process; absent before it runs.
    pub(super) pid: Option<u32>,
    pub(super) data_dir: PathBuf,
}

impl State {
    /// The state kept in a file, if there is one.
    pub(super) fn read(file: &Path) -> anyhow::Result<Option<Self>> {
        let text = match std::fs::read(file) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("reading {}", file.display())),
        };
        // The parser's own words may quote what it read, and that is secret.
        let parsed = serde_json::from_slice(&text);
        parsed
            .map(Some)
            .map_err(|_| anyhow::anyhow!("{} is damaged", file.display()))
    }

    /// Writes the file in one step.
    pub(super) fn write(&self, file: &Path) -> anyhow::Result<()> {
        let folder = match file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        // Made with mode 0600.
        let mut fresh = NamedTempFile::new_in(folder)?;
        serde_json::to_writer_pretty(&mut fresh, self)?;
        fresh.write_all(b"\n")?;
        fresh.as_file().sync_all()?;
        fresh.persist(file)?;
        Ok(())
    }

    pub(super) fn set_pids(&mut self, pids: &[u32]) {
        for (node, pid) in self.nodes.iter_mut().zip(pids) {
            node.pid = Some(*pid);
        }
    }
}

/// Removes a state file: those who wait for it to appear must not find that of an earlier run.
pub(super) fn remove(file: &Path) -> anyhow::Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("--state-file {}", file.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_state_is_found_again_and_is_the_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state.json");
        assert!(State::read(&file).unwrap().is_none());
        let node = NodeState {
            id: 1,
            api_addr: "http://127.0.0.1:8200".to_owned(),
            peer_addr: "127.0.0.1:8301".parse().unwrap(),
            pid: None,
            data_dir: "/d".into(),
        };
        let mut state = State {
            nodes: vec![node],
            unseal_keys: vec!["00ff".to_owned()],
            root_token: None,
            ca_cert: None,
        };
        state.write(&file).unwrap();
        state.set_pids(&[7]);
        state.write(&file).unwrap();
        assert_eq!(
            std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let read = State::read(&file).unwrap().unwrap();
        assert_eq!((read.nodes[0].pid, read.unseal_keys.len()), (Some(7), 1));
        remove(&file).unwrap();
        remove(&file).unwrap();
        assert!(!file.exists());
    }

    #[test]
    fn a_damaged_file_is_named_and_not_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state.json");
        std::fs::write(&file, "{\"root_token\": canary").unwrap();
        let error = State::read(&file).err().unwrap().to_string();
        assert!(
            error.contains("state.json") && !error.contains("canary"),
            "{error}"
        );
    }
}
