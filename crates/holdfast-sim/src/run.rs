//! One run: a cluster is made, used and hurt, healed, and judged.

use crate::client::{self, Desk};
use crate::cluster::Cluster;
use crate::dice::Dice;
use crate::evidence;
use crate::fault::{self, Faults, KINDS};
use crate::members;
use crate::observe::{Broken, Observer};
use crate::panics;
use crate::trace::{Detail, Trace};
use holdfast_check::{Action, History, Outcome as Told, Ruling, Verdict, first_shown_ns};
use holdfast_machine::Role;
use holdfast_store::memory::Lies;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::RngSeed;
use tokio::time::Instant;

/// What a lying disk lies about.
const LIES: Lies = Lies {
    log: true,
    watermark: true,
};

/// What a run is asked to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How long things go wrong, in virtual time.
    pub trouble: Duration,
    /// How much is written down.
    pub detail: Detail,
    /// Disks answer a sync without syncing: a control, in which acknowledged writes must be seen to be lost.
    pub lying_disks: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            trouble: Duration::from_secs(20),
            detail: Detail::Hash,
            lying_disks: false,
        }
    }
}

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Its seed.
    pub seed: u64,
    /// Number of nodes.
    pub nodes: u64,
    /// Hash over all events: equal for equal seeds.
    pub trace: String,
    /// Events.
    pub steps: u64,
    /// Times that a node became leader.
    pub leaders: u64,
    /// Operations that were answered with what they asked for.
    pub answered: u64,
    /// Operations.
    pub operations: u64,
    /// Virtual time it took, nanoseconds.
    pub took_ns: u64,
    /// How often each thing happened that runs are there for: faults that were felt, seals, revocations.
    pub exercised: BTreeMap<&'static str, u64>,
    /// Invariants that did not hold at some moment.
    pub broken: Vec<Broken>,
    /// The checkers' judgements.
    pub verdicts: Vec<Verdict>,
    /// Lines of the transcript, as detailed as asked.
    pub lines: Vec<String>,
    /// What the checkers saw.
    pub history: History,
    moments: Vec<(u64, u64)>,
}

/// Something that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Whose checker says so.
    pub checker: String,
    /// What it says.
    pub what: String,
    /// The event after which it could be seen, unless only the end of the run shows it.
    pub step: Option<u64>,
}

impl Outcome {
    /// Whether everything held.
    #[must_use]
    pub fn held(&self) -> bool {
        self.broken.is_empty()
            && self
                .verdicts
                .iter()
                .all(|verdict| verdict.ruling == Ruling::Ok)
    }

    /// The first thing that did not hold.
    #[must_use]
    pub fn first_trouble(&self) -> Option<Trouble> {
        if let Some(broken) = self.broken.first() {
            return Some(Trouble {
                checker: broken.checker.to_owned(),
                what: broken.what.clone(),
                step: Some(broken.step),
            });
        }
        // A violation says more than a checker that could not decide.
        let of = |ruling| {
            self.verdicts
                .iter()
                .find(move |verdict| verdict.ruling == ruling)
        };
        let verdict = of(Ruling::Violation).or_else(|| of(Ruling::Inconclusive))?;
        let first = verdict
            .violations
            .first()
            .map_or(&verdict.summary, |first| &first.what);
        Some(Trouble {
            checker: verdict.checker.clone(),
            what: first.clone(),
            step: self.shown_at(&verdict.checker),
        })
    }

    /// The event from which on a checker's violation could be seen.
    #[must_use]
    pub fn shown_at(&self, checker: &str) -> Option<u64> {
        let at_ns = first_shown_ns(&self.history, checker)?;
        let within = self.moments.partition_point(|(moment, _)| *moment <= at_ns);
        let (_, step) = within.checked_sub(1).map(|at| self.moments[at])?;
        Some(step)
    }

    /// Whether a checker of this name found a violation.
    #[must_use]
    pub fn found_by(&self, checker: &str) -> bool {
        let judged = self
            .verdicts
            .iter()
            .any(|verdict| verdict.checker == checker && verdict.ruling == Ruling::Violation);
        judged || self.broken.iter().any(|broken| broken.checker == checker)
    }
}

/// Runs a seed, on this thread. Panics are heard and not printed: the process's hook is replaced.
#[must_use]
pub fn run(seed: u64, options: Options) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .rng_seed(RngSeed::from_bytes(&seed.to_le_bytes()))
        .build()
        .expect("a runtime without IO needs nothing from the system");
    panics::listen();
    let mut outcome = runtime.block_on(course(seed, options));
    // What still runs ends here, and may panic in doing so.
    drop(runtime);
    let step = outcome.steps;
    let panics = panics::seen().into_iter().map(|what| Broken {
        checker: "panics",
        what,
        step,
    });
    outcome.broken.extend(panics);
    outcome
}

