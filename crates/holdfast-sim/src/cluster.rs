//! The cluster as the run and its clients see it: nodes, network, disks, the books.

use crate::ask::{Ask, ask};
use crate::dice::Dice;
use crate::host::NodeClock;
use crate::members::{Members, member};
use crate::node::{self, Door, Node, Setup};
use crate::trace::Trace;
use crate::weather::Weather;
use holdfast_check::{Action, Operation as Entry, Outcome};
use holdfast_consensus::{Member, Snapshots};
use holdfast_contract::{Operation, Refusal};
use holdfast_machine::Role;
use holdfast_transport::MemoryNetwork;
use parking_lot::Mutex;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Shares made, and how many open a node.
const SHARES: usize = 5;
const THRESHOLD: usize = 3;
/// Between two tries of something that cannot be done yet.
const PAUSE: Duration = Duration::from_millis(100);

/// Everything of one run. Clones share it.
#[derive(Clone)]
pub(crate) struct Cluster {
    pub(crate) setup: Setup,
    pub(crate) weather: Weather,
    pub(crate) trace: Trace,
    pub(crate) nodes: Arc<Mutex<BTreeMap<u64, Node>>>,
    /// Number of nodes it was made with.
    pub(crate) size: u64,
    /// Who is to be a member.
    pub(crate) members: Arc<Members>,
    pub(crate) books: Arc<Mutex<Vec<Entry>>>,
    /// Answers that say that something is broken inside.
    pub(crate) reports: Arc<Mutex<Vec<String>>>,
    /// Processes that ended by themselves although nothing had been done to their disks.
    pub(crate) deaths: Arc<Mutex<Vec<String>>>,
    /// Nodes whose disk was put back to an older image and that worked on.
    pub(crate) unnoticed: Arc<Mutex<Vec<String>>>,
    /// Which faults were felt, by their place among those noted.
    pub(crate) bitten: Arc<Mutex<BTreeSet<usize>>>,
    /// What opens and governs it, once it is made.
    pub(crate) keys: Arc<Mutex<Keys>>,
    dice: Arc<Dice>,
}

/// Shares and the root token.
#[derive(Default)]
pub(crate) struct Keys {
    pub(crate) shares: Vec<String>,
    pub(crate) root: String,
}

impl Cluster {
    /// `size` nodes with empty disks, none running.
    pub(crate) fn new(seed: u64, size: u64, trace: Trace) -> Self {
        let network = MemoryNetwork::default();
        let weather = Weather::default();
        weather.govern(&network, seed, &trace);
        let dice = Dice::new(seed, "cluster");
        let setup = Setup {
            seed,
            network,
            snapshots: Snapshots {
                every: dice.number(60..800),
                keep_behind: dice.number(5..60),
            },
            checkpoint_every: Duration::from_millis(dice.number(500..3000)),
        };
        let members: Vec<Member> = (1..=size).map(member).collect();
        let nodes = (1..=size).map(|id| {
            let clock = Arc::new(NodeClock::new(trace.began()));
            (id, Node::new(seed, id, members.clone(), clock))
        });
        Self {
            weather,
            members: Arc::new(Members::of(1..=size)),
            nodes: Arc::new(Mutex::new(nodes.collect())),
            books: Arc::default(),
            reports: Arc::default(),
            deaths: Arc::default(),
            unnoticed: Arc::default(),
            bitten: Arc::default(),
            keys: Arc::default(),
            dice: Arc::new(dice),
            trace,
            size,
            setup,
        }
    }

    /// Nodes that are not switched off for good.
    pub(crate) fn ids(&self) -> Vec<u64> {
        let nodes = self.nodes.lock();
        let here = nodes.values().filter(|node| !node.retired);
        here.map(|node| node.id).collect()
    }

    /// A number that no node has had.
    pub(crate) fn next_id(&self) -> u64 {
        let nodes = self.nodes.lock();
        nodes.last_key_value().map_or(1, |(id, _)| id + 1)
    }

    /// Puts up a machine with an empty disk, whose configuration names those that are here now.
    pub(crate) fn enlist(&self, id: u64) {
        let members = self.ids().into_iter().chain([id]).map(member).collect();
        let clock = Arc::new(NodeClock::new(self.trace.began()));
        let node = Node::new(self.setup.seed, id, members, clock);
        self.nodes.lock().insert(id, node);
    }

