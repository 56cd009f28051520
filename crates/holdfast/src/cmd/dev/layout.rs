//! The files of a development cluster: certificates and one configuration per node. Made on the first run, kept after that:
//! the cluster remembers its members' addresses, so a later run uses the same.

use super::DevArgs;
use super::folder::Folder;
use super::ports::{self, Addresses};
use super::state::{NodeState, State};
use anyhow::{Context, ensure};
use holdfast_node::{
    ApiSection, ClusterSection, Config, LogSection, Member, NodeSection, PeerSection, TimingPreset,
    TlsChoice, TlsFiles, TlsWord,
};
use holdfast_transport::{ClusterAuthority, write_secret_file};
use holdfast_types::NodeId;
use holdfast_types::limits::NODES_MAX;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

const CLUSTER: &str = "dev";

/// One node's files and address.
pub(super) struct NodeFiles {
    pub(super) id: u64,
    /// URL.
    pub(super) api: String,
    pub(super) config: PathBuf,
    pub(super) log: PathBuf,
}

/// All nodes' files.
pub(super) struct Layout {
    pub(super) nodes: Vec<NodeFiles>,
    /// `dev.json`.
    pub(super) record: PathBuf,
    /// The authority's certificate.
    pub(super) ca_file: PathBuf,
    /// Its text, when the API speaks TLS.
    pub(super) ca_cert: Option<String>,
}

impl Layout {
    /// Makes the files of a new cluster, or finds those of an old one.
    pub(super) fn prepare(folder: &Folder, args: &DevArgs) -> anyhow::Result<(Self, State)> {
        let record = folder.path().join("dev.json");
        let state = match State::read(&record)? {
            Some(state) => {
                check_same(&state, args, folder.path())?;
                state
            }
            None => make(folder.path(), args)?,
        };
        state
            .write(&record)
            .with_context(|| format!("writing {}", record.display()))?;
        let nodes = state.nodes.iter().map(|node| NodeFiles {
            id: node.id,
            api: node.api_addr.clone(),
            config: folder.path().join(format!("node{}.toml", node.id)),
            log: folder.path().join(format!("node{}.log", node.id)),
        });
        let ca_file = folder.path().join("certs/ca.pem");
        Ok((
            Self {
                nodes: nodes.collect(),
                record,
                ca_file,
                ca_cert: state.ca_cert.clone(),
            },
            state,
        ))
    }
}

/// A later run: flags may repeat what the cluster is, not change it.
fn check_same(state: &State, args: &DevArgs, folder: &Path) -> anyhow::Result<()> {
    let count = state.nodes.len();
    let other_count = args
        .nodes
        .is_some_and(|nodes| usize::try_from(nodes) != Ok(count));
    ensure!(
        !other_count,
        "--nodes: the cluster in {} has {count}; leave the flag out",
        folder.display()
    );
    ensure!(
        !args.tls || state.ca_cert.is_some(),
        "--tls: the cluster in {} was made without; leave the flag out",
        folder.display()
    );
    for (index, node) in state.nodes.iter().enumerate() {
        let config = Config::load(&folder.join(format!("node{}.toml", node.id)))?;
        let addresses = Addresses {
            api: config.api.listen,
            peer: node.peer_addr,
        };
        let moved = index == 0
            && args
                .listen
                .is_some_and(|wanted| wanted.port() != 0 && wanted != addresses.api);
        ensure!(
            !moved,
            "--listen: the cluster in {} is at {}; leave the flag out",
            folder.display(),
            addresses.api
        );
        ports::check_free(node.id, addresses, false)?;
    }
    Ok(())
}

