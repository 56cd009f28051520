//! Starting and stopping a node's consensus.

use crate::acknowledged::Acknowledged;
use crate::applied::AppliedIndex;
use crate::clock::{LeaderClock, SystemClock, WallClock};
use crate::freshness::Freshness;
use crate::host::{self, Host, SystemHost, here, hosted};
use crate::inner::{Inner, Phase, Troubles};
use crate::link::{KnownStores, Link};
use crate::log_adapter::LogAdapter;
use crate::member::{Member, MemberInfo};
use crate::network::Network;
use crate::peers::Peers;
use crate::propose::IN_FLIGHT_KIB_MAX;
use crate::quorum_gate::QuorumGate;
use crate::raft_types::{Metrics, Raft};
use crate::read_batch::{ReadBatch, Round, Rounds};
use crate::reconcile::reconcile;
use crate::server::Server;
use crate::state_adapter::StateAdapter;
use crate::timing::{Preset, Snapshots, Timing, TimingError};
use crate::visitors::Visitors;
use crate::witness::Witness;
use crate::{duties, join, read_index, roster};
use holdfast_machine::{BoxFuture, StorageFault, Unavailable};
use holdfast_store::Stores;
use holdfast_transport::Transport;
use holdfast_types::NodeId;
use holdfast_types::limits::NODES_MAX;
use openraft::Instant as _;
use openraft::async_runtime::watch::WatchReceiver as _;
use openraft::errors::Fatal;
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// What a node's consensus is made of. [`Options::new`] fills in what has a default.
pub struct Options {
    /// This node.
    pub node: NodeId,
    /// Name of the cluster; messages of another one are refused.
    pub cluster: String,
    /// All members as configured, this node included. Counts until the cluster exists; then its membership rules.
    pub members: Vec<Member>,
    /// The open data directory.
    pub stores: Stores,
    /// Links to the peers; served and given its peers by consensus.
    pub transport: Arc<dyn Transport>,
    /// Intervals; default [`Preset::Lan`].
    pub timing: Timing,
    /// When snapshots are made.
    pub snapshots: Snapshots,
    /// This machine's clock.
    pub clock: Arc<dyn WallClock>,
    /// How far clocks may be apart and still agree; further off what a majority agrees on this node may not lead. Default 5 s.
    pub clock_skew_max: Duration,
    /// Time between checkpoints, by which nodes compare their state; default 10 s.
    pub checkpoint_every: Duration,
    /// Whether something can expire now, so that the leader must move the clock although nobody writes; default always.
    pub needs_tick: Arc<dyn Fn() -> bool + Send + Sync>,
    /// Version of the software, for the node's record.
    pub version: String,
    /// What its tasks run on; default the process itself.
    pub host: Arc<dyn Host>,
}

impl Options {
    /// Options with defaults for everything that has one.
    #[must_use]
    pub fn new(
        node: NodeId,
        cluster: impl Into<String>,
        members: Vec<Member>,
        stores: Stores,
        transport: Arc<dyn Transport>,
    ) -> Self {
        Self {
            node,
            cluster: cluster.into(),
            members,
            stores,
            transport,
            timing: Preset::default().timing(),
            snapshots: Snapshots::default(),
            clock: Arc::new(SystemClock),
            clock_skew_max: Duration::from_secs(5),
            checkpoint_every: Duration::from_secs(10),
            needs_tick: Arc::new(|| true),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            host: Arc::new(SystemHost),
        }
    }
}

