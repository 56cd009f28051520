//! What goes wrong, when, and for how long: drawn from the seed. Several faults overlap; all end by themselves.

mod kind;
mod put_back;
mod requests;

use crate::cluster::Cluster;
use crate::dice::Dice;
use crate::members::{self, Part};
use crate::node::Node;
use holdfast_check::Fault as Noted;
use holdfast_store::memory::Lies;
pub(crate) use kind::KINDS;
use kind::Kind;
use put_back::PutBack;
pub(crate) use requests::open;
use requests::{seal, step_down};
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::Instant;

struct Active {
    kind: Kind,
    until: Instant,
    /// Where it is noted.
    at: usize,
    /// Harm of its kind that was done before.
    before: u64,
}

/// Makes things go wrong.
pub(crate) struct Faults {
    cluster: Cluster,
    dice: Dice,
    active: Vec<Active>,
    put_back: Option<PutBack>,
    /// Nodes whose disk was put back.
    older: Vec<u64>,
    pub(crate) noted: Vec<Noted>,
}

/// Between two looks at a node that must notice something.
const LOOK: Duration = Duration::from_millis(100);

/// Kinds after which a node is without what it had promised to keep; what is put back to an older image is told apart.
const FORGETS: [&str; 2] = ["lying-disk", "wiped-disk"];

/// So long after a fault of its disk a node may end for it, nanoseconds.
const LINGERS_NS: u64 = 5_000_000_000;

impl Faults {
    pub(crate) fn new(cluster: Cluster) -> Self {
        let dice = Dice::new(cluster.setup.seed, "faults");
        Self {
            cluster,
            dice,
            active: Vec::new(),
            put_back: None,
            older: Vec::new(),
            noted: Vec::new(),
        }
    }

    /// Until the next look.
    pub(crate) fn rest(&self) -> Duration {
        Duration::from_millis(self.dice.number(100..1200))
    }

    /// Ends what is over and perhaps begins something.
    pub(crate) async fn step(&mut self) {
        self.hear_who_forgot();
        let now = Instant::now();
        let waits = |active: &Active| matches!(active.kind, Kind::OlderImage(_));
        let over: Vec<Active> = self
            .active
            .extract_if(.., |active| active.until <= now && !waits(active))
            .collect();
        for active in over {
            self.end(active).await;
        }
        let due = |active: &Active| waits(active) && active.until <= now;
        if self.active.iter().any(due) {
            self.put_back().await;
        } else if self.active.len() < 3 {
            let kind = self.draw();
            self.begin(kind).await;
        }
    }

    fn draw(&self) -> Kind {
        let ids = self.cluster.ids();
        let dice = &self.dice;
        // What hurts most hits the leader half of the time.
        let leader = self.cluster.leader().filter(|_| dice.percent(50));
        let one = leader.or_else(|| dice.pick(&ids)).unwrap_or(1);
        match dice.number(0..100) {
            0..22 => kill(&ids, one, dice),
            22..34 => Kind::Pause(one),
            34..60 => self.partition(&ids, one),
            60..66 => Kind::Delay(Duration::from_millis(dice.number(5..60))),
            66..73 => Kind::Loss(dice.number(1..30)),
            73..79 => Kind::SlowDisk(one, Duration::from_millis(dice.number(20..300))),
            79..82 => Kind::BrokenDisk(one),
            82..84 => Kind::FullDisk(one),
            // Time is what most clocks agree on: more wrong ones than right ones is more than is promised.
            84..89 if 2 * (self.wrong_clocks() + 1) < ids.len() && self.members_at_rest() => {
                let far = i64::try_from(dice.number(100..7_200_000)).unwrap_or(0);
                Kind::Clock(one, if dice.percent(50) { far } else { -far })
            }
            89..91 => Kind::Seal(one),
            // One node of a run may forget: a second one would be more than any cluster of three survives.
            91..95 if !self.has_forgotten() && self.members_at_rest() => self.forget(one),
            95..98 => self.members(one).unwrap_or(Kind::StepDown(one)),
            _ => Kind::StepDown(one),
        }
    }

    fn forget(&self, one: u64) -> Kind {
        match self.dice.number(0..3) {
            0 => Kind::Amnesia(one),
            // With its disk a node loses whom it has met since: nobody whom it still knows could tell it.
            2 if self.cluster.knows_somebody(one) => Kind::Wiped {
                id: one,
                all: self.dice.percent(50),
            },
            _ => Kind::OlderImage(one),
        }
    }

