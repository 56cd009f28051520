//! A node's configuration file. Unknown keys are refused; every complaint names the key.

use holdfast_types::NodeId;
use holdfast_types::limits::NODES_MAX;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// One node's configuration. Paths are relative to the file's folder.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// This node.
    pub node: NodeSection,
    /// The cluster it belongs to; the same text on every node.
    pub cluster: ClusterSection,
    /// Links to the other nodes.
    pub peer: PeerSection,
    /// Where clients connect.
    pub api: ApiSection,
    /// Logging.
    #[serde(default)]
    pub log: LogSection,
}

/// This node.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeSection {
    /// Its number: one of the members', never reused.
    pub id: u64,
    /// Where it keeps its log and state; mode 0700.
    pub data_dir: PathBuf,
}

/// The cluster.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterSection {
    /// Its name; part of every node's certificate.
    pub name: String,
    /// Heartbeats and elections: `lan` (round trips below 10 ms) or `wan`.
    #[serde(default)]
    pub timing: TimingPreset,
    /// Every node that forms the cluster.
    pub members: Vec<Member>,
}

/// Timing preset, by how far the nodes are apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TimingPreset {
    /// One site.
    #[default]
    Lan,
    /// Several regions.
    Wan,
}

/// One member.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Its number.
    pub id: u64,
    /// Where its peers reach it.
    pub peer_addr: SocketAddr,
    /// Where clients reach it, as a URL.
    pub api_addr: String,
    /// Failure domain: region.
    #[serde(default)]
    pub region: String,
    /// Failure domain: zone.
    #[serde(default)]
    pub zone: String,
}

/// Links to the other nodes: always mutual TLS.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeerSection {
    /// Where it listens (UDP); the member's `peer_addr` if absent.
    pub listen: Option<SocketAddr>,
    /// The cluster's authority, PEM.
    pub ca_file: PathBuf,
    /// This node's certificate, PEM; see `holdfast cluster certs`.
    pub cert_file: PathBuf,
    /// Its key, PEM, mode 0600.
    pub key_file: PathBuf,
}

/// Where clients connect.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiSection {
    /// Where it listens (TCP).
    pub listen: SocketAddr,
    /// `"off"` (loopback only) or files.
    pub tls: TlsChoice,
}

/// TLS of the API.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum TlsChoice {
    /// The word `off`: plain HTTP, on loopback addresses only.
    Word(TlsWord),
    /// Certificate and key.
    Files(TlsFiles),
}

/// The only word there is.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TlsWord {
    /// Plain HTTP.
    Off,
}

/// Certificate and key, PEM.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// Certificate chain.
    pub cert_file: PathBuf,
    /// Key.
    pub key_file: PathBuf,
}

/// Logging, to standard error.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogSection {
    /// `error`, `warn`, `info`, `debug` or `trace`; `info` if absent.
    #[serde(default)]
    pub level: Level,
    /// `text` or `json`.
    #[serde(default)]
    pub format: LogFormat,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Failures.
    Error,
    /// And what an operator should look at.
    Warn,
    /// And what changed.
    #[default]
    Info,
    /// And how it came to be.
    Debug,
    /// And everything.
    Trace,
}

/// Form of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One object a line.
    Json,
}

/// Why a configuration was refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {path}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Not TOML, an unknown key, a missing key or a wrong type; the text names it.
    #[error("{path}: {message}")]
    Form {
        /// Which file.
        path: PathBuf,
        /// What is wrong, with line and key.
        message: String,
    },
    /// A value that cannot be.
    #[error("{key}: {message}")]
    Value {
        /// Dotted name of the key.
        key: &'static str,
        /// What it should be.
        message: String,
    },
}

