//! Within one life of a node, term, leader, committed and applied index only rise; and nothing is applied that nobody ever
//! knew to be committed.
//!
//! What a node shows as committed may lag behind what it applied, because the two are told by different threads: therefore the
//! second is held against what the whole cluster has ever shown.

use crate::judge::{Judge, held_by};
use crate::{History, NodeSample, NodeState, Verdict};
use std::collections::BTreeMap;

/// Judges samples.
#[must_use]
pub fn monotonic(history: &History) -> Verdict {
    let mut judge = Judge::new("monotonic");
    let mut before: BTreeMap<(u64, u64), Last> = BTreeMap::new();
    let known = history.samples.iter().map(|sample| sample.committed);
    let known = known.chain(history.logs.iter().map(|log| log.committed));
    let committed = known.max().unwrap_or(0);
    for sample in &history.samples {
        if sample.state == NodeState::Down {
            continue;
        }
        judge.checked(1);
        let last = before.entry((sample.node, sample.life)).or_default();
        for what in last.follow(sample) {
            let what = format!("node {}: {what}", sample.node);
            judge.blame(held_by(what, Some(sample.at_ns), &[sample.node]));
        }
        if sample.applied > committed {
            let what = format!(
                "node {} has applied up to index {}, and nobody ever knew more than {committed} to be committed",
                sample.node, sample.applied
            );
            judge.blame(held_by(what, Some(sample.at_ns), &[sample.node]));
        }
    }
    if judge.total() == 0 {
        judge.doubt("no node was looked at");
    }
    let held = format!("{} samples, nothing went back within a life", judge.total());
    judge.finish(held)
}

/// The highest that a life has shown.
#[derive(Default)]
struct Last {
    term: u64,
    leader: Option<(u64, u64)>,
    committed: u64,
    applied: u64,
}

impl Last {
    fn follow(&mut self, sample: &NodeSample) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut rises = |name: &str, was: &mut u64, is: u64| {
            if is < *was {
                wrong.push(format!("{name} went from {was} back to {is}"));
            }
            *was = is;
        };
        rises("the applied index", &mut self.applied, sample.applied);
        // A quarantined node takes no part, and tells neither term nor what is committed.
        if sample.state == NodeState::Quarantined {
            return wrong;
        }
        rises("the term", &mut self.term, sample.term);
        rises("the committed index", &mut self.committed, sample.committed);
        let leader = sample.leader.map(|leader| (sample.term, leader));
        if let (Some((term, was)), Some(is)) = (self.leader, leader)
            && is < (term, was)
            && term == sample.term
        {
            wrong.push(format!(
                "it followed node {was} and then node {} in term {term}",
                is.1
            ));
        }
        self.leader = leader.or(self.leader);
        wrong
    }
}