    /// A change of the members, if it leaves as many nodes that can be relied on as were promised: one change at a time, and
    /// of a cluster in which a node has forgotten everything, that one goes.
    fn members(&self, one: u64) -> Option<Kind> {
        let forgets = |active: &Active| {
            matches!(
                active.kind,
                Kind::Amnesia(_) | Kind::OlderImage(_) | Kind::Wiped { .. }
            )
        };
        let lying = self.active.iter().any(forgets);
        if lying || self.wrong_clocks() > 0 || !self.members_at_rest() {
            return None;
        }
        let ids = self.cluster.ids();
        let forgetful = self.forgot().into_iter().find(|id| ids.contains(id));
        if forgetful.is_none() && self.dice.percent(50) {
            return Some(Kind::Vote(one));
        }
        Some(Kind::Replace {
            old: forgetful.unwrap_or(one),
            new: self.cluster.next_id(),
            dead: self.dice.percent(50),
        })
    }

    /// Nobody comes or goes just now.
    fn members_at_rest(&self) -> bool {
        let changes =
            |noted: &Noted| ["vote-taken", "node-replaced"].contains(&noted.kind.as_str());
        let active = |active: &Active| matches!(active.kind, Kind::Vote(_) | Kind::Replace { .. });
        !self.noted.iter().any(changes)
            || !self.active.iter().any(active) && members::unsettled(&self.cluster).is_none()
    }

    fn partition(&self, ids: &[u64], one: u64) -> Kind {
        let others = || ids.iter().copied().filter(move |id| *id != one);
        let inward = others().map(|other| (other, one));
        let outward = others().map(|other| (one, other));
        match self.dice.number(0..6) {
            0 | 1 => Kind::Cut("isolated", inward.chain(outward).collect()),
            2 => Kind::Cut("hears nobody", inward.collect()),
            3 => Kind::Cut("is not heard", outward.collect()),
            4 => {
                // Two cannot reach each other; everybody else reaches both.
                let other = self.dice.pick(&others().collect::<Vec<_>>()).unwrap_or(one);
                Kind::Cut("bridge", vec![(one, other), (other, one)])
            }
            _ => {
                let mut ids = ids.to_vec();
                self.dice.shuffle(&mut ids);
                let (left, right) = ids.split_at(ids.len() / 2);
                let pairs = left
                    .iter()
                    .flat_map(|a| right.iter().map(move |b| (*a, *b)));
                let links = pairs.flat_map(|(a, b)| [(a, b), (b, a)]);
                Kind::Cut("halves", links.collect())
            }
        }
    }

    async fn begin(&mut self, kind: Kind) {
        let lasts = Duration::from_millis(self.dice.number(200..4000));
        self.note(&kind);
        let at = self.noted.len() - 1;
        match &kind {
            Kind::Kill(nodes) => {
                self.bites(at, nodes.iter().any(|id| self.cluster.door(*id).is_some()));
                nodes.iter().for_each(|id| self.cluster.kill(*id));
            }
            Kind::Pause(id) => {
                self.bites(at, self.cluster.door(*id).is_some());
                self.with_life(*id, |life| life.pause());
            }
            Kind::Cut(_, links) => self.cluster.weather.cut(links.iter().copied()),
            Kind::Delay(longest) => self.cluster.weather.slow(*longest),
            Kind::Loss(percent) => self.cluster.weather.lossy(*percent),
            Kind::SlowDisk(id, stall) => self.slow_disk(*id, Some(*stall)),
            Kind::BrokenDisk(id) => {
                if let Some(node) = self.cluster.nodes.lock().get(id) {
                    node.disk.fail_write(self.dice.number(0..8));
                }
            }
            Kind::FullDisk(id) => self.fill(*id, true),
            Kind::Amnesia(id) => self.lie(*id, true),
            Kind::OlderImage(id) => self.put_back = PutBack::new(&self.cluster, *id),
            Kind::Wiped { id, .. } => self.cluster.lose_disk(*id),
            Kind::Clock(id, offset_ms) => {
                if let Some(node) = self.cluster.nodes.lock().get(id) {
                    node.clock.set_offset_ms(*offset_ms);
                }
            }
            Kind::Seal(id) => seal(self.cluster.clone(), *id, at),
            Kind::StepDown(id) => step_down(self.cluster.clone(), *id, at),
            Kind::Vote(id) => self.cluster.members.want(*id, Part::Learner, at),
            Kind::Replace { old, new, dead } => self.replace(*old, *new, *dead, at).await,
        }
        let active = Active {
            before: self.harm(&kind),
            kind,
            until: Instant::now() + lasts,
            at,
        };
        self.active.push(active);
    }