async fn course(seed: u64, options: Options) -> Outcome {
    let trace = Trace::new(Instant::now(), options.detail);
    let dice = Dice::new(seed, "course");
    let size = dice.pick(&[3, 3, 3, 5, 5, 7]).unwrap_or(3);
    let cluster = Cluster::new(seed, size, trace.clone());
    if options.lying_disks {
        cluster
            .nodes
            .lock()
            .values()
            .for_each(|node| node.lie(LIES));
    }
    let observer = Arc::new(Mutex::new(Observer::default()));
    let looking = tokio::spawn(look_on(cluster.clone(), Arc::clone(&observer)));
    let operator = tokio::spawn(members::operate(cluster.clone()));
    let desk = Arc::new(Desk::new(cluster.clone()));
    let mut faults = Faults::new(cluster.clone());
    let mut healed_ns = None;
    let mut end = match begin(&cluster).await {
        Ok(()) => {
            healed_ns = Some(trouble(&cluster, &desk, &mut faults, options.trouble, &dice).await);
            recover(&cluster, &desk, &mut faults).await
        }
        Err(why) => Err(why),
    };
    looking.abort();
    operator.abort();
    let mut observer = std::mem::take(&mut *observer.lock());
    observer.look(&cluster);
    if !observer.broken.is_empty() {
        // What is broken may not converge; that is no second finding.
        end = Ok(());
    }
    let history = History {
        operations: std::mem::take(&mut *cluster.books.lock()),
        samples: std::mem::take(&mut observer.samples),
        faults: faults.take_noted(),
        logs: evidence::logs(&cluster, &observer.ledger),
        healed_ns,
        load_until_ns: desk.closed_at(),
        ended_ns: trace.now_ns(),
    };
    let verdicts = evidence::judge(&cluster, &desk, &history, &observer.ledger, end);
    // A process and the network hold each other: one that is not ended would outlast the run, and fill the memory of a sweep.
    for id in 1..cluster.next_id() {
        cluster.kill(id);
    }
    Outcome {
        seed,
        nodes: size,
        trace: trace.hash(),
        steps: trace.steps(),
        leaders: observer.leaders,
        answered: answered(&history),
        operations: history.operations.len() as u64,
        took_ns: trace.now_ns(),
        exercised: exercised(&history),
        broken: observer.broken,
        verdicts,
        lines: trace.take_lines(),
        moments: trace.take_moments(),
        history,
    }
}

/// Zero where a thing did not happen.
fn exercised(history: &History) -> BTreeMap<&'static str, u64> {
    let felt = |kind: &str| {
        let faults = history.faults.iter();
        faults
            .filter(|fault| fault.verified && fault.kind == kind)
            .count()
    };
    let done = |wanted: fn(&Action) -> bool| {
        let all = history.operations.iter();
        all.filter(|op| op.is_ok() && wanted(&op.action)).count()
    };
    let mut counts: BTreeMap<&'static str, u64> = KINDS
        .into_iter()
        .map(|kind| (kind, felt(kind) as u64))
        .collect();
    let revocations = done(|action| matches!(action, Action::RevokeToken { .. }));
    counts.insert("revocation", revocations as u64);
    let by_revoked = history.operations.iter().filter(|op| {
        let made = matches!(
            op.action,
            Action::CreateToken {
                parent: Some(_),
                ..
            }
        );
        made && op.outcome == Told::Denied
    });
    counts.insert("write-by-revoked", by_revoked.count() as u64);
    let deletes = done(|action| matches!(action, Action::Delete { .. }));
    counts.insert("delete", deletes as u64);
    counts
}

fn answered(history: &History) -> u64 {
    let ok = |entry: &&holdfast_check::Operation| matches!(entry.outcome, Told::Ok(_));
    history.operations.iter().filter(ok).count() as u64
}

/// Looks at the invariants after each event.
async fn look_on(cluster: Cluster, observer: Arc<Mutex<Observer>>) {
    loop {
        cluster.trace.happened().await;
        observer.lock().look(&cluster);
    }
}

async fn begin(cluster: &Cluster) -> Result<(), String> {
    for id in cluster.ids() {
        cluster.start(id).await?;
    }
    cluster.initialize().await
}

