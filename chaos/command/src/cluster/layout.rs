//! Where a cluster's files lie, and its configuration.
//!
//! Peers reach a node at its advertised address, which is the relay's; the node itself listens elsewhere.

use super::ports::Ports;
use crate::scenario::{ClusterShape, Preset};
use anyhow::{Context, bail};
use serde::Serialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The cluster's name, in configurations and certificates.
const NAME: &str = "chaos";

/// The files and addresses of one node.
#[derive(Clone, Debug)]
pub struct Place {
    /// Its number.
    pub id: u64,
    /// Where clients reach it.
    pub api: String,
    /// Where it listens for its peers.
    pub peer_listen: SocketAddr,
    /// Its configuration.
    pub config: PathBuf,
    /// Its data directory.
    pub data: PathBuf,
    /// Where the data directory's file system is mounted, or simply its parent.
    pub disk: PathBuf,
    /// What it prints.
    pub log: PathBuf,
}

/// A cluster's folder before it is configured: addresses are known, so that a relay can be put between.
pub struct Draft {
    folder: PathBuf,
    shape: ClusterShape,
    api: Vec<SocketAddr>,
    places: Vec<Place>,
}

#[derive(Serialize)]
struct Config {
    node: NodeSection,
    cluster: ClusterSection,
    peer: PeerSection,
    api: ApiSection,
    log: LogSection,
}

#[derive(Serialize)]
struct NodeSection {
    id: u64,
    data_dir: PathBuf,
}

#[derive(Serialize)]
struct ClusterSection {
    name: &'static str,
    timing: Preset,
    members: Vec<Member>,
}

#[derive(Clone, Serialize)]
struct Member {
    id: u64,
    peer_addr: SocketAddr,
    api_addr: String,
}

#[derive(Serialize)]
struct PeerSection {
    listen: SocketAddr,
    ca_file: PathBuf,
    cert_file: PathBuf,
    key_file: PathBuf,
}

#[derive(Serialize)]
struct ApiSection {
    listen: SocketAddr,
    tls: Tls,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Tls {
    Off(&'static str),
    Files {
        cert_file: PathBuf,
        key_file: PathBuf,
    },
}

#[derive(Serialize)]
struct LogSection {
    level: &'static str,
}

impl Draft {
    /// Chooses addresses and makes folders.
    ///
    /// # Errors
    /// When no port is free or a folder cannot be made.
    pub fn new(folder: &Path, shape: ClusterShape) -> anyhow::Result<Self> {
        let mut ports = Ports::default();
        let mut api = Vec::new();
        let mut places = Vec::new();
        let scheme = if shape.tls { "https" } else { "http" };
        for id in 1..=shape.nodes {
            let address = ports.tcp().context("finding a free port")?;
            let disk = folder.join(format!("disk{id}"));
            std::fs::create_dir_all(&disk).with_context(|| format!("making {}", disk.display()))?;
            places.push(Place {
                id,
                api: format!("{scheme}://{address}"),
                peer_listen: ports.udp().context("finding a free port")?,
                config: folder.join(format!("node{id}.toml")),
                data: disk.join("data"),
                disk,
                log: folder.join(format!("node{id}.log")),
            });
            api.push(address);
        }
        Ok(Self {
            folder: folder.to_owned(),
            shape,
            api,
            places,
        })
    }

    /// The nodes.
    #[must_use]
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// Makes certificates and writes every node's configuration. `advertised` gives where peers reach each node.
    ///
    /// Gives the places, and what clients trust (PEM) when they speak TLS.
    ///
    /// # Errors
    /// When a file cannot be written or the certificates cannot be made.
    pub fn configure(
        self,
        binary: &Path,
        advertised: impl Fn(u64) -> SocketAddr,
    ) -> anyhow::Result<(Vec<Place>, Option<Vec<u8>>)> {
        let certs = self.folder.join("certs");
        self.make_certificates(binary, &certs)?;
        let members: Vec<Member> = self
            .places
            .iter()
            .map(|place| Member {
                id: place.id,
                peer_addr: advertised(place.id),
                api_addr: place.api.clone(),
            })
            .collect();
        for (place, api) in self.places.iter().zip(&self.api) {
            let config = self.config_of(place, *api, &certs, members.clone());
            let text = toml::to_string(&config).context("writing a configuration")?;
            std::fs::write(&place.config, text)
                .with_context(|| format!("writing {}", place.config.display()))?;
        }
        let ca = if self.shape.tls {
            Some(std::fs::read(certs.join("ca.pem")).context("reading the authority")?)
        } else {
            None
        };
        Ok((self.places, ca))
    }

    fn config_of(
        &self,
        place: &Place,
        api: SocketAddr,
        certs: &Path,
        members: Vec<Member>,
    ) -> Config {
        let cert_file = certs.join(format!("node-{}.pem", place.id));
        let key_file = certs.join(format!("node-{}.key", place.id));
        let tls = if self.shape.tls {
            Tls::Files {
                cert_file: cert_file.clone(),
                key_file: key_file.clone(),
            }
        } else {
            Tls::Off("off")
        };
        Config {
            node: NodeSection {
                id: place.id,
                data_dir: place.data.clone(),
            },
            cluster: ClusterSection {
                name: NAME,
                timing: self.shape.preset,
                members,
            },
            peer: PeerSection {
                listen: place.peer_listen,
                ca_file: certs.join("ca.pem"),
                cert_file,
                key_file,
            },
            api: ApiSection { listen: api, tls },
            log: LogSection { level: "debug" },
        }
    }

    fn make_certificates(&self, binary: &Path, certs: &Path) -> anyhow::Result<()> {
        let mut command = Command::new(binary);
        command
            .args(["cluster", "certs", "--name", NAME, "--out"])
            .arg(certs);
        for place in &self.places {
            command
                .arg("--node")
                .arg(format!("{}=127.0.0.1,localhost", place.id));
        }
        let made = command
            .output()
            .with_context(|| format!("running {}", binary.display()))?;
        if !made.status.success() {
            bail!(
                "making certificates: {}",
                String::from_utf8_lossy(&made.stderr).trim()
            );
        }
        Ok(())
    }
}
