//! How far a sweep came: the runs that its seeds make, those that were done, and what the difference means.

use crate::exit::Exit;
use serde::Serialize;
use std::collections::BTreeSet;
use std::ops::Range;

/// Seeds of a sweep for which nobody names any. It is never through with them: its time ends it.
const ENDLESS: Range<u64> = 1..1_000_000;

/// Why a sweep ended before it was through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Early {
    /// Its time was over.
    OutOfTime,
    /// Somebody asked it to end.
    Interrupted,
    /// A run did not pass, and the first such run was to be the last.
    Failed,
}

/// How far a sweep came.
#[derive(Default, Serialize)]
pub(super) struct Reach {
    /// Why it ended before every seed had its turn; `None`: every one had.
    pub(super) ended_early: Option<Early>,
    /// Runs that the named seeds make; `None`: nobody named seeds, and as many are done as time allows.
    owed: Option<u64>,
    /// Runs that came to an end.
    done: u64,
    /// Seeds that were run in every scenario.
    rounds: u64,
    /// Scenarios that were never run.
    no_turn: BTreeSet<String>,
    #[serde(skip)]
    scenarios: u64,
}

impl Reach {
    /// Of a sweep that begins, and the seeds that it is to run.
    pub(super) fn begin(
        named: Option<&Range<u64>>,
        scenarios: impl Iterator<Item = String>,
    ) -> (Self, Range<u64>) {
        let names: Vec<String> = scenarios.collect();
        let scenarios = names.len() as u64;
        let seeds = named.cloned().unwrap_or(ENDLESS);
        let all = (seeds.end - seeds.start).saturating_mul(scenarios);
        let reach = Self {
            owed: named.map(|_| all),
            scenarios,
            no_turn: names.into_iter().collect(),
            ..Self::default()
        };
        (reach, seeds)
    }

    /// Counts a run that came to an end.
    pub(super) fn count(&mut self, scenario: &str) {
        self.done += 1;
        self.rounds = self.done / self.scenarios.max(1);
        self.no_turn.remove(scenario);
    }

    /// Scenarios that time did not suffice for.
    pub(super) fn no_turn(&self) -> impl Iterator<Item = &str> {
        let over = self.ended_early == Some(Early::OutOfTime);
        let names = self.no_turn.iter().filter(move |_| over);
        names.map(String::as_str)
    }

    /// What it amounts to by itself, whatever the runs found.
    pub(super) fn exit(&self) -> Exit {
        match self.ended_early {
            Some(Early::Interrupted) => Exit::Harness,
            Some(Early::OutOfTime) if self.owed.is_some() || !self.no_turn.is_empty() => {
                Exit::Inconclusive
            }
            _ => Exit::Pass,
        }
    }

    /// For the reader, when it ended early.
    pub(super) fn in_words(&self) -> Option<String> {
        let runs = things(self.done, "run");
        let rounds = things(self.rounds, "whole round");
        let scenarios = things(self.scenarios, "scenario");
        let mut text = match (self.ended_early?, self.owed) {
            (Early::Interrupted, _) => format!("interrupted after {runs}"),
            (Early::Failed, _) => format!("stopped after {runs}, at the first that did not pass"),
            (Early::OutOfTime, Some(owed)) => format!(
                "time over: {} of {owed} runs of these seeds not done; raise --budget",
                owed.saturating_sub(self.done)
            ),
            (Early::OutOfTime, None) => format!("time over after {rounds} of {scenarios}"),
        };
        let without: Vec<&str> = self.no_turn().collect();
        if !without.is_empty() {
            text += &format!("; without a turn: {}", without.join(", "));
        }
        Some(text)
    }
}

fn things(number: u64, one: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {one}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(named: Option<Range<u64>>, done: &[&str], ended_early: Option<Early>) -> Reach {
        let names = ["a", "b"].map(str::to_owned).into_iter();
        let (mut reach, _) = Reach::begin(named.as_ref(), names);
        for scenario in done {
            reach.count(scenario);
        }
        reach.ended_early = ended_early;
        reach
    }

    #[test]
    fn seeds_that_were_named_are_owed() {
        let whole = reach(Some(1..3), &["a", "b", "a", "b"], None);
        assert_eq!((whole.exit(), whole.in_words()), (Exit::Pass, None));
        let part = reach(Some(1..3), &["a", "b", "a"], Some(Early::OutOfTime));
        assert_eq!(part.exit(), Exit::Inconclusive);
        assert_eq!(
            part.in_words().unwrap(),
            "time over: 1 of 4 runs of these seeds not done; raise --budget"
        );
    }

    #[test]
    fn without_named_seeds_every_scenario_is_owed_one_turn() {
        let (_, seeds) = Reach::begin(None, std::iter::empty());
        assert_eq!(seeds, ENDLESS);
        let night = reach(None, &["a", "b", "a"], Some(Early::OutOfTime));
        assert_eq!(night.exit(), Exit::Pass);
        assert_eq!(
            night.in_words().unwrap(),
            "time over after 1 whole round of 2 scenarios"
        );
        let short = reach(None, &["a"], Some(Early::OutOfTime));
        assert_eq!(short.exit(), Exit::Inconclusive);
        assert_eq!(
            short.in_words().unwrap(),
            "time over after 0 whole rounds of 2 scenarios; without a turn: b"
        );
    }

    #[test]
    fn an_interrupted_sweep_was_not_done_and_says_so() {
        let interrupted = reach(None, &["a", "b"], Some(Early::Interrupted));
        assert_eq!(interrupted.exit(), Exit::Harness);
        assert_eq!(interrupted.in_words().unwrap(), "interrupted after 2 runs");
        let failed = reach(Some(1..3), &["a"], Some(Early::Failed));
        assert_eq!(failed.exit(), Exit::Pass, "the run itself says enough");
        assert_eq!(failed.no_turn().count(), 0);
    }
}
