//! A disk that is put back to an older image.
//!
//! The promise is that peers notice who were told of more than the image holds, and every node tells them once a second. So the
//! image is put back when the node has worked for a while with more on its disk, and all its peers with it; it must then leave
//! within seconds, and is replaced, as it says itself.
//!
//! Half of the nodes are not heard at first, so that no answer to a ping can tell them, and another one leads no more: who asks for
//! their vote must tell them.

use super::Faults;
use super::kind::Kind;
use crate::cluster::Cluster;
use crate::node::Node;
use holdfast_machine::Role;
use holdfast_store::memory::Image;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::Instant;

/// So long all have worked together before: twice the time between two pings, and one answer.
const TOGETHER: Duration = Duration::from_millis(2500);
/// How long that may take.
const PATIENCE: Duration = Duration::from_secs(8);
/// How long the node may take to notice.
const NOTICING: Duration = Duration::from_secs(5);
/// How long it is not heard at first: less, and longer than an election takes.
const UNHEARD: Duration = Duration::from_secs(2);

/// One such fault, from the moment of the image on.
pub(super) struct PutBack {
    id: u64,
    image: Image,
    /// The last batch of the log that the image holds.
    batch: u64,
    stage: Stage,
    /// It is not heard until then, and this leader is away.
    unheard: Option<(Instant, Option<u64>)>,
}

enum Stage {
    /// The node works on, and writes what it will have lost.
    Working,
    /// Nothing else is broken: until then it waits for the peers. They all work since the other moment, as these processes.
    Telling(Instant, Option<(Instant, Processes)>),
    /// The image is back: until then the node must have noticed.
    Noticing(Instant),
}

/// How often each node was started.
type Processes = Vec<u64>;

/// What is to be done now.
#[derive(Clone, Copy)]
enum Next {
    Wait,
    /// The cluster has promised nothing here: nothing was written, or a peer is away.
    GiveUp,
    PutBack,
    /// It was not heard for long enough.
    Hear,
    /// The node has left.
    Replace,
    /// It did not.
    Complain,
}

impl Faults {
    /// Goes on with the disk that is to be put back. Nothing else begins meanwhile.
    pub(super) async fn put_back(&mut self) {
        let at_rest = self.members_at_rest();
        let [active] = &self.active[..] else {
            return;
        };
        let (at, Some(put_back)) = (active.at, self.put_back.as_mut()) else {
            self.active.clear();
            return;
        };
        let id = put_back.id;
        match put_back.next(&self.cluster, at_rest) {
            Next::Wait => return,
            Next::PutBack => {
                self.cluster
                    .trace
                    .story(&format!("the disk of node {id} is put back"));
                put_back.put_back(&self.cluster);
                self.older.push(id);
                self.start_older(id).await;
                return;
            }
            Next::Hear => return self.hear().await,
            Next::GiveUp => {}
            Next::Replace => self.bites(at, true),
            Next::Complain => {
                let what = format!("node {id} did not notice that its disk was put back");
                self.cluster.unnoticed.lock().push(what);
            }
        }
        for active in std::mem::take(&mut self.active) {
            self.end(active).await;
        }
        self.put_back = None;
        if self.older.contains(&id) {
            let (old, new) = (id, self.cluster.next_id());
            let dead = true;
            self.begin(Kind::Replace { old, new, dead }).await;
        }
    }

    /// Starts it, half of the time unheard and without the leader.
    async fn start_older(&mut self, id: u64) {
        let unheard = self.dice.percent(50);
        if unheard {
            let others = self.cluster.ids().into_iter().filter(|other| *other != id);
            self.cluster.weather.cut(others.map(|other| (id, other)));
        }
        self.revive(id).await;
        let Some(put_back) = self.put_back.as_mut().filter(|_| unheard) else {
            return;
        };
        let leader = self.cluster.leader().filter(|leader| *leader != id);
        if let Some(leader) = leader {
            self.cluster.kill(leader);
        }
        put_back.unheard = Some((Instant::now() + UNHEARD, leader));
    }

    /// The node is heard again, and who led before is back.
    pub(super) async fn hear(&mut self) {
        let unheard = self
            .put_back
            .as_mut()
            .and_then(|put_back| put_back.unheard.take());
        let Some((_, leader)) = unheard else {
            return;
        };
        self.clear_weather();
        if let Some(leader) = leader {
            self.revive(leader).await;
        }
    }
}

impl PutBack {
    /// Takes the image.
    pub(super) fn new(cluster: &Cluster, id: u64) -> Option<Self> {
        let nodes = cluster.nodes.lock();
        let disk = &nodes.get(&id)?.disk;
        Some(Self {
            id,
            image: disk.image(),
            batch: disk.durable_log_within(0..0).batch,
            stage: Stage::Working,
            unheard: None,
        })
    }

    /// Whether the image is back and nobody knows yet what comes of it.
    pub(super) const fn awaits_notice(&self) -> bool {
        matches!(self.stage, Stage::Noticing(_))
    }

    /// Looks at the cluster, once the fault's time has come and nothing else is broken.
    fn next(&mut self, cluster: &Cluster, at_rest: bool) -> Next {
        let now = Instant::now();
        let working = self.all_work(cluster).filter(|_| at_rest);
        match &mut self.stage {
            Stage::Working => {
                self.stage = Stage::Telling(now + PATIENCE, None);
                Next::Wait
            }
            Stage::Telling(until, since) => {
                if since.as_ref().map(|(_, then)| then) != working.as_ref() {
                    *since = working.map(|working| (now, working));
                }
                match since {
                    Some((since, _)) if now >= *since + TOGETHER => Next::PutBack,
                    _ if now < *until => Next::Wait,
                    _ => Next::GiveUp,
                }
            }
            Stage::Noticing(until) => match cluster.quarantined().contains(&self.id) {
                true => Next::Replace,
                false if self.unheard.is_some_and(|(until, _)| now >= until) => Next::Hear,
                false if now < *until => Next::Wait,
                false => Next::Complain,
            },
        }
    }

    /// Ends the machine, and puts the image back.
    fn put_back(&mut self, cluster: &Cluster) {
        if let Some(node) = cluster.nodes.lock().get_mut(&self.id) {
            node.cut_power(&cluster.setup.network);
            node.disk.restore(&self.image);
            node.lied.store(true, Ordering::Relaxed);
        }
        self.stage = Stage::Noticing(Instant::now() + NOTICING);
    }

    /// The processes, if every node works and this one's disk holds more than the image.
    fn all_work(&self, cluster: &Cluster) -> Option<Processes> {
        let nodes = cluster.nodes.lock();
        let process = |node: &Node| {
            let role = node.running.as_ref()?.glance().role;
            matches!(role, Role::Leader | Role::Follower).then_some(node.lives)
        };
        let written = nodes.get(&self.id)?.disk.durable_log_within(0..0).batch > self.batch;
        let here = nodes.values().filter(|node| !node.retired);
        written.then(|| here.map(process).collect())?
    }
}
