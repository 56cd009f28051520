//! Waiting until all nodes are level again.

use crate::cluster::until;
use anyhow::bail;
use holdfast_check::{NodeSample, NodeState};
use holdfast_workload::Sampler;
use std::collections::BTreeSet;
use std::time::Duration;

/// Longest time for it.
const LEVEL: Duration = Duration::from_secs(20);
/// Longest time for a damaged node to come back, if it does.
const BACK: Duration = Duration::from_secs(3);

/// Waits until every node that is not lost is open, follows the same leader and has applied what was committed when the wait
/// began. Gives what was missing at the deadline, if anything.
pub(crate) async fn level(sampler: &Sampler, lost: &BTreeSet<u64>) -> Option<String> {
    let goal = sampler
        .latest()
        .iter()
        .map(|sample| sample.committed)
        .max()
        .unwrap_or(0);
    let waited = until("all nodes to be level", LEVEL, || async {
        match unlevel(&sampler.latest(), goal, lost) {
            None => Ok(()),
            Some(what) => bail!(what),
        }
    });
    waited.await.err().map(|error| format!("{error:#}"))
}

/// Those of the damaged nodes that do not take part again, after a moment to do so.
pub(crate) async fn lost(sampler: &Sampler, damaged: &BTreeSet<u64>) -> BTreeSet<u64> {
    let missing = || -> BTreeSet<u64> {
        let latest = sampler.latest();
        let serves = |sample: &NodeSample| {
            // Key holders open it in the last look.
            matches!(sample.state, NodeState::Leader | NodeState::Follower)
        };
        let back = |node: &u64| {
            latest
                .iter()
                .any(|sample| sample.node == *node && serves(sample))
        };
        damaged.iter().copied().filter(|node| !back(node)).collect()
    };
    let waited = until("damaged nodes", BACK, || async {
        if missing().is_empty() {
            Ok(())
        } else {
            bail!("not yet")
        }
    });
    // Being lost is what may happen to them.
    drop(waited.await);
    missing()
}

/// What is missing, if anything.
fn unlevel(latest: &[NodeSample], goal: u64, lost: &BTreeSet<u64>) -> Option<String> {
    let there: Vec<&NodeSample> = latest
        .iter()
        .filter(|sample| !lost.contains(&sample.node))
        .collect();
    let leader = there
        .iter()
        .find(|sample| sample.state == NodeState::Leader);
    let Some(leader) = leader else {
        return Some("nobody leads".to_owned());
    };
    there.iter().find_map(|sample| {
        let node = sample.node;
        let takes_part = matches!(sample.state, NodeState::Leader | NodeState::Follower);
        if !takes_part {
            Some(format!("node {node} takes no part"))
        } else if sample.sealed {
            Some(format!("node {node} is sealed"))
        } else if sample.leader != Some(leader.node) || sample.term != leader.term {
            Some(format!("node {node} does not follow node {}", leader.node))
        } else if sample.applied < goal {
            Some(format!(
                "node {node} has applied {} of {goal}",
                sample.applied
            ))
        } else {
            None
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(node: u64, state: NodeState, applied: u64) -> NodeSample {
        NodeSample {
            node,
            life: 1,
            at_ns: 0,
            state,
            sealed: false,
            term: 2,
            leader: Some(1),
            committed: applied,
            applied,
            digests: Vec::new(),
        }
    }

    #[test]
    fn level_means_everybody_and_everything() {
        let none = BTreeSet::new();
        let good = [
            sample(1, NodeState::Leader, 9),
            sample(2, NodeState::Follower, 9),
        ];
        assert_eq!(unlevel(&good, 9, &none), None);
        assert!(unlevel(&good, 10, &none).is_some(), "behind");
        let mut bad = good.clone();
        bad[1].sealed = true;
        assert!(unlevel(&bad, 9, &none).is_some(), "sealed");
        bad = good.clone();
        bad[1].state = NodeState::Quarantined;
        assert!(unlevel(&bad, 9, &none).is_some(), "out");
        assert_eq!(
            unlevel(&bad, 9, &BTreeSet::from([2])),
            None,
            "what is damaged is not waited for"
        );
        assert!(unlevel(&good[1..], 9, &none).is_some(), "nobody leads");
    }
}
