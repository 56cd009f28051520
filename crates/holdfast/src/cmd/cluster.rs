//! `holdfast cluster certs`: the cluster's authority and its nodes' certificates, made offline.
//!
//! Nothing is ever overwritten: a folder with an authority is added to, a node that has a certificate is refused.

use crate::failure::Failure;
use crate::output::Output;
use clap::{Args, Subcommand};
use holdfast_transport::{ClusterAuthority, IssuedCertificate, write_secret_file};
use holdfast_types::NodeId;
use holdfast_types::limits::NODES_MAX;
use serde_json::json;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

#[derive(Subcommand)]
pub(crate) enum Cluster {
    Certs(Certs),
}

/// Make a cluster's certificate authority and node certificates, offline.
///
/// Writes ca.pem, ca.key, and node-N.pem and node-N.key for each node. Keys are for their owner only. Give each node ca.pem and
/// its own pair; keep ca.key away from all of them: whoever has it can join the cluster. A folder that holds an authority
/// already is added to.
#[derive(Args)]
pub(crate) struct Certs {
    /// The cluster's name, as in its configuration.
    #[arg(long, value_name = "NAME")]
    name: String,
    /// Make certificates for nodes 1 to this.
    #[arg(
        long,
        value_name = "COUNT",
        required_unless_present = "node",
        conflicts_with = "node"
    )]
    nodes: Option<u64>,
    /// Make one for this node; may be repeated. Names and addresses after `=` let it serve the node's API too.
    #[arg(long, value_name = "N[=HOST,...]")]
    node: Vec<String>,
    /// Name or address under which clients reach every node's API, such as localhost; may be repeated.
    #[arg(long = "host", value_name = "HOST", value_delimiter = ',')]
    hosts: Vec<String>,
    /// Folder to write to.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// A node to make a certificate for.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    id: u64,
    hosts: Vec<String>,
}

impl Cluster {
    pub(crate) fn run(self, out: Output) -> Result<(), Failure> {
        match self {
            Self::Certs(certs) => certs.run(out),
        }
    }
}

impl Certs {
    fn run(self, out: Output) -> Result<(), Failure> {
        let wanted = self.wanted()?;
        let folder = &self.out;
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|error| {
                Failure::because(&format!("cannot create {}", folder.display()), &error)
            })?;
        // What cannot be written is found before anything is.
        for node in &wanted {
            for path in [cert_file(folder, node.id), key_file(folder, node.id)] {
                if path.exists() {
                    return Err(Failure::local(format!(
                        "{} exists and is not overwritten",
                        path.display()
                    )));
                }
            }
        }
        let authority = self.authority()?;
        for node in &wanted {
            let issued = authority.issue_node(NodeId(node.id), &node.hosts);
            let issued =
                issued.map_err(|error| Failure::because(&format!("node {}", node.id), &error))?;
            write(folder, node.id, &issued)?;
        }
        let ids: Vec<u64> = wanted.iter().map(|node| node.id).collect();
        if out.is_json() {
            return out.json(
                &json!({ "folder": folder, "ca_cert": folder.join("ca.pem"), "nodes": ids }),
            );
        }
        out.line(&format!(
            "Certificates of {} are in {} for {} node(s). Keep ca.key away from the nodes: whoever has it can join the cluster.",
            self.name,
            folder.display(),
            ids.len()
        ))
    }

    fn wanted(&self) -> Result<Vec<Wanted>, Failure> {
        let mut wanted: Vec<Wanted> = match self.nodes {
            Some(count) => (1..=count.min(NODES_MAX as u64 + 1))
                .map(|id| Wanted {
                    id,
                    hosts: Vec::new(),
                })
                .collect(),
            None => self
                .node
                .iter()
                .map(|text| parse(text))
                .collect::<Result<_, _>>()?,
        };
        if wanted.is_empty() || wanted.len() > NODES_MAX {
            return Err(Failure::local(format!(
                "a cluster has 1 to {NODES_MAX} nodes"
            )));
        }
        for node in &mut wanted {
            node.hosts.extend(self.hosts.iter().cloned());
        }
        Ok(wanted)
    }

    /// The folder's authority, or a new one.
    fn authority(&self) -> Result<ClusterAuthority, Failure> {
        let (cert, key) = (self.out.join("ca.pem"), self.out.join("ca.key"));
        if cert.exists() || key.exists() {
            let read = |path: &Path| {
                let text = std::fs::read_to_string(path);
                text.map_err(|error| {
                    Failure::because(&format!("cannot read {}", path.display()), &error)
                })
            };
            let (cert, key) = (read(&cert)?, Zeroizing::new(read(&key)?));
            return ClusterAuthority::load(&self.name, &cert, &key).map_err(|error| {
                Failure::because("the authority in the folder cannot be used", &error)
            });
        }
        let made = ClusterAuthority::generate(&self.name)
            .map_err(|error| Failure::because("cannot make an authority", &error))?;
        save(&key, write_secret_file(&key, made.key_pem().as_bytes()))?;
        save(&cert, write_public(&cert, made.cert_pem()))?;
        Ok(made)
    }
}

