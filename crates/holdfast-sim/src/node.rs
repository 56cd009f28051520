//! One node: a disk and a clock that outlast its processes, and the process that runs now, if one does.

use crate::dice::Dice;
use crate::host::{Life, NodeClock};
use bytes::Bytes;
use holdfast_consensus::{Consensus, Glance, Host, Member, Options, Snapshots, hosted};
use holdfast_machine::BoxFuture;
use holdfast_node::Assembly;
use holdfast_request::Core;
use holdfast_store::memory::{DiskOp, Lies, MemoryDisk};
use holdfast_transport::MemoryNetwork;
use holdfast_types::{NodeId, StoreId};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Name of every simulated cluster.
pub(crate) const CLUSTER: &str = "simulated";

/// What all nodes of a run are started with.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) seed: u64,
    pub(crate) network: MemoryNetwork,
    pub(crate) snapshots: Snapshots,
    pub(crate) checkpoint_every: Duration,
}

/// A node.
pub(crate) struct Node {
    pub(crate) id: u64,
    /// Whom its configuration names.
    pub(crate) members: Vec<Member>,
    pub(crate) disk: MemoryDisk,
    pub(crate) clock: Arc<NodeClock>,
    /// What makes its syncs slow.
    pub(crate) stall: Arc<Stall>,
    /// Whether its disk ever answered a sync without doing it, or was put back to an older image, or is another one.
    pub(crate) lied: AtomicBool,
    /// Whether it was a member, and its disk is another one since: under its number it must not take part.
    pub(crate) lost_disk: bool,
    /// Switched off for good; only its disk is still looked at.
    pub(crate) retired: bool,
    /// How often it was started.
    pub(crate) lives: u64,
    pub(crate) running: Option<Running>,
    /// How the disk dies with the process, and what its entropy is at the start.
    dice: Dice,
}

/// How slow a disk is.
#[derive(Default)]
pub(crate) struct Stall {
    /// How long each sync takes beyond the disk's own time, microseconds.
    us: AtomicU64,
    /// Syncs that took longer so far.
    felt: AtomicU64,
}

impl Stall {
    /// Sets how much longer each sync takes.
    pub(crate) fn set(&self, by: Duration) {
        let us = u64::try_from(by.as_micros()).unwrap_or(u64::MAX);
        self.us.store(us, Ordering::Relaxed);
    }

    /// Syncs that took longer so far.
    pub(crate) fn felt(&self) -> u64 {
        self.felt.load(Ordering::Relaxed)
    }

    fn take_us(&self) -> u64 {
        let us = self.us.load(Ordering::Relaxed);
        self.felt.fetch_add(u64::from(us > 0), Ordering::Relaxed);
        us
    }
}

/// A process.
pub(crate) struct Running {
    pub(crate) life: Arc<Life>,
    assembly: Assembly,
    /// Set when it says that it can no longer take part: why.
    fatal: Arc<OnceLock<String>>,
}

/// What a client needs to ask a node.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) life: Arc<Life>,
    pub(crate) core: Arc<Core>,
}

impl Node {
    pub(crate) fn new(seed: u64, id: u64, members: Vec<Member>, clock: Arc<NodeClock>) -> Self {
        let stall = Arc::<Stall>::default();
        Self {
            id,
            members,
            disk: disk(seed, &format!("disk of node {id}"), Arc::clone(&stall)),
            clock,
            stall,
            lied: AtomicBool::new(false),
            lost_disk: false,
            retired: false,
            lives: 0,
            running: None,
            dice: Dice::new(seed, &format!("ends of node {id}")),
        }
    }

    /// A new life on the same disk, to be started with [`start`].
    pub(crate) fn next_life(&mut self, seed: u64) -> Arc<Life> {
        self.lives += 1;
        let clock = Arc::clone(&self.clock);
        Life::new(seed, self.id, self.lives, clock)
    }

    /// Ends the process where it stands, or the whole machine. What was not synced is lost, or part of it.
    pub(crate) fn kill(&mut self, network: &MemoryNetwork) {
        let choice = self.dice.number(0..u64::MAX);
        let power = self.dice.percent(50);
        self.end(network, |disk| {
            if power {
                disk.crash(choice);
            } else {
                disk.kill(choice);
            }
        });
    }