    /// How much harm of a kind was done so far, where it can be counted.
    fn harm(&self, kind: &Kind) -> u64 {
        let of = |id: &u64, count: fn(&Node) -> u64| {
            let nodes = self.cluster.nodes.lock();
            nodes.get(id).map_or(0, count)
        };
        match kind {
            Kind::Cut(_, links) => self.cluster.weather.swallowed(links),
            Kind::Delay(_) => self.cluster.weather.late(),
            Kind::Loss(_) => self.cluster.weather.lost(),
            Kind::SlowDisk(id, _) => of(id, |node| node.stall.felt()),
            Kind::Clock(id, _) => of(id, |node| node.clock.misread()),
            _ => 0,
        }
    }

    fn bites(&self, at: usize, does: bool) {
        if does {
            self.cluster.bitten.lock().insert(at);
        }
    }

    /// A node has ended by itself: what was done to its disk has bitten. Whether anything was that explains it.
    pub(crate) fn gave_up(&self, id: u64) -> bool {
        let now_ns = self.cluster.trace.now_ns();
        let hurts = |noted: &Noted| {
            let lasts = noted
                .until_ns
                .is_none_or(|until| now_ns <= until + LINGERS_NS);
            let disk = ["io-error", "full-disk"].contains(&noted.kind.as_str());
            disk && lasts && noted.nodes == [id]
        };
        let found = self.noted.iter().rposition(hurts);
        if let Some(at) = found {
            self.bites(at, true);
        }
        // What a disk has lost is found when it is read, whenever that is. On an empty one there is nothing to find.
        let nodes = self.cluster.nodes.lock();
        let lies = |node: &Node| node.lied.load(Ordering::Relaxed) && !node.lost_disk;
        found.is_some() || nodes.get(&id).is_some_and(lies)
    }

    /// A node that has forgotten everything says so: that it has was felt.
    fn hear_who_forgot(&self) {
        let away = self.cluster.quarantined();
        for (at, noted) in self.noted.iter().enumerate() {
            let forgot = FORGETS.contains(&noted.kind.as_str());
            self.bites(at, forgot && noted.nodes.iter().all(|id| away.contains(id)));
        }
    }

    /// All that went wrong, once it is known which of it was felt.
    pub(crate) fn take_noted(&mut self) -> Vec<Noted> {
        self.hear_who_forgot();
        let bitten = self.cluster.bitten.lock();
        let mut all = std::mem::take(&mut self.noted);
        for (at, noted) in all.iter_mut().enumerate() {
            noted.verified = bitten.contains(&at);
        }
        all
    }

    fn note(&mut self, kind: &Kind) {
        let nodes = kind.nodes();
        let leader = self.cluster.leader();
        assert!(
            KINDS.contains(&kind.name()),
            "a kind of fault that no sweep counts"
        );
        self.cluster.trace.story(&format!("FAULT {kind:?}"));
        self.noted.push(Noted {
            kind: kind.name().to_owned(),
            detail: match kind {
                Kind::Cut(pattern, _) => (*pattern).to_owned(),
                other => format!("{other:?}"),
            },
            hit_leader: leader.is_some_and(|leader| nodes.contains(&leader)),
            nodes,
            from_ns: self.cluster.trace.now_ns(),
            until_ns: None,
            verified: false,
        });
    }

    async fn end(&mut self, active: Active) {
        self.cluster
            .trace
            .story(&format!("over: {:?}", active.kind));
        if let Some(noted) = self.noted.get_mut(active.at) {
            noted.until_ns = Some(self.cluster.trace.now_ns());
        }
        self.bites(active.at, self.harm(&active.kind) > active.before);
        match active.kind {
            Kind::Kill(nodes) => {
                for id in nodes {
                    self.revive(id).await;
                }
            }
            Kind::Pause(id) => self.with_life(id, |life| life.resume()),
            Kind::Cut(..) | Kind::Delay(_) | Kind::Loss(_) => self.clear_weather(),
            Kind::SlowDisk(id, _) => self.slow_disk(id, None),
            Kind::Clock(id, _) => {
                if let Some(node) = self.cluster.nodes.lock().get(&id) {
                    node.clock.set_offset_ms(0);
                }
            }
            Kind::Seal(_) => {
                let mut ids = self.cluster.ids();
                self.dice.shuffle(&mut ids);
                for id in ids {
                    tokio::spawn(open(self.cluster.clone(), id));
                }
            }
            Kind::FullDisk(id) => self.fill(id, false),
            Kind::Amnesia(id) => {
                if let Some(node) = self.cluster.nodes.lock().get_mut(&id) {
                    node.cut_power(&self.cluster.setup.network);
                }
                self.lie(id, false);
                self.revive(id).await;
            }
            Kind::OlderImage(_) => self.hear().await,
            Kind::Wiped { id, all } => self.come_back_wiped(id, all).await,
            Kind::Vote(id) => self.cluster.members.want(id, Part::Voter, active.at),
            Kind::Replace { old, .. } => self.cluster.members.may_retire(old),
            Kind::BrokenDisk(id) => {
                if let Some(node) = self.cluster.nodes.lock().get(&id) {
                    node.disk.fail_no_write();
                }
            }
            Kind::StepDown(_) => {}
        }
    }