/// Why consensus cannot start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// The intervals do not fit together.
    #[error(transparent)]
    Timing(#[from] TimingError),
    /// The configured members make no cluster.
    #[error("the configured members: {0}")]
    Members(&'static str),
    /// The transport speaks for another node.
    #[error("the transport speaks for node {0}")]
    Transport(NodeId),
    /// The stored log or state cannot be taken up.
    #[error("taking up the stored log and state: {0}")]
    Storage(String),
}

/// A node's consensus, implementing [`holdfast_machine::Replica`]. Clones share it.
#[derive(Clone)]
pub struct Consensus {
    pub(crate) inner: Arc<Inner>,
    tasks: Arc<Mutex<JoinSet<()>>>,
}

// What has Raft in it is boxed here: an async function is compiled again in every crate that awaits it.
impl Consensus {
    /// Starts it: answers peers, asks them how they are, and takes part as soon as it may. Returns before that; a node that
    /// has no peers leads when this returns.
    ///
    /// # Errors
    /// When the options do not fit together or the stored log cannot be taken up. A quarantined data directory is none: the
    /// node then answers that it is quarantined.
    pub fn start(options: Options) -> BoxFuture<'static, Result<Self, StartError>> {
        Box::pin(async move {
            check(&options)?;
            let host = Arc::clone(&options.host);
            hosted(host, Self::start_here(options)).await
        })
    }

    async fn start_here(options: Options) -> Result<Self, StartError> {
        let transport = Arc::clone(&options.transport);
        let quarantine = options.stores.quarantine.clone();
        let (inner, rounds, mut tasks) = meet(options);
        if let Some(quarantine) = quarantine {
            inner.set_phase(Phase::Quarantined(quarantine.to_string()));
        } else if !inner.is_pristine() {
            start_raft(&inner).await;
        } else if inner.configured.len() == 1 {
            join::join(Arc::clone(&inner)).await;
        } else {
            tasks.spawn(here(join::join(Arc::clone(&inner))));
        }
        let fatal = inner.fatal.borrow().clone();
        if let Some(why) = fatal {
            transport.close().await;
            return Err(StartError::Storage(why));
        }
        lead_alone(&inner).await;
        tasks.spawn(here(rounds.run(round(&inner))));
        tasks.spawn(here(duties::run(Arc::clone(&inner))));
        tasks.spawn(here(watch_raft(Arc::clone(&inner))));
        tasks.spawn(here(fail_with_the_disk(Arc::clone(&inner))));
        let tasks = Arc::new(Mutex::new(tasks));
        Ok(Self { inner, tasks })
    }

    /// Resolves when this node can no longer take part and the process should exit (code 74): storage failed or Raft ended
    /// unasked. The text is for operators.
    pub async fn fatal(&self) -> String {
        let mut fatal = self.inner.fatal.subscribe();
        loop {
            if let Some(why) = fatal.borrow_and_update().clone() {
                return why;
            }
            // The sender lives in `self`.
            if fatal.changed().await.is_err() {
                return "consensus has ended".to_owned();
            }
        }
    }

    /// Stops in order: the links to the peers, Raft, the log. Hand over leadership with `step_down` first to spare the
    /// cluster an election. Safe to repeat. The data directory is released when the last clone of this is dropped.
    pub fn shutdown(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            let inner = &self.inner;
            let raft = inner.raft();
            inner.set_phase(Phase::Stopped("shutting down".to_owned()));
            inner.link.transport.close().await;
            let mut tasks = std::mem::take(&mut *self.tasks.lock());
            tasks.shutdown().await;
            if let Ok(raft) = raft
                && raft.shutdown().await.is_err()
            {
                tracing::warn!("Raft did not end cleanly");
            }
            let log = Arc::clone(&inner.log);
            if host::blocking(move || log.close()).await.is_err() {
                tracing::warn!("the log was not closed cleanly");
            }
        })
    }
}

fn check(options: &Options) -> Result<(), StartError> {
    options.timing.check()?;
    let ids: BTreeSet<u64> = options.members.iter().map(|member| member.id.0).collect();
    if ids.len() != options.members.len() {
        return Err(StartError::Members("two have the same id"));
    }
    if ids.contains(&0) {
        return Err(StartError::Members("an id is 0"));
    }
    if ids.len() > NODES_MAX {
        return Err(StartError::Members("there are too many"));
    }
    if !ids.contains(&options.node.0) {
        return Err(StartError::Members("this node is not among them"));
    }
    if options.transport.local_id() != options.node {
        return Err(StartError::Transport(options.transport.local_id()));
    }
    Ok(())
}

/// Puts the parts together; answers peers and asks them how they are from here on, whatever of its log is still to be taken up.
pub(crate) fn meet(options: Options) -> (Arc<Inner>, Rounds, JoinSet<()>) {
    let transport = Arc::clone(&options.transport);
    let (inner, rounds) = assemble(options);
    let mut tasks = JoinSet::new();
    transport.serve(Arc::new(Server {
        inner: Arc::clone(&inner),
    }));
    tasks.spawn(here(roster::run(Arc::clone(&inner))));
    (inner, rounds, tasks)
}

fn assemble(options: Options) -> (Arc<Inner>, Rounds) {
    let node = options.node;
    let me = options.members.iter().find(|member| member.id == node);
    let me = me.map_or_else(MemberInfo::default, |member| member.info.clone());
    let (reads, rounds) = ReadBatch::new();
    let applied = options.stores.state.applied().position.index;
    let link = Link {
        node: node.0,
        cluster: options.cluster,
        store_id: options.stores.store_id,
        transport: options.transport,
        known: KnownStores::default(),
        acknowledged: Acknowledged::default(),
        witness: Witness::new(&options.stores),
        gate: QuorumGate::new(options.timing.election_max, options.timing.silence()),
    };
    let inner = Inner {
        link: Arc::new(link),
        me,
        configured: options.members,
        members_left: Mutex::default(),
        candidates: Mutex::default(),
        changing: tokio::sync::Mutex::default(),
        visitors: Visitors::default(),
        version: options.version,
        host: options.host,
        timing: options.timing,
        snapshots: options.snapshots,
        clock: options.clock,
        clock_skew_max: options.clock_skew_max,
        checkpoint_every: options.checkpoint_every,
        needs_tick: options.needs_tick,
        log: options.stores.log,
        state: options.stores.state,
        applied: Arc::new(AppliedIndex::new(applied)),
        phase: watch::Sender::new(Phase::Joining("starting".to_owned())),
        peers: Peers::default(),
        leader_clock: Mutex::new(LeaderClock::default()),
        clock_verdict: Mutex::default(),
        freshness: Freshness::default(),
        reads,
        proposals: Semaphore::new(IN_FLIGHT_KIB_MAX),
        troubles: Mutex::new(Troubles::default()),
        fatal: watch::Sender::new(None),
    };
    (Arc::new(inner), rounds)
}