/// `N` or `N=HOST,HOST`.
fn parse(text: &str) -> Result<Wanted, Failure> {
    let (id, hosts) = text.split_once('=').unwrap_or((text, ""));
    let id = id.trim().parse().ok().filter(|id| *id > 0);
    let id =
        id.ok_or_else(|| Failure::local("--node takes a number from 1 on, and names after `=`"))?;
    let hosts = hosts
        .split(',')
        .map(str::trim)
        .filter(|host| !host.is_empty());
    Ok(Wanted {
        id,
        hosts: hosts.map(str::to_owned).collect(),
    })
}

fn cert_file(folder: &Path, id: u64) -> PathBuf {
    folder.join(format!("node-{id}.pem"))
}

fn key_file(folder: &Path, id: u64) -> PathBuf {
    folder.join(format!("node-{id}.key"))
}

fn write(folder: &Path, id: u64, issued: &IssuedCertificate) -> Result<(), Failure> {
    let (cert, key) = (cert_file(folder, id), key_file(folder, id));
    save(&key, write_secret_file(&key, issued.key_pem.as_bytes()))?;
    save(&cert, write_public(&cert, &issued.cert_pem))
}

fn write_public(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o644)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn save(path: &Path, written: std::io::Result<()>) -> Result<(), Failure> {
    written.map_err(|error| Failure::because(&format!("cannot write {}", path.display()), &error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn certs(folder: &Path, nodes: Option<u64>, node: &[&str]) -> Result<(), String> {
        let certs = Certs {
            name: "test".to_owned(),
            nodes,
            node: node.iter().map(|text| (*text).to_owned()).collect(),
            hosts: vec!["localhost".to_owned()],
            out: folder.to_owned(),
        };
        certs.run(Output::new(true)).map_err(|failure| failure.text)
    }

    #[test]
    fn makes_them_adds_to_them_and_overwrites_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("certs");
        certs(&folder, Some(2), &[]).unwrap();
        for (file, mode) in [
            ("ca.key", 0o600),
            ("ca.pem", 0o644),
            ("node-2.key", 0o600),
            ("node-2.pem", 0o644),
        ] {
            let found = std::fs::metadata(folder.join(file))
                .unwrap()
                .permissions()
                .mode()
                & 0o777;
            assert_eq!(found, mode, "{file}");
        }
        let authority = std::fs::read(folder.join("ca.pem")).unwrap();
        let again = certs(&folder, Some(3), &[]).unwrap_err();
        assert!(again.contains("node-1.pem exists"), "{again}");
        assert!(!folder.join("node-3.pem").exists());
        certs(&folder, None, &["3=10.0.0.3,n3.example"]).unwrap();
        assert_eq!(std::fs::read(folder.join("ca.pem")).unwrap(), authority);
        let load = |file: &str| std::fs::read(folder.join(file)).unwrap();
        let identity = holdfast_transport::Identity::load(
            &load("ca.pem"),
            &load("node-3.pem"),
            &load("node-3.key"),
            NodeId(3),
            "test",
        );
        assert!(identity.is_ok());
    }

    #[test]
    fn refuses_what_is_no_node() {
        for bad in ["", "0", "x", "-1", "=h"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        let expected = Wanted {
            id: 2,
            hosts: vec!["a".to_owned(), "b".to_owned()],
        };
        assert_eq!(parse("2=a, b").ok().unwrap(), expected);
        let dir = tempfile::tempdir().unwrap();
        assert!(
            certs(dir.path(), Some(10_000), &[])
                .unwrap_err()
                .contains("1 to")
        );
    }
}
