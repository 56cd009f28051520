//! What clients got: answers counted by what was asked, and how long they took.

use std::collections::BTreeMap;

use holdfast_check::{Action, Consistency, Operation, Outcome};
use serde::Serialize;

use super::quantile::Quantiles;

/// Everything that was asked of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ActionCount {
    /// What was asked.
    pub action: &'static str,
    /// How fresh the answer had to be, where that can be chosen.
    pub consistency: Option<&'static str>,
    /// Done, and said so.
    pub acknowledged: u64,
    /// Refused: the version did not match.
    pub mismatched: u64,
    /// Refused: the token is not valid.
    pub denied: u64,
    /// Refused: the node is sealed.
    pub sealed: u64,
    /// Refused: no leader, no quorum, overload, not reached.
    pub unavailable: u64,
    /// May or may not have happened.
    pub unknown: u64,
    /// Nanoseconds from question to acknowledgement.
    pub latency: Quantiles,
}

impl ActionCount {
    /// How many were asked.
    #[must_use]
    pub const fn asked(&self) -> u64 {
        self.acknowledged
            + self.mismatched
            + self.denied
            + self.sealed
            + self.unavailable
            + self.unknown
    }
}

/// What an answer says of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    /// It did what was asked.
    Done,
    /// It was right to refuse.
    Refused,
    /// It did not serve, or nobody knows.
    Failed,
}

pub(crate) const fn service(outcome: &Outcome) -> Service {
    match outcome {
        Outcome::Ok(_) => Service::Done,
        Outcome::CasMismatch | Outcome::Denied => Service::Refused,
        Outcome::Sealed | Outcome::Unavailable | Outcome::Unknown => Service::Failed,
    }
}

/// Whether it changes what is stored for clients.
pub(crate) const fn is_write(action: &Action) -> bool {
    matches!(
        action,
        Action::Put { .. }
            | Action::Delete { .. }
            | Action::CreateToken { .. }
            | Action::RevokeToken { .. }
    )
}

/// How fresh it must be, where that can be chosen.
pub(crate) const fn consistency(action: &Action) -> Option<Consistency> {
    match action {
        Action::Get { consistency, .. }
        | Action::GetVersion { consistency, .. }
        | Action::List { consistency }
        | Action::UseToken { consistency, .. } => Some(*consistency),
        _ => None,
    }
}

pub(crate) const fn consistency_name(consistency: Consistency) -> &'static str {
    match consistency {
        Consistency::Linearizable => "linearizable",
        Consistency::AtLeast { .. } => "at least",
        Consistency::Bounded { .. } => "bounded",
        Consistency::Stale => "stale",
    }
}

pub(crate) const fn action_name(action: &Action) -> &'static str {
    match action {
        Action::Put { cas: None, .. } => "put",
        Action::Put { cas: Some(_), .. } => "put if version",
        Action::Get { .. } | Action::GetVersion { .. } => "get",
        Action::Delete { .. } => "delete",
        Action::List { .. } => "list",
        Action::CreateToken { .. } => "create token",
        Action::UseToken { .. } => "use token",
        Action::RevokeToken { .. } => "revoke token",
        Action::Seal => "seal",
        Action::Unseal => "unseal",
    }
}

/// Counts by what was asked, sorted by name.
#[must_use]
pub fn action_counts(operations: &[Operation]) -> Vec<ActionCount> {
    let mut rows: BTreeMap<_, (ActionCount, Vec<u64>)> = BTreeMap::new();
    for operation in operations {
        let action = action_name(&operation.action);
        let consistency = consistency(&operation.action).map(consistency_name);
        let (row, latencies) = rows.entry((action, consistency)).or_default();
        (row.action, row.consistency) = (action, consistency);
        match operation.outcome {
            Outcome::Ok(_) => {
                row.acknowledged += 1;
                latencies.extend(latency_ns(operation));
            }
            Outcome::CasMismatch => row.mismatched += 1,
            Outcome::Denied => row.denied += 1,
            Outcome::Sealed => row.sealed += 1,
            Outcome::Unavailable => row.unavailable += 1,
            Outcome::Unknown => row.unknown += 1,
        }
    }
    rows.into_values()
        .map(|(row, latencies)| ActionCount {
            latency: Quantiles::of(latencies),
            ..row
        })
        .collect()
}

/// From question to answer.
pub(crate) fn latency_ns(operation: &Operation) -> Option<u64> {
    Some(operation.returned_ns?.saturating_sub(operation.invoked_ns))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::fixtures::{get, put, refused};

    #[test]
    fn answers_are_counted_by_what_was_asked_and_how_fresh() {
        let operations = [
            put(10, 30, 1),
            refused(put(40, 50, 2), Outcome::Unknown),
            refused(put(60, 61, 3), Outcome::Unavailable),
            refused(put(62, 63, 3), Outcome::Sealed),
            refused(put(64, 65, 3), Outcome::Denied),
            get(70, 75, Consistency::Stale, 1),
            get(70, 79, Consistency::Linearizable, 1),
        ];
        let counts = action_counts(&operations);
        let names: Vec<_> = counts.iter().map(|c| (c.action, c.consistency)).collect();
        assert_eq!(
            names,
            [
                ("get", Some("linearizable")),
                ("get", Some("stale")),
                ("put", None)
            ]
        );
        let put = &counts[2];
        assert_eq!((put.acknowledged, put.unknown, put.unavailable), (1, 1, 1));
        assert_eq!((put.sealed, put.denied, put.mismatched), (1, 1, 0));
        assert_eq!(put.asked(), 5);
        assert_eq!(
            put.latency.p50,
            Some(20),
            "only acknowledged answers have a latency"
        );
        assert_eq!(counts[0].latency.max, Some(9));
    }
}
