//! Whether a run exercised what it claims. One that did not says nothing, however green.

use crate::scenario::Scenario;
use holdfast_check::{Action, History, NodeState, Outcome, Ruling, Verdict, Violation};
use std::collections::{BTreeMap, BTreeSet};

/// The checker's name.
pub const NAME: &str = "coverage";

/// What was seen, in the scenario's terms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Answered operations.
    pub operations: u64,
    /// Changes of the leader.
    pub leader_changes: u64,
    /// Acknowledged seals.
    pub seals: u64,
    /// Acknowledged revocations.
    pub revocations: u64,
    /// How often each fault was seen to bite.
    pub installed: BTreeMap<String, u64>,
}

impl Coverage {
    /// Counts.
    #[must_use]
    pub fn of(history: &History) -> Self {
        let answered = |wanted: fn(&Action) -> bool| {
            let all = history.operations.iter();
            let found =
                all.filter(|one| matches!(one.outcome, Outcome::Ok(_)) && wanted(&one.action));
            count(found.count())
        };
        let leaders: BTreeSet<(u64, u64)> = history
            .samples
            .iter()
            .filter(|sample| sample.state == NodeState::Leader)
            .map(|sample| (sample.term, sample.node))
            .collect();
        let mut installed = BTreeMap::new();
        for fault in history.faults.iter().filter(|fault| fault.verified) {
            *installed.entry(fault.kind.clone()).or_insert(0) += 1;
        }
        Self {
            operations: answered(|_| true),
            leader_changes: count(leaders.len()).saturating_sub(1),
            seals: answered(|action| matches!(action, Action::Seal)),
            revocations: answered(|action| matches!(action, Action::RevokeToken { .. })),
            installed,
        }
    }

    /// Compares with what the scenario expects.
    #[must_use]
    pub fn judge(&self, scenario: &Scenario) -> Verdict {
        let expect = &scenario.expect;
        let mut wants = vec![
            (
                "answered operations".to_owned(),
                self.operations,
                expect.operations,
            ),
            (
                "changes of the leader".to_owned(),
                self.leader_changes,
                expect.leader_changes,
            ),
            ("acknowledged seals".to_owned(), self.seals, expect.seals),
            (
                "acknowledged revocations".to_owned(),
                self.revocations,
                expect.revocations,
            ),
        ];
        for fault in scenario.faults() {
            let least = expect.installed.get(fault).copied().unwrap_or(1);
            let seen = self.installed.get(fault).copied().unwrap_or(0);
            wants.push((format!("times that {fault} was seen to bite"), seen, least));
        }
        let missing: Vec<Violation> = wants
            .iter()
            .filter(|(_, seen, least)| seen < least)
            .map(|(what, seen, least)| Violation {
                what: format!("{what}: {seen}, expected at least {least}"),
                at_ns: None,
                operations: Vec::new(),
                nodes: Vec::new(),
            })
            .collect();
        let faults: u64 = self.installed.values().sum();
        Verdict {
            checker: NAME.to_owned(),
            ruling: if missing.is_empty() {
                Ruling::Ok
            } else {
                Ruling::Inconclusive
            },
            checked: count(wants.len()),
            summary: if missing.is_empty() {
                format!(
                    "{} operations, {} changes of the leader, {faults} faults that bit",
                    self.operations, self.leader_changes
                )
            } else {
                "the run did not exercise what it claims".to_owned()
            },
            violations: missing,
        }
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario;
    use holdfast_check::Fault;

    #[test]
    fn a_fault_that_did_not_bite_makes_the_run_inconclusive() {
        let scenario = scenario::find("leader-kill").unwrap();
        let fault = |verified| Fault {
            kind: "kill".to_owned(),
            nodes: vec![1],
            detail: String::new(),
            from_ns: 1,
            until_ns: None,
            verified,
            hit_leader: true,
        };
        let mut coverage = Coverage {
            operations: 5_000,
            leader_changes: 5,
            ..Coverage::default()
        };
        assert_eq!(coverage.judge(&scenario).ruling, Ruling::Inconclusive);
        let history = History {
            faults: vec![fault(false), fault(true), fault(true), fault(true)],
            ..History::default()
        };
        coverage.installed = Coverage::of(&history).installed;
        assert_eq!(coverage.installed["kill"], 3);
        assert_eq!(coverage.judge(&scenario).ruling, Ruling::Ok);
        coverage.leader_changes = 0;
        let verdict = coverage.judge(&scenario);
        assert_eq!(verdict.ruling, Ruling::Inconclusive);
        assert_eq!(verdict.violations.len(), 1);
        assert!(
            verdict.violations[0]
                .what
                .contains("changes of the leader: 0")
        );
    }
}
