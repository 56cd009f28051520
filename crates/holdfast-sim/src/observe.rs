//! What is looked at after each event: the invariants that hold at every moment, whatever fails.

use crate::cluster::Cluster;
use crate::ledger::{Ledger, Look, Who};
use crate::node::{Node, Running};
use crate::quorum;
use crate::trace::Trace;
use holdfast_check::{NodeSample, NodeState};
use holdfast_consensus::{Glance, read_vote};
use holdfast_machine::Role;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

/// Between two samples kept for the checkers, nanoseconds.
const SAMPLE_NS: u64 = 50_000_000;

/// An invariant that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The checker's name.
    pub checker: &'static str,
    /// What was seen.
    pub what: String,
    /// The event after which it was seen.
    pub step: u64,
}

/// Looks.
#[derive(Default)]
pub(crate) struct Observer {
    pub(crate) broken: Vec<Broken>,
    pub(crate) samples: Vec<NodeSample>,
    pub(crate) leaders: u64,
    sampled_at: Option<u64>,
    pub(crate) ledger: Ledger,
    /// Digest of the state at each index that a node stood at.
    digests: BTreeMap<u64, [u8; 32]>,
    seen: BTreeMap<u64, Seen>,
}

/// What a node showed last.
#[derive(Clone, Copy)]
struct Seen {
    life: u64,
    glance: Glance,
    /// Up to where its committed entries were compared.
    compared: u64,
    /// Digest of its state, and the index at which it stands.
    digest: Option<(u64, [u8; 32])>,
}

/// What a look at a node brought to light.
#[derive(Default)]
struct News {
    /// It has just become leader.
    leads: bool,
    /// Entries that nobody knew to be committed, by index and hash.
    committed: Vec<(u64, [u8; 32])>,
}

impl Observer {
    /// Looks at every node.
    pub(crate) fn look(&mut self, cluster: &Cluster) {
        let now_ns = cluster.trace.now_ns();
        let nodes = cluster.nodes.lock();
        let look = |who: Who, index| {
            let node = nodes.get(&who.node).filter(|node| node.lives == who.life);
            Look::at(node.and_then(|node| node.running.as_ref()), index)
        };
        for what in self.ledger.settle(now_ns, look) {
            self.complain(&cluster.trace, "committed-immutable", what);
        }
        for node in nodes.values() {
            if let Some(running) = &node.running {
                let who = Who {
                    node: node.id,
                    life: node.lives,
                };
                if let Some(what) = takes_part_anew(node, running) {
                    self.complain(&cluster.trace, "quarantine", what);
                }
                let news = self.look_at(&cluster.trace, who, running);
                if let Some(what) = news.leads.then(|| unsaved_vote(node, running)).flatten() {
                    self.complain(&cluster.trace, "election-safety", what);
                }
                if let Some(what) = quorum::missed(&nodes, cluster.size, &news.committed) {
                    self.complain(&cluster.trace, "commit-quorum", what);
                }
            }
        }
        if self.sampled_at.is_none_or(|at| now_ns >= at + SAMPLE_NS) {
            self.sampled_at = Some(now_ns);
            for node in nodes.values().filter(|node| !node.retired) {
                let digests = self.digest_of(node.id);
                self.samples.push(take_sample(node, now_ns, digests));
            }
        }
    }

    /// Of each checker the first word counts. The run goes on: what users would have seen of it is worth knowing too.
    fn complain(&mut self, trace: &Trace, checker: &'static str, what: String) {
        if self.broken.iter().all(|broken| broken.checker != checker) {
            trace.story(&format!("BROKEN {checker}: {what}"));
            let step = trace.steps();
            self.broken.push(Broken {
                checker,
                what,
                step,
            });
        }
    }

    fn look_at(&mut self, trace: &Trace, who: Who, running: &Running) -> News {
        let id = who.node;
        let glance = running.glance();
        let before = self.seen.get(&id).copied();
        let before = before.filter(|seen| seen.life == who.life);
        if before.is_some_and(|before| before.glance == glance) {
            return News::default();
        }
        for what in before
            .into_iter()
            .flat_map(|before| went_back(&before.glance, &glance))
        {
            self.complain(trace, "monotonic", format!("node {id}: {what}"));
        }
        let mut news = News::default();
        let mut compared = before.map_or(0, |before| before.compared);
        if takes_part(&glance) && glance.committed > compared {
            let (from, to) = (compared + 1, glance.committed + 1);
            news.committed = self.ledger.compare(who, running, from, to, trace.now_ns());
            compared = glance.committed;
        }
        news.leads = became_leader(before.map(|before| before.glance).as_ref(), &glance);
        if news.leads {
            self.leaders += 1;
            trace.story(&format!("node {id} leads in term {}", glance.term));
            if let Some(what) = self.ledger.missing(id, running) {
                self.complain(trace, "leader-completeness", what);
            }
        }
        let digest = running.consensus().digest();
        if let Some((index, digest)) = digest
            && *self.digests.entry(index).or_insert(digest) != digest
        {
            let what = format!("node {id} has another state at index {index}");
            self.complain(trace, "digests", what);
        }
        let seen = Seen {
            life: who.life,
            glance,
            compared,
            digest,
        };
        self.seen.insert(id, seen);
        news
    }