/// Takes up the stored log and state and takes part. `None` when that fails; the node has then failed.
pub(crate) async fn start_raft(inner: &Arc<Inner>) -> Option<Raft> {
    let config = inner.timing.config(&inner.link.cluster, inner.snapshots);
    let config = match config.validate() {
        Ok(config) => Arc::new(config),
        Err(error) => {
            inner.fail(&error.to_string());
            return None;
        }
    };
    if let Err(why) = reconcile(&inner.log, &inner.state) {
        inner.fail(&why);
        return None;
    }
    let network = Network {
        link: Arc::clone(&inner.link),
        append_patience: inner.timing.election_max,
    };
    let log = LogAdapter::new(Arc::clone(&inner.log));
    let state = StateAdapter::new(Arc::clone(&inner.state), Arc::clone(&inner.applied));
    match Raft::new(inner.node(), config, network, log, state).await {
        Ok(raft) if inner.set_phase(Phase::Running(raft.clone())) => Some(raft),
        // Stopped meanwhile.
        Ok(raft) => {
            if raft.shutdown().await.is_err() {
                tracing::warn!("Raft did not end cleanly");
            }
            None
        }
        Err(fatal) => {
            inner.fail(&fatal.to_string());
            None
        }
    }
}

/// Ends the node when its disk fails, also in a write whose failure nobody is told of: with a committed mark or a purge that
/// failed it would stay, unable to vote or to write, until it has to.
async fn fail_with_the_disk(inner: Arc<Inner>) {
    let (met, fault) = oneshot::channel();
    // The hook runs wherever the fault is met: it only passes it on.
    inner.log.on_fault(Box::new(move |fault: &StorageFault| {
        // Nobody waits once the node has stopped.
        let _ = met.send(fault.to_string());
    }));
    if let Ok(fault) = fault.await {
        inner.fail(&fault);
    }
}

/// The only voter need not wait for anybody's lease to run out.
async fn lead_alone(inner: &Inner) {
    let Ok(raft) = inner.raft() else {
        return;
    };
    let me = inner.node();
    // Asked of Raft itself: the metrics may lag behind.
    let alone = raft.with_raft_state(move |state| {
        let voters: Vec<u64> = state.membership_state.effective().voter_ids().collect();
        voters == [me]
    });
    if !matches!(alone.await, Ok(true)) || raft.trigger().elect(false).await.is_err() {
        return;
    }
    let until = Instant::now() + inner.timing.failover();
    let mut metrics = raft.metrics();
    while !metrics.borrow_watched().state.is_leader() {
        if tokio::time::timeout_at(until, metrics.changed())
            .await
            .is_err()
        {
            return;
        }
    }
}

fn round(inner: &Arc<Inner>) -> Round {
    let inner = Arc::downgrade(inner);
    Arc::new(move |time| {
        let inner = inner.upgrade();
        Box::pin(async move {
            match inner {
                Some(inner) => read_index::round(&inner, time).await,
                None => Err(Unavailable::Stopped("this node is stopping".to_owned())),
            }
        })
    })
}

/// When a quorum last answered this leader; `None` when it does not lead or needs nobody.
fn answered_at(metrics: &Metrics, leads_since: Instant) -> Option<Instant> {
    let mut voters = metrics.membership_config.membership().voter_ids();
    if !metrics.state.is_leader() || voters.all(|voter| voter == metrics.id) {
        return None;
    }
    let acknowledged = metrics.last_quorum_acked.as_ref();
    let acknowledged = acknowledged.and_then(|at| Instant::now().checked_sub(at.elapsed()));
    Some(acknowledged.unwrap_or(leads_since))
}

/// Keeps the quorum gate, and fails the node when its Raft ends unasked.
async fn watch_raft(inner: Arc<Inner>) {
    let mut phase = inner.phase.subscribe();
    let raft = loop {
        if let Phase::Running(raft) = &*phase.borrow_and_update() {
            break raft.clone();
        }
        if phase.changed().await.is_err() {
            return;
        }
    };
    let mut metrics = raft.metrics();
    drop(raft);
    let (mut term, mut leads_since) = (0, Instant::now());
    loop {
        let now = metrics.borrow_watched().clone();
        match &now.running_state {
            Ok(()) => {}
            Err(Fatal::Stopped) => return,
            Err(fatal) => {
                inner.fail(&fatal.to_string());
                return;
            }
        }
        if now.current_term != term {
            (term, leads_since) = (now.current_term, Instant::now());
        }
        inner.link.gate.set(answered_at(&now, leads_since));
        if metrics.changed().await.is_err() {
            return;
        }
    }
}