    /// Ends the machine, and of what was not synced nothing survives.
    pub(crate) fn cut_power(&mut self, network: &MemoryNetwork) {
        self.end(network, |disk| disk.crash(0));
        self.disk.crash(0);
    }

    /// Puts an empty disk into a machine that was switched off.
    pub(crate) fn empty(&mut self, seed: u64) {
        let name = format!("disk of node {} after life {}", self.id, self.lives);
        self.disk = disk(seed, &name, Arc::clone(&self.stall));
    }

    /// Makes syncs of the disk lie, or no longer.
    pub(crate) fn lie(&self, lies: Lies) {
        self.lied.fetch_or(lies.log, Ordering::Relaxed);
        self.disk.lie(lies);
    }

    /// First nobody can hear or see it any more, then it ends.
    fn end(&mut self, network: &MemoryNetwork, lose: impl FnOnce(&MemoryDisk)) {
        let Some(running) = self.running.take() else {
            return;
        };
        network.crash(NodeId(self.id));
        lose(&self.disk);
        running.life.kill();
    }

    pub(crate) fn door(&self) -> Option<Door> {
        self.running.as_ref().map(|running| Door {
            life: Arc::clone(&running.life),
            core: Arc::clone(&running.assembly.core),
        })
    }
}

impl Running {
    pub(crate) fn consensus(&self) -> &Consensus {
        &self.assembly.consensus
    }

    pub(crate) fn glance(&self) -> Glance {
        self.assembly.consensus.glance()
    }

    pub(crate) fn is_sealed(&self) -> bool {
        self.assembly.core.barrier().is_sealed()
    }

    /// Why a supervisor would find the process gone, if it would.
    pub(crate) fn has_given_up(&self) -> Option<&str> {
        self.fatal.get().map(String::as_str)
    }
}

/// A disk whose syncs take a drawn time.
fn disk(seed: u64, name: &str, stall: Arc<Stall>) -> MemoryDisk {
    let dice = Dice::new(seed, name);
    let mut identity = [0; 16];
    dice.fill(&mut identity);
    let disk = MemoryDisk::new(StoreId(identity));
    disk.set_latency(move |op| {
        let us = match op {
            DiskOp::Write { .. } => dice.number(5..50),
            DiskOp::Sync { .. } | DiskOp::Promise => dice.number(100..1500) + stall.take_us(),
        };
        Duration::from_micros(us)
    });
    disk
}

/// Starts a process on a disk.
///
/// # Errors
/// Why it does not start, as its log would say.
pub(crate) async fn start(
    setup: &Setup,
    id: u64,
    members: Vec<Member>,
    disk: &MemoryDisk,
    life: Arc<Life>,
) -> Result<Running, String> {
    let host: Arc<dyn Host> = life.clone();
    let spawner = Arc::clone(&host);
    let spawn = move |task: BoxFuture<'static, ()>| {
        let task = tokio::spawn(hosted(Arc::clone(&spawner), task));
        spawner.adopt(task.abort_handle());
    };
    let stores = disk.open(&holdfast_store::Options::default(), spawn);
    let stores = stores.map_err(|error| error.to_string())?;
    let transport = setup.network.join(NodeId(id));
    let mut options = Options::new(NodeId(id), CLUSTER, members, stores, transport);
    options.snapshots = setup.snapshots;
    options.checkpoint_every = setup.checkpoint_every;
    options.clock = life.clock();
    options.host = Arc::clone(&host);
    let assembly = Assembly::start(options, life.clone(), CLUSTER.to_owned()).await;
    let assembly = assembly.map_err(|error| error.to_string())?;
    let fatal = Arc::new(OnceLock::new());
    let (consensus, told) = (assembly.consensus.clone(), Arc::clone(&fatal));
    let watch = tokio::spawn(hosted(Arc::clone(&host), async move {
        let _ = told.set(consensus.fatal().await);
    }));
    host.adopt(watch.abort_handle());
    Ok(Running {
        life,
        assembly,
        fatal,
    })
}

/// The entries a running node holds in `from..to`, as stored.
pub(crate) fn stored_entries(running: &Running, from: u64, to: u64) -> Vec<(u64, Bytes)> {
    running
        .consensus()
        .stored_entries(from, to)
        .unwrap_or_default()
}
