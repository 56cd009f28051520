//! A run in a line: what stays of it in a sweep of thousands, when its history is gone.

use holdfast_check::{Ruling, Verdict};
use serde::{Deserialize, Serialize};

use crate::figures::Figures;
use crate::html::sentence;
use crate::run::{Level, Run, Skipped};

/// Checkers whose violations are lost acknowledged writes.
const LOSS: [&str; 1] = ["durability"];
/// The checker of runs in which losses were made on purpose, to see whether they are seen.
const CONTROL: &str = "control";
/// Checkers whose violations are reads older than they were allowed to be.
const STALE: [&str; 2] = ["linearizability", "stale-reads"];

/// One run, without its history. Lengths are nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// What the run's files are called (see [`Run::stem`]).
    pub stem: String,
    /// The scenario's name.
    pub scenario: String,
    /// What the run can be repeated from.
    pub seed: u64,
    /// Where it ran.
    pub level: Level,
    /// When it began.
    pub started_at: String,
    /// How long it took.
    pub duration_ns: u64,
    /// How many members.
    pub nodes: u64,
    /// The run as a whole.
    pub ruling: Ruling,
    /// Why, in one sentence.
    pub sentence: String,
    /// The command that runs this again.
    pub reproduce: String,
    /// Operations asked.
    pub operations: u64,
    /// Faults installed.
    pub faults: u64,
    /// Faults that cost the cluster its leader.
    pub leader_losses: u64,
    /// Of each leader loss that left a quorum: from the fault, or the last write that the old leader took after it, to the
    /// first write that a
    /// later leader took; `None`: never.
    pub first_acks_ns: Vec<Option<u64>>,
    /// The longest time without an acknowledged write.
    pub outage_longest_ns: Option<u64>,
    /// Whether losses were made on purpose: what was lost then is no loss of the cluster's.
    pub control: bool,
    /// Acknowledged writes lost, as far as told.
    pub lost: Tally,
    /// Reads older than they were allowed to be, as far as told.
    pub stale: Tally,
    /// Faults that did not happen.
    pub skipped: Vec<Skipped>,
}

/// How many violations of one kind were found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// At least so many: a checker tells the first few. `None` when nobody could judge, which is not zero.
    pub found: Option<u64>,
    /// How many things were checked for it.
    pub checked: u64,
}

impl Summary {
    /// Of a run.
    #[must_use]
    pub fn of(run: &Run) -> Self {
        Self::with(run, &Figures::of(run))
    }

    /// Of a run whose figures are there already.
    #[must_use]
    pub fn with(run: &Run, figures: &Figures) -> Self {
        let counted = figures
            .faults
            .iter()
            .filter(|times| times.leader_lost && times.quorum_left);
        Self {
            stem: run.stem(),
            scenario: run.scenario.clone(),
            seed: run.seed,
            level: run.level,
            started_at: run.started_at.clone(),
            duration_ns: run.duration_ns,
            nodes: run.nodes.len() as u64,
            ruling: run.ruling(),
            sentence: sentence(run, figures),
            reproduce: run.reproduce.clone(),
            operations: figures.operations,
            faults: run.history.faults.len() as u64,
            leader_losses: figures.recovery.leader_losses,
            first_acks_ns: counted.map(|times| times.first_ack_ns).collect(),
            outage_longest_ns: figures.outage_longest_ns(),
            control: run.verdicts.iter().any(|one| one.checker == CONTROL),
            lost: Tally::of(&run.verdicts, &LOSS),
            stale: Tally::of(&run.verdicts, &STALE),
            skipped: run.skipped.clone(),
        }
    }
}

impl Tally {
    fn of(verdicts: &[Verdict], checkers: &[&str]) -> Self {
        let named = || {
            verdicts
                .iter()
                .filter(|v| checkers.contains(&v.checker.as_str()))
        };
        let violated = named().filter(|verdict| verdict.ruling == Ruling::Violation);
        let found: usize = violated
            .map(|verdict| verdict.violations.len().max(1))
            .sum();
        let judged = named().next().is_some()
            && named().all(|verdict| verdict.ruling != Ruling::Inconclusive);
        Self {
            found: (found > 0 || judged).then_some(found as u64),
            checked: named().map(|verdict| verdict.checked).sum(),
        }
    }

    /// Of several runs: nobody knows the sum while one of them is unknown, unless something was found.
    #[must_use]
    pub fn sum(all: impl IntoIterator<Item = Self>) -> Self {
        let mut sum = Self {
            found: None,
            checked: 0,
        };
        let (mut found, mut unknown, mut any) = (0, false, false);
        for tally in all {
            any = true;
            sum.checked += tally.checked;
            found += tally.found.unwrap_or(0);
            unknown |= tally.found.is_none();
        }
        sum.found = (found > 0 || (any && !unknown)).then_some(found);
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(checker: &str, ruling: Ruling) -> Verdict {
        Verdict {
            checker: checker.to_owned(),
            ruling,
            checked: 10,
            summary: String::new(),
            violations: Vec::new(),
        }
    }

    #[test]
    fn what_nobody_judged_is_not_zero() {
        let ok = verdict("durability", Ruling::Ok);
        let unsure = verdict("durability", Ruling::Inconclusive);
        let bad = verdict("durability", Ruling::Violation);
        let found = |verdicts: &[Verdict]| Tally::of(verdicts, &LOSS).found;
        assert_eq!(found(&[]), None);
        assert_eq!(found(&[verdict("cas", Ruling::Ok)]), None);
        assert_eq!(found(std::slice::from_ref(&unsure)), None);
        assert_eq!(found(std::slice::from_ref(&ok)), Some(0));
        assert_eq!(found(&[bad.clone(), unsure]), Some(1));
        let tally = |verdict: Verdict| Tally::of(&[verdict], &LOSS);
        assert_eq!(
            Tally::sum([tally(ok.clone()), tally(ok.clone())]).found,
            Some(0)
        );
        assert_eq!(
            Tally::sum([
                tally(ok.clone()),
                Tally {
                    found: None,
                    checked: 0
                }
            ])
            .found,
            None
        );
        assert_eq!(
            Tally::sum([
                tally(bad),
                Tally {
                    found: None,
                    checked: 0
                }
            ])
            .found,
            Some(1)
        );
        assert_eq!(Tally::sum([]).found, None);
        assert_eq!(Tally::sum([tally(ok.clone()), tally(ok)]).checked, 20);
    }
}
