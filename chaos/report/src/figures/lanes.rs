//! What each node was, through time: samples merged into stretches, and the changes of leader that they show.

use std::collections::BTreeMap;

use holdfast_check::{NodeSample, NodeState};
use serde::Serialize;

/// A stretch in which nothing about a node changed that can be seen in its lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Stretch {
    /// The node's first sample of it; when it fell silent, when it should have been heard next.
    pub from_ns: u64,
    /// Where the next one begins, or the end of the run.
    pub until_ns: u64,
    /// What the node did.
    pub state: NodeState,
    /// Whether it could open no record.
    pub sealed: bool,
    /// Its term.
    pub term: u64,
}

/// One node through the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lane {
    /// Which.
    pub node: u64,
    /// Its stretches, in order of time, without a hole from its first sample on.
    pub stretches: Vec<Stretch>,
}

/// Somebody else leads, or the same one in a later term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct LeaderChange {
    /// The first sample that shows it.
    pub at_ns: u64,
    /// Who leads from here on.
    pub leader: u64,
    /// In which term.
    pub term: u64,
}

/// The lanes of all nodes that were sampled or are named, the named ones first and in their order.
#[must_use]
pub fn lanes(samples: &[NodeSample], named: &[u64], end_ns: u64) -> Vec<Lane> {
    let mut by_node: BTreeMap<u64, Vec<&NodeSample>> = BTreeMap::new();
    for sample in samples {
        by_node.entry(sample.node).or_default().push(sample);
    }
    let mut order = named.to_vec();
    order.extend(by_node.keys().filter(|node| !named.contains(node)));
    order
        .into_iter()
        .map(|node| {
            let mut samples = by_node.remove(&node).unwrap_or_default();
            samples.sort_by_key(|sample| sample.at_ns);
            Lane {
                node,
                stretches: stretches(&samples, end_ns),
            }
        })
        .collect()
}

fn stretches(samples: &[&NodeSample], end_ns: u64) -> Vec<Stretch> {
    let mut stretches: Vec<Stretch> = Vec::new();
    let mut heard = Heard::default();
    for sample in samples {
        let mut from_ns = sample.at_ns;
        if sample.state == NodeState::Down {
            from_ns = from_ns.min(heard.due_ns());
        } else {
            heard.note(sample.at_ns);
        }
        if let Some(last) = stretches.last_mut() {
            last.until_ns = sample.at_ns;
            // A node that is down has no term of its own; what stands in its sample is what was known before.
            let down = last.state == NodeState::Down && sample.state == NodeState::Down;
            let same = last.state == sample.state && last.sealed == sample.sealed;
            if down || (same && last.term == sample.term) {
                continue;
            }
            from_ns = from_ns.max(last.from_ns);
            last.until_ns = from_ns;
        }
        stretches.push(Stretch {
            from_ns,
            until_ns: end_ns.max(sample.at_ns),
            state: sample.state,
            sealed: sample.sealed,
            term: sample.term,
        });
    }
    if let Some(last) = stretches.last_mut() {
        last.until_ns = end_ns.max(last.until_ns);
    }
    stretches
}

/// When a node was last heard, and how long after the time before. One that falls silent counts as down from when it should
/// have been heard again: to find out that there is no answer takes longer.
#[derive(Default)]
struct Heard {
    last_ns: Option<u64>,
    pace_ns: Option<u64>,
}

impl Heard {
    fn note(&mut self, at_ns: u64) {
        self.pace_ns = self.last_ns.map(|last| at_ns.saturating_sub(last));
        self.last_ns = Some(at_ns);
    }

    fn due_ns(&self) -> u64 {
        let due = |last: u64| Some(last.saturating_add(self.pace_ns?));
        self.last_ns.and_then(due).unwrap_or(u64::MAX)
    }
}

/// Each time somebody was seen to lead in a later term than anybody before. The first leader of a run changes nothing.
#[must_use]
pub fn leader_changes(samples: &[NodeSample]) -> Vec<LeaderChange> {
    let mut leading: Vec<_> = samples
        .iter()
        .filter(|s| s.state == NodeState::Leader)
        .collect();
    leading.sort_by_key(|sample| sample.at_ns);
    let mut term = None;
    let mut changes = Vec::new();
    for sample in leading {
        if term.is_some_and(|term| sample.term > term) {
            changes.push(LeaderChange {
                at_ns: sample.at_ns,
                leader: sample.node,
                term: sample.term,
            });
        }
        term = term.max(Some(sample.term));
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::fixtures::sample;

    #[test]
    fn equal_neighbours_are_one_stretch_and_the_last_reaches_the_end() {
        let samples = [
            sample(2, 0, NodeState::Follower, 1),
            sample(1, 0, NodeState::Leader, 1),
            sample(1, 10, NodeState::Leader, 1),
            sample(1, 20, NodeState::Down, 1),
            sample(1, 30, NodeState::Down, 0),
            sample(1, 40, NodeState::Follower, 2),
        ];
        let lanes = lanes(&samples, &[1, 3], 100);
        let seen: Vec<_> = lanes
            .iter()
            .map(|lane| (lane.node, lane.stretches.len()))
            .collect();
        assert_eq!(seen, [(1, 3), (3, 0), (2, 1)]);
        let times: Vec<_> = lanes[0]
            .stretches
            .iter()
            .map(|s| (s.from_ns, s.until_ns))
            .collect();
        assert_eq!(times, [(0, 20), (20, 40), (40, 100)]);
        assert_eq!(lanes[2].stretches[0].until_ns, 100);
    }

    #[test]
    fn sealing_and_terms_end_a_stretch() {
        let mut sealed = sample(1, 10, NodeState::Follower, 1);
        sealed.sealed = true;
        let samples = [
            sample(1, 0, NodeState::Follower, 1),
            sealed,
            sample(1, 20, NodeState::Follower, 1),
            sample(1, 30, NodeState::Follower, 2),
        ];
        assert_eq!(lanes(&samples, &[], 40)[0].stretches.len(), 4);
    }

    #[test]
    fn silence_counts_from_when_the_node_should_have_been_heard() {
        let samples = [
            sample(1, 0, NodeState::Leader, 1),
            sample(1, 10, NodeState::Leader, 1),
            sample(1, 90, NodeState::Down, 1),
            sample(1, 100, NodeState::Follower, 2),
        ];
        let lane = &lanes(&samples, &[], 110)[0];
        let times: Vec<_> = lane
            .stretches
            .iter()
            .map(|s| (s.from_ns, s.until_ns))
            .collect();
        assert_eq!(times, [(0, 20), (20, 100), (100, 110)]);
        let unpaced = [
            sample(1, 10, NodeState::Leader, 1),
            sample(1, 90, NodeState::Down, 1),
        ];
        assert_eq!(lanes(&unpaced, &[], 95)[0].stretches[0].until_ns, 90);
    }

    #[test]
    fn a_leader_of_an_older_term_changes_nothing() {
        let samples = [
            sample(1, 0, NodeState::Leader, 1),
            sample(1, 10, NodeState::Leader, 1),
            sample(2, 20, NodeState::Leader, 3),
            sample(1, 25, NodeState::Leader, 1),
            sample(2, 30, NodeState::Leader, 3),
            sample(2, 40, NodeState::Leader, 4),
        ];
        let changes: Vec<_> = leader_changes(&samples)
            .iter()
            .map(|c| (c.at_ns, c.leader, c.term))
            .collect();
        assert_eq!(changes, [(20, 2, 3), (40, 2, 4)]);
    }
}
