//! A sealed node gives nothing.
//!
//! The answer to a seal says that it is committed and that the node that was asked has forgotten its keys. From then on
//! nothing is answered there, nor anywhere else what must be up to date: a write, a linearizable read, a bounded read once its
//! bound has passed. A node that is cut off cannot know of the seal yet, so that older answers of others prove nothing by
//! themselves; but no node answers while it says of itself that it is sealed. All until somebody begins to open the node.
//!
//! And no node is open that nobody opened: keys outlast neither a seal nor the process.

use crate::judge::{Judge, held_by, shown};
use crate::stale_reads::must_show_since;
use crate::{Action, Consistency, History, NodeSample, NodeState, Operation, Verdict};
use std::collections::BTreeMap;

/// Judges what was answered after seals and by sealed nodes.
#[must_use]
pub fn sealed(history: &History) -> Verdict {
    let mut judge = Judge::new("sealed");
    let mut nodes: BTreeMap<u64, Node<'_>> = BTreeMap::new();
    for op in &history.operations {
        let node = nodes.entry(op.node).or_default();
        match op.action {
            Action::Unseal if op.may_have_happened() => node.unseals.push(op),
            Action::Unseal => {}
            Action::Seal => {}
            _ if op.is_ok() => node.answered.push(op),
            _ => {}
        }
    }
    for sample in &history.samples {
        nodes.entry(sample.node).or_default().samples.push(sample);
    }
    let seal = |op: &&Operation| matches!(op.action, Action::Seal) && op.is_ok();
    let seals: Vec<&Operation> = history.operations.iter().filter(seal).collect();
    for node in nodes.values_mut() {
        node.unseals.sort_by_key(|op| (op.invoked_ns, op.id));
        node.samples.sort_by_key(|sample| sample.at_ns);
        node.answered.sort_by_key(|op| (op.invoked_ns, op.id));
        for seal in &seals {
            judge.checked(1);
            node.check_seal(seal, &mut judge);
        }
        node.check_samples(&mut judge);
        node.check_openings(&mut judge);
    }
    let held = format!(
        "{} times that a node was sealed, said so or was opened: it gave nothing until somebody opened it",
        judge.total()
    );
    judge.finish(held)
}

#[derive(Default)]
struct Node<'a> {
    unseals: Vec<&'a Operation>,
    answered: Vec<&'a Operation>,
    samples: Vec<&'a NodeSample>,
}

impl<'a> Node<'a> {
    /// The moment from which an opening may be under way that had not ended at a time: at once, when one is outstanding.
    fn opened_from(&self, since_ns: u64) -> u64 {
        let open = self.unseals.iter().find(|op| self.over_ns(op) >= since_ns);
        open.map_or(u64::MAX, |op| op.invoked_ns.max(since_ns))
    }

    /// When an opening can open no more: when it was answered, or when the process that was asked had been followed by another.
    /// A process may have begun since the last look, so that the first look after the question tells who was asked at the latest;
    /// one at the very moment of the question may have been before it.
    fn over_ns(&self, opening: &Operation) -> u64 {
        let asked = self
            .samples
            .partition_point(|sample| sample.at_ns <= opening.invoked_ns);
        let after = &self.samples[asked..];
        let followed = after.first().and_then(|asked| {
            let mut later = after.iter();
            later.find(|sample| sample.life > asked.life)
        });
        opening
            .end_ns()
            .min(followed.map_or(u64::MAX, |sample| sample.at_ns))
    }

    fn check_seal(&self, seal: &'a Operation, judge: &mut Judge) {
        let sealed_ns = seal.end_ns();
        // An opening that overlapped with the seal may have come after it.
        let until_ns = self.opened_from(seal.invoked_ns);
        let from = self
            .answered
            .partition_point(|op| op.invoked_ns <= sealed_ns);
        for op in &self.answered[from..] {
            if op.invoked_ns >= until_ns {
                break;
            }
            // One that ended after the opening began may have been answered after it.
            if op.end_ns() >= until_ns {
                continue;
            }
            if op.node == seal.node || must_know(op, sealed_ns) {
                let what = format!(
                    "node {} answered operation {} after the cluster had been sealed by operation {}",
                    op.node, op.id, seal.id
                );
                judge.blame(shown(what, &[seal, op]));
            }
        }
    }

    /// No answer lies within a time during which a node said again and again that it is sealed.
    fn check_samples(&self, judge: &mut Judge) {
        let samples: Vec<&NodeSample> = self
            .samples
            .iter()
            .filter(|sample| sample.state != NodeState::Down)
            .copied()
            .collect();
        let same = |a: &&NodeSample, b: &&NodeSample| a.sealed == b.sealed && a.life == b.life;
        for run in samples.chunk_by(same).filter(|run| run[0].sealed) {
            judge.checked(run.len());
            // A sample's time is when the look began: what it shows was so at the latest when the next one began.
            let (Some(first), Some(second), Some(last)) = (run.first(), run.get(1), run.last())
            else {
                continue;
            };
            let until_ns = self.opened_from(first.at_ns).min(last.at_ns);
            let from = self
                .answered
                .partition_point(|op| op.invoked_ns < second.at_ns);
            let within = |op: &&&Operation| op.end_ns() <= until_ns;
            let upto = self.answered.partition_point(|op| op.invoked_ns < until_ns);
            for op in self
                .answered
                .get(from..upto)
                .unwrap_or_default()
                .iter()
                .filter(within)
            {
                let what = format!(
                    "node {} answered operation {} while it said that it is sealed",
                    op.node, op.id
                );
                judge.blame(shown(what, &[op]));
            }
        }
    }
}

impl Node<'_> {
    /// A node that was sealed, or is another process than before, is open only once somebody had begun to open it.
    fn check_openings(&self, judge: &mut Judge) {
        // A quarantined node may not say whether it is sealed.
        let tells = |sample: &&&NodeSample| {
            !matches!(sample.state, NodeState::Down | NodeState::Quarantined)
        };
        let samples: Vec<&NodeSample> = self.samples.iter().filter(tells).copied().collect();
        for (at, pair) in samples.windows(2).enumerate() {
            let (before, open) = (pair[0], pair[1]);
            if open.sealed || (!before.sealed && before.life == open.life) {
                continue;
            }
            judge.checked(1);
            // What a sample shows was so at the latest when the next one began.
            let until_ns = samples.get(at + 2).map_or(u64::MAX, |next| next.at_ns);
            let opening =
                |op: &&Operation| op.invoked_ns <= until_ns && self.over_ns(op) >= before.at_ns;
            if !self.unseals.iter().any(opening) {
                let what = format!(
                    "node {} is open and nobody opened it since it {}",
                    open.node,
                    if before.life == open.life {
                        "was sealed"
                    } else {
                        "began anew"
                    }
                );
                judge.blame(held_by(what, Some(open.at_ns), &[open.node]));
            }
        }
    }
}

/// Whether any node that answers this must know of a seal that was acknowledged at a time.
fn must_know(op: &Operation, sealed_ns: u64) -> bool {
    match op.consistency() {
        Some(asked @ Consistency::Bounded { .. }) => {
            must_show_since(op, asked).is_some_and(|since_ns| sealed_ns < since_ns)
        }
        _ => op.is_linearizable(),
    }
}
