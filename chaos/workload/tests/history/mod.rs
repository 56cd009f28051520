//! What a recorded history is looked at for.

use holdfast_check::{Action, Consistency, NodeSample, NodeState, Operation, Outcome};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) fn kind(action: &Action) -> &'static str {
    match action {
        Action::Put { cas: None, .. } => "put",
        Action::Put { cas: Some(_), .. } => "cas",
        Action::Get { .. } => "get",
        Action::Delete { .. } => "delete",
        Action::List { .. } => "list",
        Action::CreateToken { .. } => "create token",
        Action::UseToken { .. } => "use token",
        Action::RevokeToken { .. } => "revoke token",
        Action::Seal => "seal",
        Action::Unseal => "unseal",
    }
}

pub(crate) fn freshness(action: &Action) -> Option<&'static str> {
    let (Action::Get { consistency, .. }
    | Action::List { consistency }
    | Action::UseToken { consistency, .. }) = action
    else {
        return None;
    };
    Some(match consistency {
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