    /// Switches a machine off for good.
    pub(crate) fn retire(&self, id: u64) {
        self.kill(id);
        self.trace
            .story(&format!("node {id} is switched off for good"));
        if let Some(node) = self.nodes.lock().get_mut(&id) {
            node.retired = true;
        }
    }

    /// Whether another one that its configuration names is still here.
    pub(crate) fn knows_somebody(&self, id: u64) -> bool {
        let nodes = self.nodes.lock();
        let here = |other: u64| other != id && nodes.get(&other).is_some_and(|it| !it.retired);
        let named = nodes.get(&id).map(|node| &node.members);
        named.is_some_and(|named| named.iter().any(|member| here(member.id.0)))
    }

    pub(crate) fn door(&self, id: u64) -> Option<Door> {
        self.nodes.lock().get(&id)?.door()
    }

    /// Nodes that found out that their data cannot be trusted, and stay away for good.
    pub(crate) fn quarantined(&self) -> Vec<u64> {
        let nodes = self.nodes.lock();
        let away = nodes.values().filter(|node| {
            let running = node.running.as_ref();
            running.is_some_and(|running| running.glance().role == Role::Quarantined)
        });
        away.map(|node| node.id).collect()
    }

    /// Nodes of which work can be asked.
    pub(crate) fn fit(&self) -> Vec<u64> {
        let away = self.quarantined();
        self.ids()
            .into_iter()
            .filter(|id| !away.contains(id))
            .collect()
    }

    /// The node that takes itself for the leader in the highest term.
    pub(crate) fn leader(&self) -> Option<u64> {
        let nodes = self.nodes.lock();
        let leaders = nodes.values().filter_map(|node| {
            let glance = node.running.as_ref()?.glance();
            (glance.role == Role::Leader).then_some((glance.term, node.id))
        });
        leaders.max().map(|(_, id)| id)
    }

    /// Starts a node's process; why not, when it does not start.
    pub(crate) async fn start(&self, id: u64) -> Result<(), String> {
        let (life, disk, members) = {
            let mut nodes = self.nodes.lock();
            let startable = |node: &&mut Node| node.running.is_none() && !node.retired;
            let Some(node) = nodes.get_mut(&id).filter(startable) else {
                return Ok(());
            };
            let life = node.next_life(self.setup.seed);
            (life, node.disk.clone(), node.members.clone())
        };
        self.trace.story(&format!("node {id} starts"));
        let running = node::start(&self.setup, id, members, &disk, Arc::clone(&life)).await;
        match running {
            Ok(running) => {
                if let Some(node) = self.nodes.lock().get_mut(&id) {
                    node.running = Some(running);
                }
                Ok(())
            }
            Err(why) => {
                // The process is gone, and lets go of its disk.
                disk.kill(1);
                life.kill();
                self.trace
                    .story(&format!("node {id} does not start: {why}"));
                Err(why)
            }
        }
    }

    /// Ends a node's process where it stands.
    pub(crate) fn kill(&self, id: u64) {
        if let Some(node) = self.nodes.lock().get_mut(&id) {
            node.kill(&self.setup.network);
        }
    }

    /// Ends a node's process and empties its disk.
    pub(crate) fn empty(&self, id: u64) {
        self.kill(id);
        if let Some(node) = self.nodes.lock().get_mut(&id) {
            node.empty(self.setup.seed);
        }
        self.trace.story(&format!("node {id} is emptied"));
    }

    /// Ends a member's machine, and puts an empty disk into it.
    pub(crate) fn lose_disk(&self, id: u64) {
        if let Some(node) = self.nodes.lock().get_mut(&id) {
            node.cut_power(&self.setup.network);
            node.empty(self.setup.seed);
            node.lied.store(true, Ordering::Relaxed);
            node.lost_disk = true;
        }
        self.trace.story(&format!(
            "node {id} has lost its disk, and has an empty one"
        ));
    }

