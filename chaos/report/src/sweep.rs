//! What a sweep's page and JUnit are made of: its runs, those that could not be done or were left out, and seeded bugs.

use holdfast_check::Ruling;
use serde::{Deserialize, Serialize};

use crate::run::Level;
use crate::summary::Summary;

/// Many runs, and what a reader must know of those that are not among them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sweep {
    /// For a person: what was swept.
    pub title: String,
    /// The runs that were done and judged.
    pub runs: Vec<Summary>,
    /// The runs that the harness could not do.
    pub broken: Vec<Broken>,
    /// The scenarios that were not tried.
    pub left_out: Vec<LeftOut>,
    /// Seeded bugs that were hunted beside it; none: nobody hunted.
    pub mutants: Vec<MutantRow>,
    /// In words, why it ended before all runs were done that were asked for; none: they were.
    pub unfinished: Option<String>,
}

/// A run that ended with an error of the harness: it says nothing of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Broken {
    /// The scenario's name.
    pub scenario: String,
    /// Its seed.
    pub seed: u64,
    /// Where it ran.
    pub level: Level,
    /// What went wrong.
    pub error: String,
    /// The command that tries again.
    pub reproduce: String,
}

/// A scenario that was not tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Its name.
    pub scenario: String,
    /// Where it would have run.
    pub level: Level,
    /// Why not.
    pub reason: String,
}

/// One seeded bug and whether it was found, as `holdfast-sim --mutant NAME --json` prints it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MutantRow {
    /// Its name.
    #[serde(rename = "mutant")]
    pub name: String,
    /// The checker that must find it.
    pub checker: String,
    /// Whether that checker did.
    pub killed: bool,
    /// The lowest seed in which it did.
    pub seed: Option<u64>,
    /// How many seeds were run; none: it was not hunted, and counts as not found.
    pub seeds: u64,
}

impl Sweep {
    /// Violated if a run was; held only if there are runs, all held, all could be and were done, and no seeded bug lived.
    #[must_use]
    pub fn ruling(&self) -> Ruling {
        let any = |ruling| self.runs.iter().any(|run| run.ruling == ruling);
        if any(Ruling::Violation) {
            Ruling::Violation
        } else if any(Ruling::Inconclusive)
            || self.runs.is_empty()
            || !self.broken.is_empty()
            || self.unfinished.is_some()
            || self.lived() > 0
        {
            Ruling::Inconclusive
        } else {
            Ruling::Ok
        }
    }

    /// How many seeded bugs were not found.
    #[must_use]
    pub fn lived(&self) -> u64 {
        self.mutants.iter().filter(|mutant| !mutant.killed).count() as u64
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::html::tests::summary;

    pub(crate) fn mutant(name: &str, seed: Option<u64>) -> MutantRow {
        MutantRow {
            name: name.to_owned(),
            checker: "durability".to_owned(),
            killed: seed.is_some(),
            seed,
            seeds: 60,
        }
    }

    pub(crate) fn broken(error: &str) -> Broken {
        Broken {
            scenario: "leader-kill".to_owned(),
            seed: 9,
            level: Level::Proc,
            error: error.to_owned(),
            reproduce: "holdfast-chaos run leader-kill --seed 9".to_owned(),
        }
    }

    pub(crate) fn left_out(reason: &str) -> LeftOut {
        LeftOut {
            scenario: "hung-disk".to_owned(),
            level: Level::Proc,
            reason: reason.to_owned(),
        }
    }

    pub(crate) fn sweep(rulings: &[Ruling]) -> Sweep {
        let run = |ruling: &Ruling| Summary {
            ruling: *ruling,
            ..summary()
        };
        Sweep {
            title: "Sweep".to_owned(),
            runs: rulings.iter().map(run).collect(),
            ..Sweep::default()
        }
    }

    #[test]
    fn a_sweep_is_as_bad_as_its_worst_part() {
        use Ruling::{Inconclusive, Ok, Violation};
        assert_eq!(sweep(&[]).ruling(), Inconclusive);
        assert_eq!(sweep(&[Ok]).ruling(), Ok);
        assert_eq!(sweep(&[Ok, Violation, Inconclusive]).ruling(), Violation);
        assert_eq!(sweep(&[Ok, Inconclusive]).ruling(), Inconclusive);
        let mut held = sweep(&[Ok]);
        held.mutants.push(mutant("a", Some(3)));
        held.left_out.push(left_out("no root"));
        assert_eq!(held.ruling(), Ok, "what was left out is told, not judged");
        let mut part = held.clone();
        part.unfinished = Some("time over".to_owned());
        assert_eq!(part.ruling(), Inconclusive);
        let mut blind = held.clone();
        blind.mutants.push(mutant("b", None));
        assert_eq!(blind.ruling(), Inconclusive);
        held.broken.push(broken("no port is free"));
        assert_eq!(held.ruling(), Inconclusive);
    }
}