    /// The node starts with its empty disk: beside those that work, or while they start and take up their logs.
    async fn come_back_wiped(&self, id: u64, all: bool) {
        let mut starting = vec![id];
        if all {
            starting = self.cluster.ids();
            starting.iter().for_each(|id| self.cluster.kill(*id));
            self.dice.shuffle(&mut starting);
        }
        for id in starting {
            self.revive(id).await;
        }
    }

    /// The new node is there before the old one is gone, or the other way round: as the operator comes to it.
    async fn replace(&self, old: u64, new: u64, dead: bool, at: usize) {
        if dead {
            self.cluster.retire(old);
        }
        self.cluster.enlist(new);
        self.cluster.members.want(old, Part::Gone, at);
        self.cluster.members.want(new, Part::Voter, at);
        self.revive(new).await;
    }

    /// Fair weather, but for the faults that still last.
    fn clear_weather(&self) {
        self.cluster.weather.clear();
        for active in &self.active {
            match &active.kind {
                Kind::Cut(_, links) => self.cluster.weather.cut(links.iter().copied()),
                Kind::Delay(longest) => self.cluster.weather.slow(*longest),
                Kind::Loss(percent) => self.cluster.weather.lossy(*percent),
                _ => {}
            }
        }
    }

    /// Starts a node again if it is down. It stays sealed in some cases until the end.
    pub(crate) async fn revive(&self, id: u64) {
        if self.cluster.start(id).await.is_ok() && self.dice.percent(75) {
            tokio::spawn(open(self.cluster.clone(), id));
        }
    }

    fn with_life(&self, id: u64, act: impl Fn(&crate::host::Life)) {
        if let Some(door) = self.cluster.door(id) {
            act(&door.life);
        }
    }

    fn slow_disk(&self, id: u64, stall: Option<Duration>) {
        if let Some(node) = self.cluster.nodes.lock().get(&id) {
            node.stall.set(stall.unwrap_or_default());
        }
    }

    /// Nodes whose disk was made to forget.
    pub(crate) fn forgot(&self) -> Vec<u64> {
        let forget = |noted: &&Noted| FORGETS.contains(&noted.kind.as_str());
        let forgetful = self.noted.iter().filter(forget);
        let forgetful = forgetful.flat_map(|noted| noted.nodes.clone());
        forgetful.chain(self.older.iter().copied()).collect()
    }

    fn wrong_clocks(&self) -> usize {
        let clocks = self.active.iter();
        clocks
            .filter(|active| matches!(active.kind, Kind::Clock(..)))
            .count()
    }

    fn has_forgotten(&self) -> bool {
        !self.forgot().is_empty() || self.put_back.is_some()
    }

    /// The log's syncs alone lie: what was promised is promised truly.
    fn lie(&self, id: u64, log: bool) {
        if let Some(node) = self.cluster.nodes.lock().get(&id) {
            let watermark = false;
            node.lie(Lies { log, watermark });
        }
    }

    fn fill(&self, id: u64, full: bool) {
        if let Some(node) = self.cluster.nodes.lock().get(&id) {
            node.disk.set_full(full);
        }
    }

    /// Ends every fault, now.
    pub(crate) async fn heal(&mut self) {
        while self.put_back.as_ref().is_some_and(PutBack::awaits_notice) {
            self.put_back().await;
            tokio::time::sleep(LOOK).await;
        }
        for active in std::mem::take(&mut self.active) {
            self.end(active).await;
        }
        self.put_back = None;
        self.clear_weather();
        for id in self.cluster.ids() {
            self.with_life(id, |life| life.resume());
            self.fill(id, false);
        }
    }
}

fn kill(ids: &[u64], one: u64, dice: &Dice) -> Kind {
    let mut others: Vec<u64> = ids.iter().copied().filter(|id| *id != one).collect();
    dice.shuffle(&mut others);
    let more = match dice.number(0..10) {
        0..6 => 0,
        6..8 => ids.len().saturating_sub(1) / 2 - 1,
        _ => ids.len() - 1,
    };
    others.truncate(more);
    others.push(one);
    Kind::Kill(others)
}
