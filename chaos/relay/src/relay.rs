//! The handle: starts a relay, lets matrices in and out, tells what happened, and ends it when dropped.

use crate::bite::Bite;
use crate::counters::Counters;
use crate::engine::{self, Wiretap};
use crate::matrix::{Link, Matrix};
use crate::switch::Switch;
use crate::wires::Wires;
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// Most nodes of one relay: sockets grow with the square.
const NODES_MAX: usize = 16;

/// Why a relay did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It stands on loopback only.
    #[error(
        "node {node} listens at {listen}, which is not an IPv4 address of this machine's loopback"
    )]
    NotLoopback {
        /// The node.
        node: u64,
        /// Where it listens.
        listen: SocketAddr,
    },
    /// Two nodes have the same number or address: their datagrams could not be told apart.
    #[error("node {0} is named twice, or listens where another does")]
    Twice(u64),
    /// Too many nodes.
    #[error("{0} nodes are more than a relay serves")]
    TooMany(usize),
    /// A socket or the thread could not be had.
    #[error("opening the relay's sockets")]
    Io(#[from] io::Error),
}

/// A matrix names a link between nodes that are not all here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the link {0} is not between nodes of this relay")]
pub struct UnknownNode(pub Link);

/// A matrix that holds until it is given back to [`Relay::heal`].
#[derive(Debug)]
#[must_use = "a matrix holds until it is healed"]
pub struct Installed {
    number: u64,
    matrix: Matrix,
    before: BTreeMap<Link, Counters>,
}

/// A running relay. Dropped, it closes its sockets and joins its thread.
pub struct Relay {
    advertised: BTreeMap<u64, SocketAddr>,
    seed: u64,
    switch: Arc<Mutex<Switch>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Relay {
    /// Starts a relay before nodes that listen at these addresses of loopback; each node sends from where it listens. Everything
    /// passes at first. Chance is the seed's.
    ///
    /// # Errors
    /// When a node is not on loopback or not distinct, or a socket cannot be had.
    pub fn start(nodes: &[(u64, SocketAddr)], seed: u64) -> Result<Self, StartError> {
        Self::launch(nodes, seed, None)
    }

    /// The same, with a wiretap that is given every datagram.
    ///
    /// # Errors
    /// As [`Relay::start`].
    pub fn tapped(
        nodes: &[(u64, SocketAddr)],
        seed: u64,
        tap: impl FnMut(Link, &[u8]) + Send + 'static,
    ) -> Result<Self, StartError> {
        Self::launch(nodes, seed, Some(Box::new(tap)))
    }

    fn launch(
        nodes: &[(u64, SocketAddr)],
        seed: u64,
        tap: Option<Wiretap>,
    ) -> Result<Self, StartError> {
        let wires = Wires::open(listens(nodes)?)?;
        let ids: Vec<u64> = nodes.iter().map(|(id, _)| *id).collect();
        let advertised = ids.iter().copied().zip(wires.advertised()?).collect();
        let switch = Arc::new(Mutex::new(Switch::new(ids, seed)));
        let (stop, stopped) = oneshot::channel();
        let (started, outcome) = mpsc::channel();
        let shared = switch.clone();
        let thread = std::thread::Builder::new()
            .name("relay".to_owned())
            .spawn(move || engine::run(wires, shared, tap, &started, stopped))?;
        outcome
            .recv()
            .unwrap_or_else(|gone| Err(io::Error::other(gone)))?;
        Ok(Self {
            advertised,
            seed,
            switch,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where peers reach a node.
    #[must_use]
    pub fn advertised(&self, node: u64) -> Option<SocketAddr> {
        self.advertised.get(&node).copied()
    }

    /// What chance came from.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// Sets what always holds, such as the distances between regions. Healing does not touch it.
    ///
    /// # Errors
    /// When it names a node that is not here; nothing changes then.
    pub fn set_base(&self, matrix: Matrix) -> Result<(), UnknownNode> {
        let mut switch = self.switch.lock();
        switch
            .unknown(&matrix)
            .map_or(Ok(()), |link| Err(UnknownNode(link)))?;
        switch.set_base(matrix);
        Ok(())
    }

    /// Lets a matrix in, all links at once, over what holds already. Nothing passes a link that it cuts once this has returned.
    ///
    /// # Errors
    /// When it names a node that is not here; nothing changes then.
    pub fn install(&self, matrix: Matrix) -> Result<Installed, UnknownNode> {
        let mut switch = self.switch.lock();
        switch
            .unknown(&matrix)
            .map_or(Ok(()), |link| Err(UnknownNode(link)))?;
        Ok(Installed {
            before: switch.counters(),
            number: switch.install(matrix.clone()),
            matrix,
        })
    }

    /// What a matrix has done since it was let in.
    #[must_use]
    pub fn verify(&self, installed: &Installed) -> Bite {
        bite(installed, &self.counters())
    }

    /// Takes a matrix out, all links at once, and tells what it did.
    pub fn heal(&self, installed: Installed) -> Bite {
        let mut switch = self.switch.lock();
        let after = switch.counters();
        switch.heal(installed.number);
        drop(switch);
        bite(&installed, &after)
    }

    /// Takes every matrix out but the one that always holds.
    pub fn heal_all(&self) {
        self.switch.lock().heal_all();
    }

    /// What happened on each link since the start.
    #[must_use]
    pub fn counters(&self) -> BTreeMap<Link, Counters> {
        self.switch.lock().counters()
    }

    /// Datagrams that came from somewhere that is no node; they were dropped.
    #[must_use]
    pub fn strangers(&self) -> u64 {
        self.switch.lock().strangers
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the wiretap was told on its own thread already.
            drop(thread.join());
        }
    }
}

fn bite(installed: &Installed, now: &BTreeMap<Link, Counters>) -> Bite {
    let mut bite = Bite::default();
    for (link, rule) in installed.matrix.iter() {
        let of = |all: &BTreeMap<Link, Counters>| all.get(&link).copied().unwrap_or_default();
        bite.note(link, &rule, of(now).since(&of(&installed.before)));
    }
    bite
}

/// Checks where nodes listen; one that listens everywhere is reached on loopback.
fn listens(nodes: &[(u64, SocketAddr)]) -> Result<Vec<SocketAddr>, StartError> {
    if nodes.len() > NODES_MAX {
        return Err(StartError::TooMany(nodes.len()));
    }
    let mut seen = (BTreeSet::new(), BTreeSet::new());
    let mut listens = Vec::new();
    for &(node, listen) in nodes {
        let reached = match listen {
            SocketAddr::V4(at) if at.ip().is_unspecified() => {
                SocketAddr::from((Ipv4Addr::LOCALHOST, at.port()))
            }
            SocketAddr::V4(at) if at.ip().is_loopback() => listen,
            SocketAddr::V4(_) | SocketAddr::V6(_) => {
                return Err(StartError::NotLoopback { node, listen });
            }
        };
        if !seen.0.insert(node) || !seen.1.insert(reached) {
            return Err(StartError::Twice(node));
        }
        listens.push(reached);
    }
    Ok(listens)
}