    /// Makes the keys and the mount. Retried until somebody leads.
    pub(crate) async fn initialize(&self) -> Result<(), String> {
        let body = json!({ "secret_shares": SHARES, "secret_threshold": THRESHOLD });
        let mut made = None;
        for _ in 0..100 {
            let id = self.dice.pick(&self.ids()).unwrap_or(1);
            let Some(door) = self.door(id) else {
                tokio::time::sleep(PAUSE).await;
                continue;
            };
            let init = Ask::new(Operation::Write, "sys/init", None).body(body.clone());
            if let Some(answer) = ask(&door, init).await
                && let Ok(reply) = answer.result
                && let Some(data) = reply.data
            {
                made = Some(data);
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        let made = made.ok_or("the cluster could not be initialised")?;
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        *self.keys.lock() = Keys {
            shares: made["keys"]
                .as_array()
                .into_iter()
                .flatten()
                .map(text)
                .collect(),
            root: text(&made["root_token"]),
        };
        for id in self.ids() {
            self.unseal(id).await;
        }
        self.mount().await
    }

    async fn mount(&self) -> Result<(), String> {
        let root = self.keys.lock().root.clone();
        let body = json!({ "type": "kv", "options": { "version": "2" } });
        for _ in 0..50 {
            let Some(door) = self.door(1) else {
                tokio::time::sleep(PAUSE).await;
                continue;
            };
            let mount = Ask::new(Operation::Write, "sys/mounts/kept", Some(&root));
            match ask(&door, mount.body(body.clone()))
                .await
                .map(|answer| answer.result)
            {
                Some(Ok(_)) => return Ok(()),
                Some(Err(refusal)) if refusal.to_string().contains("in use") => return Ok(()),
                _ => tokio::time::sleep(PAUSE).await,
            }
        }
        Err("the secrets engine could not be mounted".to_owned())
    }

    /// Submits shares to a node, in random order, until it is open or the shares are used up. Recorded in the books.
    pub(crate) async fn unseal(&self, id: u64) -> bool {
        let Some(door) = self.door(id) else {
            return false;
        };
        let mut shares = self.keys.lock().shares.clone();
        self.dice.shuffle(&mut shares);
        let entry = self.open_entry(0, id, Action::Unseal);
        let (mut opened, mut answered) = (false, true);
        for share in shares.into_iter().take(THRESHOLD) {
            let unseal = Ask::new(Operation::Write, "sys/unseal", None);
            let answer = ask(&door, unseal.body(json!({ "key": share }))).await;
            answered &= answer.is_some();
            let reply = answer.and_then(|answer| answer.result.ok());
            let data = reply.and_then(|reply| reply.data);
            opened = data.is_some_and(|data| data["sealed"] == json!(false));
            if opened {
                break;
            }
        }
        let outcome = match (opened, answered) {
            (true, _) => Outcome::Ok(holdfast_check::Seen::default()),
            (false, true) => Outcome::Unavailable,
            (false, false) => Outcome::Unknown,
        };
        self.trace.story(&format!("node {id} unsealed: {opened}"));
        self.close_entry(entry, outcome);
        opened
    }

    /// Notes an answer that no fault explains.
    pub(crate) fn report(&self, node: u64, refusal: &Refusal) {
        let what = format!("node {node} answered {refusal:?}");
        self.trace.story(&what);
        self.reports.lock().push(what);
    }

    /// Writes an invocation into the books; its number.
    pub(crate) fn open_entry(&self, client: u64, node: u64, action: Action) -> u64 {
        let mut books = self.books.lock();
        let id = books.len() as u64;
        books.push(Entry {
            id,
            client,
            node,
            invoked_ns: self.trace.now_ns(),
            returned_ns: None,
            action,
            outcome: Outcome::Unknown,
        });
        id
    }

    /// Writes what became of it.
    pub(crate) fn close_entry(&self, id: u64, outcome: Outcome) {
        let now_ns = self.trace.now_ns();
        let mut books = self.books.lock();
        let Some(entry) = usize::try_from(id).ok().and_then(|at| books.get_mut(at)) else {
            return;
        };
        if outcome != Outcome::Unknown {
            entry.returned_ns = Some(now_ns);
        }
        entry.outcome = outcome;
        let line = format!(
            "client {} asked node {}: {:?} -> {:?}",
            entry.client, entry.node, entry.action, entry.outcome
        );
        drop(books);
        self.trace.story(&line);
    }
}