    /// What it said of its own state when it was last looked at.
    fn digest_of(&self, id: u64) -> Vec<(u64, String)> {
        let digest = self.seen.get(&id).and_then(|seen| seen.digest);
        let told = digest.map(|(index, digest)| (index, hex(&digest)));
        told.into_iter().collect()
    }
}

/// Who leads has voted for itself, and a vote counts from the disk on: else it could vote again after a crash.
fn unsaved_vote(node: &Node, running: &Running) -> Option<String> {
    if node.lied.load(Ordering::Relaxed) {
        return None;
    }
    let term = running.glance().term;
    let stored = node.disk.durable_log().vote;
    let saved = stored.and_then(|vote| read_vote(&vote).ok());
    let saved = saved.is_some_and(|(saved, ..)| saved >= term);
    (!saved).then(|| {
        format!(
            "node {} leads in term {term} by a vote that is not on its disk",
            node.id
        )
    })
}

/// Who has voted, lost its disk and votes anew may vote twice.
fn takes_part_anew(node: &Node, running: &Running) -> Option<String> {
    let takes_part = node.lost_disk && running.consensus().members().is_some();
    let what = || {
        format!(
            "node {} takes part under its number with an empty disk",
            node.id
        )
    };
    takes_part.then(what)
}

/// A node that left the cluster's work no longer tells its term.
const fn takes_part(glance: &Glance) -> bool {
    !matches!(glance.role, Role::Quarantined | Role::Stopped)
}

fn became_leader(before: Option<&Glance>, now: &Glance) -> bool {
    now.role == Role::Leader
        && before.is_none_or(|before| before.role != Role::Leader || before.term != now.term)
}

/// What must never go back within one life, and did.
fn went_back(before: &Glance, now: &Glance) -> Vec<String> {
    let both = takes_part(before) && takes_part(now);
    [
        ("the term", before.term, now.term, both),
        ("the committed index", before.committed, now.committed, both),
        ("the applied index", before.applied, now.applied, true),
    ]
    .into_iter()
    .filter(|(_, was, is, told)| *told && is < was)
    .map(|(what, was, is, _)| format!("{what} went from {was} to {is}"))
    .collect()
}

fn take_sample(node: &Node, at_ns: u64, digests: Vec<(u64, String)>) -> NodeSample {
    let mut sample = NodeSample {
        node: node.id,
        life: node.lives,
        at_ns,
        state: NodeState::Down,
        sealed: true,
        term: 0,
        leader: None,
        committed: 0,
        applied: 0,
        digests,
    };
    // A node that stands still answers nobody who asks.
    let awake = node
        .running
        .as_ref()
        .filter(|running| !running.life.is_held());
    if let Some(running) = awake {
        let glance = running.glance();
        sample.state = match glance.role {
            Role::Leader => NodeState::Leader,
            Role::Follower => NodeState::Follower,
            Role::Candidate => NodeState::Candidate,
            Role::Learner => NodeState::Learner,
            Role::Quarantined => NodeState::Quarantined,
            Role::Stopped => NodeState::Down,
        };
        sample.sealed = running.is_sealed();
        sample.term = glance.term;
        sample.leader = glance.leader;
        sample.committed = glance.committed;
        sample.applied = glance.applied;
    }
    sample
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glance(role: Role, term: u64, committed: u64, applied: u64) -> Glance {
        Glance {
            role,
            term,
            leader: None,
            committed,
            applied,
        }
    }

    #[test]
    fn nothing_goes_back_within_a_life() {
        let before = glance(Role::Follower, 3, 20, 18);
        assert!(went_back(&before, &before).is_empty());
        for (now, what) in [
            (glance(Role::Follower, 2, 20, 18), "the term"),
            (glance(Role::Leader, 3, 19, 18), "the committed index"),
            (glance(Role::Follower, 3, 20, 17), "the applied index"),
        ] {
            let told = went_back(&before, &now);
            assert!(told.len() == 1 && told[0].starts_with(what), "{told:?}");
        }
        let left = glance(Role::Quarantined, 0, 0, 18);
        assert!(went_back(&before, &left).is_empty(), "it tells no term");
        let emptied = glance(Role::Quarantined, 0, 0, 0);
        assert_eq!(went_back(&before, &emptied).len(), 1);
    }

    #[test]
    fn each_leadership_is_seen_once() {
        let (follows, leads) = (
            glance(Role::Follower, 3, 0, 0),
            glance(Role::Leader, 3, 0, 0),
        );
        assert!(became_leader(None, &leads) && became_leader(Some(&follows), &leads));
        assert!(!became_leader(Some(&leads), &leads) && !became_leader(Some(&leads), &follows));
        assert!(became_leader(Some(&leads), &glance(Role::Leader, 4, 0, 0)));
    }
}
