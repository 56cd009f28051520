//! Whether a run exercised what it claims. One that did not proves nothing, however green the other checkers are.

use crate::judge::{Judge, count, held_by};
use crate::{Action, History, NodeState, Ruling, Verdict};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What a run claims to exercise. Each is a least number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Claims {
    /// Operations answered with what they asked for.
    pub operations: u64,
    /// Changes of the leader.
    pub leader_changes: u64,
    /// Acknowledged seals.
    pub seals: u64,
    /// Acknowledged revocations.
    pub revocations: u64,
    /// Linearizable reads answered by followers.
    pub follower_reads: u64,
    /// Times that each fault was installed and seen to bite.
    pub faults: BTreeMap<String, u64>,
}

/// Judges a run by its claims: inconclusive, with all that is missing, when it falls short.
#[must_use]
pub fn coverage(history: &History, claims: &Claims) -> Verdict {
    let answered = |wanted: fn(&Action) -> bool| {
        let all = history.operations.iter();
        count(all.filter(|op| op.is_ok() && wanted(&op.action)).count())
    };
    let leaders: BTreeSet<(u64, u64)> = history
        .samples
        .iter()
        .filter(|sample| sample.state == NodeState::Leader)
        .map(|sample| (sample.term, sample.node))
        .collect();
    let changes = count(leaders.len()).saturating_sub(1);
    let mut wants = vec![
        (
            "answered operations".to_owned(),
            answered(|_| true),
            claims.operations,
        ),
        (
            "changes of the leader".to_owned(),
            changes,
            claims.leader_changes,
        ),
        (
            "acknowledged seals".to_owned(),
            answered(|action| matches!(action, Action::Seal)),
            claims.seals,
        ),
        (
            "acknowledged revocations".to_owned(),
            answered(|action| matches!(action, Action::RevokeToken { .. })),
            claims.revocations,
        ),
    ];
    if claims.follower_reads > 0 {
        let reads = follower_reads(history);
        wants.push((
            "linearizable reads by followers".to_owned(),
            reads,
            claims.follower_reads,
        ));
    }
    for (kind, least) in &claims.faults {
        let bit = |fault: &&crate::Fault| fault.verified && fault.kind == *kind;
        let seen = count(history.faults.iter().filter(bit).count());
        wants.push((format!("times that {kind} was seen to bite"), seen, *least));
    }
    let mut judge = Judge::new("coverage");
    judge.checked(wants.len());
    for (what, seen, least) in &wants {
        if seen < least {
            let what = format!("{what}: {seen}, claimed are at least {least}");
            judge.blame(held_by(what, None, &[]));
        }
    }
    let (short, operations) = (judge.has_found(), answered(|_| true));
    let mut verdict = judge.finish(format!(
        "{operations} answered operations and {changes} changes of the leader, as claimed"
    ));
    if short {
        verdict.ruling = Ruling::Inconclusive;
    }
    verdict
}

/// Linearizable reads answered by a node whose last sample before shows that it does not lead.
fn follower_reads(history: &History) -> u64 {
    let mut samples: BTreeMap<(u64, u64), NodeState> = BTreeMap::new();
    for sample in &history.samples {
        samples.insert((sample.node, sample.at_ns), sample.state);
    }
    let by_follower = |op: &&crate::Operation| {
        let before = samples
            .range((op.node, 0)..=(op.node, op.invoked_ns))
            .next_back();
        op.is_ok()
            && op.consistency() == Some(crate::Consistency::Linearizable)
            && before.is_some_and(|(_, state)| *state == NodeState::Follower)
    };
    count(history.operations.iter().filter(by_follower).count())
}