impl Config {
    /// Reads and checks a file; relative paths become absolute ones.
    ///
    /// # Errors
    /// When the file cannot be read or a key is unknown, missing or wrong.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        let mut config = Self::parse(&text).map_err(|message| ConfigError::Form {
            path: path.to_owned(),
            message,
        })?;
        // A bare file name has an empty parent: that is the current folder.
        let folder = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        let folder = folder.unwrap_or_else(|| Path::new("."));
        config.resolve(folder);
        config.check()?;
        Ok(config)
    }

    /// Reads a text, without checking values.
    ///
    /// # Errors
    /// Names what is wrong, with the line.
    pub fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())
    }

    fn resolve(&mut self, folder: &Path) {
        let mut paths = vec![
            &mut self.node.data_dir,
            &mut self.peer.ca_file,
            &mut self.peer.cert_file,
            &mut self.peer.key_file,
        ];
        if let TlsChoice::Files(files) = &mut self.api.tls {
            paths.extend([&mut files.cert_file, &mut files.key_file]);
        }
        for path in paths {
            if path.is_relative() {
                *path = folder.join(&*path);
            }
        }
    }

    /// Checks values against each other.
    ///
    /// # Errors
    /// Names the first key that cannot be.
    pub fn check(&self) -> Result<(), ConfigError> {
        let refuse = |key, message: &str| {
            Err(ConfigError::Value {
                key,
                message: message.to_owned(),
            })
        };
        let name = &self.cluster.name;
        if name.is_empty()
            || name.len() > 63
            || !name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        {
            return refuse("cluster.name", "must be 1 to 63 of a-z, 0-9 and -");
        }
        if self.cluster.members.is_empty() || self.cluster.members.len() > NODES_MAX {
            return refuse(
                "cluster.members",
                &format!("must list 1 to {NODES_MAX} nodes"),
            );
        }
        let ids: BTreeSet<u64> = self
            .cluster
            .members
            .iter()
            .map(|member| member.id)
            .collect();
        let addrs: BTreeSet<SocketAddr> = self
            .cluster
            .members
            .iter()
            .map(|member| member.peer_addr)
            .collect();
        if ids.len() != self.cluster.members.len() || ids.contains(&0) {
            return refuse(
                "cluster.members.id",
                "must be 1 or more and differ from member to member",
            );
        }
        if addrs.len() != self.cluster.members.len() {
            return refuse(
                "cluster.members.peer_addr",
                "must differ from member to member",
            );
        }
        if self.member().is_none() {
            return refuse("node.id", "is not among cluster.members");
        }
        if matches!(self.api.tls, TlsChoice::Word(_)) && !self.api.listen.ip().is_loopback() {
            return refuse(
                "api.tls",
                "may be \"off\" only when api.listen is a loopback address; give cert_file and key_file",
            );
        }
        Ok(())
    }

    /// This node among the members.
    #[must_use]
    pub fn member(&self) -> Option<&Member> {
        self.cluster
            .members
            .iter()
            .find(|member| member.id == self.node.id)
    }

    /// This node's number.
    #[must_use]
    pub const fn node_id(&self) -> NodeId {
        NodeId(self.node.id)
    }

    /// The text of this configuration.
    ///
    /// # Panics
    /// Never: every value has a TOML form.
    #[must_use]
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("every value has a TOML form")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        [node]
        id = 1
        data_dir = "data"
        [cluster]
        name = "c1"
        members = [{ id = 1, peer_addr = "127.0.0.1:8301", api_addr = "http://127.0.0.1:8200" }]
        [peer]
        ca_file = "ca.pem"
        cert_file = "node.pem"
        key_file = "node.key"
        [api]
        listen = "127.0.0.1:8200"
        tls = "off"
    "#;

    #[test]
    fn a_good_file_is_taken_and_survives_printing() {
        let config = Config::parse(GOOD).unwrap();
        config.check().unwrap();
        assert_eq!(config.cluster.timing, TimingPreset::Lan);
        Config::parse(&config.to_toml()).unwrap().check().unwrap();
    }

    #[test]
    fn unknown_keys_are_named() {
        let error = Config::parse(&GOOD.replace("data_dir", "dta_dir")).unwrap_err();
        assert!(error.contains("dta_dir"), "{error}");
    }

    #[test]
    fn wrong_values_name_their_key() {
        for (from, to, key) in [
            ("name = \"c1\"", "name = \"C 1\"", "cluster.name"),
            (
                "[node]\n        id = 1",
                "[node]\n        id = 2",
                "node.id",
            ),
            (
                "127.0.0.1:8200\"\n        tls",
                "0.0.0.0:8200\"\n        tls",
                "api.tls",
            ),
        ] {
            let config = Config::parse(&GOOD.replace(from, to)).unwrap();
            let error = config.check().unwrap_err().to_string();
            assert!(error.starts_with(key), "{error}");
        }
    }
}