/// Clients work while faults come and go, and for a while after. When everything was healed.
async fn trouble(
    cluster: &Cluster,
    desk: &Arc<Desk>,
    faults: &mut Faults,
    lasts: Duration,
    dice: &Dice,
) -> u64 {
    let seats = dice.number(3..8);
    let clients: Vec<_> = (0..seats)
        .map(|seat| tokio::spawn(client::run(Arc::clone(desk), seat)))
        .collect();
    // A quiet beginning, for comparison.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let until = Instant::now() + lasts;
    while Instant::now() < until {
        faults.step().await;
        supervise(cluster, faults).await;
        tokio::time::sleep(faults.rest()).await;
    }
    faults.heal().await;
    revive_all(cluster, faults).await;
    let healed_ns = cluster.trace.now_ns();
    // Work goes on for a while after healing. Somebody who asked for a seal before may be heard only now.
    for _ in 0..12 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        supervise(cluster, faults).await;
        unseal_all(cluster).await;
    }
    desk.close();
    for client in clients {
        // A client that panicked is a fault of the simulator, and aborts the run.
        client.await.expect("clients do not panic");
    }
    healed_ns
}

/// Starts what has ended by itself, as a supervisor does, and empties what the operator must empty.
async fn supervise(cluster: &Cluster, faults: &mut Faults) {
    for id in cluster.members.take_spoiled() {
        // One that is down is found again when it is asked for again.
        if cluster.door(id).is_some() {
            cluster.empty(id);
            faults.revive(id).await;
        }
    }
    for id in cluster.ids() {
        let why = {
            let nodes = cluster.nodes.lock();
            let running = nodes.get(&id).and_then(|node| node.running.as_ref());
            let why = running.and_then(crate::node::Running::has_given_up);
            why.map(str::to_owned)
        };
        if let Some(why) = why {
            let ended = format!("node {id} has ended by itself: {why}");
            cluster.trace.story(&ended);
            if !faults.gave_up(id) {
                cluster.deaths.lock().push(ended);
            }
            cluster.kill(id);
            faults.revive(id).await;
        }
    }
}

async fn revive_all(cluster: &Cluster, faults: &mut Faults) {
    supervise(cluster, faults).await;
    for id in cluster.ids() {
        if cluster.door(id).is_none() {
            // What does not start now is found by the wait for convergence.
            let _ = cluster.start(id).await;
        }
        tokio::spawn(fault::open(cluster.clone(), id));
    }
}

/// Waits until all nodes are one cluster again, and asks each of them.
async fn recover(cluster: &Cluster, desk: &Desk, faults: &mut Faults) -> Result<(), String> {
    let until = Instant::now() + Duration::from_secs(40);
    let mut why = String::new();
    while Instant::now() < until {
        supervise(cluster, faults).await;
        for id in cluster.ids() {
            if cluster.door(id).is_none() {
                // A supervisor tries again and again; what does not start in time is told below.
                let _ = cluster.start(id).await;
            }
        }
        match apart(cluster, &faults.forgot()) {
            None => return desk.final_round().await,
            Some(text) => why = text,
        }
        unseal_all(cluster).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    Err(format!("40 s after healing: {why}"))
}

async fn unseal_all(cluster: &Cluster) {
    for id in cluster.fit() {
        if sealed(cluster, id) {
            cluster.unseal(id).await;
        }
    }
}

fn sealed(cluster: &Cluster, id: u64) -> bool {
    let nodes = cluster.nodes.lock();
    let running = nodes.get(&id).and_then(|node| node.running.as_ref());
    running.is_some_and(crate::node::Running::is_sealed)
}

/// Why the nodes are not yet one cluster again, if they are not.
fn apart(cluster: &Cluster, forgot: &[u64]) -> Option<String> {
    if let Some(why) = members::unsettled(cluster) {
        return Some(why);
    }
    let leader = cluster.leader();
    let nodes = cluster.nodes.lock();
    for node in nodes.values().filter(|node| !node.retired) {
        let Some(running) = &node.running else {
            return Some(format!("node {} does not run", node.id));
        };
        let glance = running.glance();
        if glance.role == Role::Quarantined {
            // It said itself that it forgot; the others must do without it.
            if forgot.contains(&node.id) {
                continue;
            }
            return Some(format!(
                "node {} is quarantined and has lost nothing",
                node.id
            ));
        }
        if running.is_sealed() {
            return Some(format!("node {} is sealed", node.id));
        }
        if glance.leader.is_none() || glance.leader != leader {
            return Some(format!(
                "node {} ({:?}) follows {:?}, and {leader:?} leads",
                node.id, glance.role, glance.leader
            ));
        }
    }
    None
}
