//! A node from its configuration: parts are put together from the bottom up and taken down from the top.

use crate::assembly::Assembly;
use crate::config::{Config, ConfigError, TimingPreset, TlsChoice, TlsFiles};
use holdfast_api::{BindError as ApiBindError, Limits, Listener, ListenerOptions, Security};
use holdfast_barrier::SystemSurroundings;
use holdfast_consensus::{Member, MemberInfo, Options, Preset, StartError as ConsensusError};
use holdfast_machine::{Replica, Role};
use holdfast_store::{OpenError, Options as StoreOptions, Stores};
use holdfast_transport::{
    BindError as PeerBindError, Identity, IdentityError, QuicTransport, Settings,
};
use holdfast_types::NodeId;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Why a node did not start. The text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A certificate or key file cannot be read.
    #[error("{key}: cannot read {path}")]
    File {
        /// Dotted name of the key.
        key: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The key file is open to others.
    #[error("peer.key_file {0} can be read by others; run: chmod 600 {0}")]
    KeyFileOpen(PathBuf),
    /// The node certificate.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The data directory.
    #[error("node.data_dir {dir}")]
    Store {
        /// Which.
        dir: PathBuf,
        /// Why.
        source: OpenError,
    },
    /// The peer port.
    #[error("peer.listen")]
    Peer(#[source] PeerBindError),
    /// Consensus.
    #[error(transparent)]
    Consensus(#[from] ConsensusError),
    /// The API port.
    #[error(transparent)]
    Api(#[from] ApiBindError),
}

/// How a node ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was asked to.
    Asked,
    /// Its disk failed; the process should exit with code 74, and its supervisor start it again.
    Fatal(String),
}

/// Longest time to hand over leadership when the node is asked to end.
const HAND_OVER: Duration = Duration::from_secs(2);
/// Runs a node until `asked` resolves or its disk fails, and takes it down in order.
///
/// # Errors
/// When it cannot start; nothing is left running then.
pub async fn run(
    config: Config,
    asked: impl Future<Output = ()> + Send,
) -> Result<Ended, StartError> {
    config.check()?;
    let listener = Listener::bind(listener_options(&config)).await?;
    let node = start_node(&config).await?;
    tracing::info!(node = config.node.id, api = %listener.local_addr(), "started");

    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(listener.serve(Arc::clone(&node.core), async move {
        let _either_way_it_ends = stopped.await;
    }));
    let ended = tokio::select! {
        () = asked => Ended::Asked,
        why = node.consensus.fatal() => Ended::Fatal(why),
    };
    take_down(&ended, node, stop, serving).await;
    Ok(ended)
}

async fn take_down(
    ended: &Ended,
    node: Assembly,
    stop: tokio::sync::oneshot::Sender<()>,
    serving: tokio::task::JoinHandle<()>,
) {
    let consensus = &node.consensus;
    match ended {
        Ended::Asked => {
            tracing::info!("asked to end");
            if consensus.status().role == Role::Leader && consensus.status().members.len() > 1 {
                let handed_over = consensus.step_down(None, HAND_OVER).await;
                tracing::info!(handed_over = handed_over.is_ok(), "gave up leadership");
            }
        }
        Ended::Fatal(why) => tracing::error!(why, "this node can no longer take part and ends"),
    }
    let _already_ended = stop.send(());
    if serving.await.is_err() {
        tracing::error!("the listener did not end cleanly");
    }
    node.stop().await;
}

fn listener_options(config: &Config) -> ListenerOptions {
    let security = match &config.api.tls {
        TlsChoice::Word(_) => Security::PlainLoopback,
        TlsChoice::Files(TlsFiles {
            cert_file,
            key_file,
        }) => Security::Tls(holdfast_api::TlsFiles {
            cert_file: cert_file.clone(),
            key_file: key_file.clone(),
        }),
    };
    ListenerOptions {
        addr: config.api.listen,
        security,
        limits: Limits::default(),
    }
}

async fn start_node(config: &Config) -> Result<Assembly, StartError> {
    let identity = load_identity(config)?;
    let stores = open_stores(&config.node.data_dir).await?;
    let member = config
        .member()
        .expect("the configuration was checked: this node is a member");
    let address = config.peer.listen.unwrap_or(member.peer_addr);
    let transport =
        QuicTransport::bind(&identity, address, Settings::default()).map_err(StartError::Peer)?;
    let mut options = Options::new(
        config.node_id(),
        config.cluster.name.clone(),
        members(config),
        stores,
        transport,
    );
    options.timing = match config.cluster.timing {
        TimingPreset::Lan => Preset::Lan,
        TimingPreset::Wan => Preset::Wan,
    }
    .timing();
    env!("CARGO_PKG_VERSION").clone_into(&mut options.version);
    let surroundings = Arc::new(SystemSurroundings);
    Ok(Assembly::start(options, surroundings, config.cluster.name.clone()).await?)
}

async fn open_stores(dir: &Path) -> Result<Stores, StartError> {
    let at = dir.to_owned();
    let opened = tokio::task::spawn_blocking(move || {
        // The folders above it are made too, so that a first start needs no preparation.
        if let Some(above) = at.parent() {
            std::fs::create_dir_all(above)?;
        }
        holdfast_store::open(&at, &StoreOptions::default())
    })
    .await;
    let opened = opened.unwrap_or_else(|_| Err(OpenError::Io("opening it panicked".to_owned())));
    opened.map_err(|source| StartError::Store {
        dir: dir.to_owned(),
        source,
    })
}

fn members(config: &Config) -> Vec<Member> {
    let member = |member: &crate::config::Member| Member {
        id: NodeId(member.id),
        info: MemberInfo {
            peer_addr: member.peer_addr.to_string(),
            api_addr: member.api_addr.clone(),
            region: member.region.clone(),
            zone: member.zone.clone(),
        },
    };
    config.cluster.members.iter().map(member).collect()
}

fn load_identity(config: &Config) -> Result<Identity, StartError> {
    use std::os::unix::fs::PermissionsExt;
    let read = |key: &'static str, path: &PathBuf| {
        std::fs::read(path).map_err(|source| StartError::File {
            key,
            path: path.clone(),
            source,
        })
    };
    let key_file = &config.peer.key_file;
    let ca = read("peer.ca_file", &config.peer.ca_file)?;
    let cert = read("peer.cert_file", &config.peer.cert_file)?;
    let key = read("peer.key_file", key_file)?;
    let mode = std::fs::metadata(key_file)
        .map(|meta| meta.permissions().mode())
        .unwrap_or_default();
    if mode & 0o077 != 0 {
        return Err(StartError::KeyFileOpen(key_file.clone()));
    }
    Ok(Identity::load(
        &ca,
        &cert,
        &key,
        config.node_id(),
        &config.cluster.name,
    )?)
}