fn make(folder: &Path, args: &DevArgs) -> anyhow::Result<State> {
    let count = args.nodes.unwrap_or(1);
    let in_range = usize::try_from(count).is_ok_and(|count| (1..=NODES_MAX).contains(&count));
    ensure!(in_range, "--nodes must be 1 to {NODES_MAX}");
    let listen = args
        .listen
        .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8200)));
    ports::check_plain(listen.ip(), args.tls)?;
    let addresses = ports::choose(listen, count)?;
    let ca_cert = make_certificates(folder, count, args.tls.then_some(listen))?;
    let scheme = if args.tls { "https" } else { "http" };
    let members: Vec<Member> = (1..)
        .zip(&addresses)
        .map(|(id, at)| Member {
            id,
            peer_addr: at.peer,
            api_addr: format!("{scheme}://{}", reachable(at.api)),
            region: "local".to_owned(),
            zone: String::new(),
        })
        .collect();
    let mut nodes = Vec::new();
    for (member, at) in members.iter().zip(&addresses) {
        let config = configuration(folder, member.id, *at, &members, args.tls);
        std::fs::write(
            folder.join(format!("node{}.toml", member.id)),
            config.to_toml(),
        )?;
        nodes.push(NodeState {
            id: member.id,
            api_addr: member.api_addr.clone(),
            peer_addr: at.peer,
            pid: None,
            data_dir: config.node.data_dir,
        });
    }
    Ok(State {
        nodes,
        unseal_keys: Vec::new(),
        root_token: None,
        ca_cert: args.tls.then_some(ca_cert),
    })
}

/// Where clients on this machine reach a listener that may be on all addresses.
fn reachable(listen: SocketAddr) -> SocketAddr {
    if listen.ip().is_unspecified() {
        SocketAddr::from(([127, 0, 0, 1], listen.port()))
    } else {
        listen
    }
}

fn configuration(folder: &Path, id: u64, at: Addresses, members: &[Member], tls: bool) -> Config {
    let certs = folder.join("certs");
    let files = TlsFiles {
        cert_file: certs.join("api.pem"),
        key_file: certs.join("api.key"),
    };
    Config {
        node: NodeSection {
            id,
            data_dir: folder.join(format!("data-{id}")),
        },
        cluster: ClusterSection {
            name: CLUSTER.to_owned(),
            timing: TimingPreset::Lan,
            members: members.to_vec(),
        },
        peer: PeerSection {
            listen: None,
            ca_file: certs.join("ca.pem"),
            cert_file: certs.join(format!("node-{id}.pem")),
            key_file: certs.join(format!("node-{id}.key")),
        },
        api: ApiSection {
            listen: at.api,
            tls: if tls {
                TlsChoice::Files(files)
            } else {
                TlsChoice::Word(TlsWord::Off)
            },
        },
        log: LogSection::default(),
    }
}

/// Makes the authority and what it issues; its key is not kept. Gives its certificate.
fn make_certificates(folder: &Path, count: u64, api: Option<SocketAddr>) -> anyhow::Result<String> {
    let certs = folder.join("certs");
    // What a run that was interrupted here left behind belongs to no cluster.
    if certs.exists() {
        std::fs::remove_dir_all(&certs)?;
    }
    std::fs::create_dir(&certs)?;
    let authority = ClusterAuthority::generate(CLUSTER)?;
    std::fs::write(certs.join("ca.pem"), authority.cert_pem())?;
    for id in 1..=count {
        let issued = authority.issue_node(NodeId(id), &[])?;
        std::fs::write(certs.join(format!("node-{id}.pem")), &issued.cert_pem)?;
        write_secret_file(
            &certs.join(format!("node-{id}.key")),
            issued.key_pem.as_bytes(),
        )?;
    }
    if let Some(listen) = api {
        let mut names = ["localhost", "127.0.0.1", "::1"]
            .map(str::to_owned)
            .to_vec();
        if !listen.ip().is_loopback() && !listen.ip().is_unspecified() {
            names.push(listen.ip().to_string());
        }
        let issued = authority.issue_api(&names)?;
        std::fs::write(certs.join("api.pem"), &issued.cert_pem)?;
        write_secret_file(&certs.join("api.key"), issued.key_pem.as_bytes())?;
    }
    Ok(authority.cert_pem().to_owned())
}
