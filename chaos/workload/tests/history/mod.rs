//! What a recorded history is looked at for.

use holdfast_check::{
    Action, Consistency, History, NodeSample, NodeState, Operation, Outcome, Ruling, Verdict,
};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) fn kind(action: &Action) -> &'static str {
    match action {
        Action::Put { cas: None, .. } => "put",
        Action::Put { cas: Some(_), .. } => "cas",
        Action::Get { .. } => "get",
        Action::GetVersion { .. } => "get version",
        Action::Delete { .. } => "delete",
        Action::List { .. } => "list",
        Action::CreateToken { .. } => "create token",
        Action::UseToken { .. } => "use token",
        Action::RevokeToken { .. } => "revoke token",
        Action::Seal => "seal",
        Action::Unseal => "unseal",
    }
}

fn consistency(action: &Action) -> Option<Consistency> {
    match action {
        Action::Get { consistency, .. }
        | Action::List { consistency }
        | Action::UseToken { consistency, .. } => Some(*consistency),
        _ => None,
    }
}

pub(crate) fn freshness(action: &Action) -> Option<&'static str> {
    Some(match consistency(action)? {
        Consistency::Linearizable => "linearizable",
        Consistency::AtLeast { .. } => "at least",
        Consistency::Bounded { .. } => "bounded",
        Consistency::Stale => "stale",
    })
}

/// Counts by kind of action and outcome.
pub(crate) type Table = BTreeMap<(&'static str, &'static str), u64>;

/// How often each outcome came, by kind of action.
pub(crate) fn table(operations: &[Operation]) -> Table {
    let mut table = BTreeMap::new();
    for operation in operations {
        let outcome = match operation.outcome {
            Outcome::Ok(_) => "ok",
            Outcome::CasMismatch => "mismatch",
            Outcome::Denied => "denied",
            Outcome::Sealed => "sealed",
            Outcome::Unavailable => "unavailable",
            Outcome::Unknown => "unknown",
        };
        *table.entry((kind(&operation.action), outcome)).or_insert(0) += 1;
    }
    table
}

/// What any history must keep, whatever the cluster did.
pub(crate) fn is_well_formed(operations: &[Operation]) {
    assert!(operations.is_sorted_by_key(|one| (one.invoked_ns, one.id)));
    let mut last: BTreeMap<u64, &Operation> = BTreeMap::new();
    let mut values = BTreeSet::new();
    let mut uses: BTreeMap<u64, u32> = BTreeMap::new();
    for one in operations {
        if let Some(before) = last.insert(one.client, one) {
            assert_ne!(
                before.outcome,
                Outcome::Unknown,
                "a client goes on after an unknown outcome: {one:?}"
            );
            assert!(
                before.returned_ns.is_some_and(|at| at <= one.invoked_ns),
                "two at a time: {before:?} {one:?}"
            );
        }
        assert!(one.returned_ns.is_none_or(|at| at >= one.invoked_ns));
        match one.action {
            Action::Put { key, value, .. } => {
                assert!(values.insert(value), "a value was written twice: {one:?}");
                *uses.entry(key).or_default() += 1;
            }
            Action::Get { key, .. } | Action::Delete { key } => *uses.entry(key).or_default() += 1,
            _ => {}
        }
    }
    assert!(uses.values().all(|uses| *uses <= 1_000), "{uses:?}");
}

pub(crate) fn samples_make_sense(samples: &[NodeSample]) {
    assert!(samples.is_sorted_by_key(|sample| sample.at_ns));
    let leaders: BTreeMap<u64, BTreeSet<u64>> = samples
        .iter()
        .filter(|sample| sample.state == NodeState::Leader)
        .fold(BTreeMap::new(), |mut leaders, sample| {
            leaders
                .entry(sample.term)
                .or_insert_with(BTreeSet::new)
                .insert(sample.node);
            leaders
        });
    assert!(!leaders.is_empty());
    assert!(
        leaders.values().all(|nodes| nodes.len() == 1),
        "{leaders:?}"
    );
}

/// What contradicts a cluster that never lies, told simply and slowly: a second opinion beside the checkers.
pub(crate) fn contradictions(operations: &[Operation]) -> Vec<String> {
    let mut found = Vec::new();
    // Of each secret: when each version was acknowledged, and its value.
    let mut written: BTreeMap<u64, Vec<(u64, u64, u64)>> = BTreeMap::new();
    let mut revoked: BTreeMap<u64, u64> = BTreeMap::new();
    for one in operations {
        let (Outcome::Ok(seen), Some(at)) = (&one.outcome, one.returned_ns) else {
            continue;
        };
        match one.action {
            Action::Put { key, value, cas } => {
                let version = seen.version.unwrap_or(0);
                let made = written.entry(key).or_default();
                if made.iter().any(|(_, other, _)| *other == version) {
                    found.push(format!("two writes made version {version} of {key}"));
                }
                if cas.is_some_and(|cas| cas + 1 != version) {
                    found.push(format!(
                        "a conditional write made version {version}: {one:?}"
                    ));
                }
                made.push((at, version, value));
            }
            Action::RevokeToken { token } => {
                revoked.entry(token).or_insert(at);
            }
            _ => {}
        }
    }
    for one in operations {
        let (Outcome::Ok(seen), Some(Consistency::Linearizable)) =
            (&one.outcome, consistency(&one.action))
        else {
            continue;
        };
        match one.action {
            Action::Get { key, .. } => {
                let made = written.get(&key).map(Vec::as_slice).unwrap_or_default();
                let due = made
                    .iter()
                    .filter(|(at, _, _)| *at < one.invoked_ns)
                    .map(|(_, version, _)| *version);
                if seen.version < due.max() {
                    found.push(format!("stale: {one:?}"));
                }
                let same = made
                    .iter()
                    .find(|(_, version, _)| Some(*version) == seen.version);
                if let (Some((_, _, wrote)), Some(read)) = (same, seen.value)
                    && *wrote != read
                {
                    found.push(format!("another value at this version: {one:?}"));
                }
            }
            Action::UseToken { token, .. }
                if revoked.get(&token).is_some_and(|at| *at < one.invoked_ns) =>
            {
                found.push(format!("used after its end: {one:?}"));
            }
            _ => {}
        }
    }
    found
}

/// Checkers that need neither logs nor faults.
const JUDGES: [fn(&History) -> Verdict; 9] = [
    holdfast_check::linearizability,
    holdfast_check::wgl,
    holdfast_check::cas,
    holdfast_check::phantoms,
    holdfast_check::stale_reads,
    holdfast_check::revocation,
    holdfast_check::sealed,
    holdfast_check::election_safety,
    holdfast_check::monotonic,
];

/// No checker may find anything; those named must have had enough to judge.
pub(crate) fn are_judged_sound(
    operations: Vec<Operation>,
    samples: Vec<NodeSample>,
    must: &[&str],
) {
    let ended_ns = operations.last().map_or(0, |last| last.invoked_ns);
    let history = History {
        operations,
        samples,
        ended_ns,
        ..History::default()
    };
    let verdicts: Vec<Verdict> = JUDGES.iter().map(|judge| judge(&history)).collect();
    for verdict in &verdicts {
        assert_ne!(verdict.ruling, Ruling::Violation, "{verdict:#?}");
    }
    for name in must {
        let said = verdicts.iter().find(|verdict| verdict.checker == *name);
        assert!(
            said.is_some_and(|said| said.ruling == Ruling::Ok && said.checked > 0),
            "{name}: {said:#?}"
        );
    }
}
