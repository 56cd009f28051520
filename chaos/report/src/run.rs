//! What a report is made of: one run, its history, and how it was judged.
//!
//! Nothing here is secret and nothing here reads a clock: the caller gives every word that is shown.

use holdfast_check::{History, Ruling, Verdict};
use serde::{Deserialize, Serialize};

/// One run of one scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// For a person: what was tried.
    pub title: String,
    /// The scenario's name.
    pub scenario: String,
    /// What the run can be repeated from.
    pub seed: u64,
    /// Where it ran.
    pub level: Level,
    /// When it began: RFC 3339, as the caller writes it.
    pub started_at: String,
    /// How long it took, on the clock of its history.
    pub duration_ns: u64,
    /// The members, in the order in which they are shown.
    pub nodes: Vec<NodeInfo>,
    /// What it ran on: version, commit, facts of the machine; name and value, in the order in which they are shown.
    pub environment: Vec<(String, String)>,
    /// What happened.
    pub history: History,
    /// How it was judged.
    pub verdicts: Vec<Verdict>,
    /// The command that runs this again.
    pub reproduce: String,
    /// Faults that the scenario names and that did not happen.
    pub skipped: Vec<Skipped>,
    /// Whatever else a reader should know.
    pub notes: Vec<String>,
}

/// Where a run ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// In one process on virtual time.
    Sim,
    /// As real server processes.
    Proc,
}

impl Level {
    /// As it is written in reports and on command lines.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sim => "sim",
            Self::Proc => "proc",
        }
    }
}

/// One member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeInfo {
    /// As histories number it.
    pub id: u64,
    /// As people call it; empty: by its number.
    pub name: String,
    /// Region, address, version: one line, may be empty.
    pub detail: String,
}

/// A fault that did not happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// As the scenario names it.
    pub fault: String,
    /// Why not.
    pub reason: String,
}

impl Run {
    /// The run as a whole: violated if anything was; held only if every checker says so, and there is one.
    #[must_use]
    pub fn ruling(&self) -> Ruling {
        let any = |ruling| self.verdicts.iter().any(|verdict| verdict.ruling == ruling);
        if any(Ruling::Violation) {
            Ruling::Violation
        } else if any(Ruling::Inconclusive) || self.verdicts.is_empty() {
            Ruling::Inconclusive
        } else {
            Ruling::Ok
        }
    }

    /// The name that the run's files share, without an extension; safe in file names and addresses.
    #[must_use]
    pub fn stem(&self) -> String {
        let scenario: String = self
            .scenario
            .chars()
            .take(80)
            .map(|c| {
                if c.is_ascii_alphanumeric() || c == '-' {
                    c
                } else {
                    '-'
                }
            })
            .collect();
        format!("{}-{scenario}-{}", self.level.name(), self.seed)
    }

    /// What a node is called.
    #[must_use]
    pub fn node_name(&self, id: u64) -> String {
        match self.nodes.iter().find(|node| node.id == id) {
            Some(node) if !node.name.is_empty() => node.name.clone(),
            _ => format!("n{id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::html::tests::run;
    use holdfast_check::Ruling;

    #[test]
    fn a_stem_is_safe_in_file_names() {
        let mut run = run();
        assert_eq!(run.stem(), "proc-leader-kill-7");
        run.scenario = "../../a b<&>é".to_owned();
        assert_eq!(run.stem(), "proc-------a-b-----7");
        run.scenario = "x".repeat(5000);
        assert!(run.stem().len() < 120);
    }

    #[test]
    fn a_run_holds_only_if_every_checker_says_so() {
        let mut run = run();
        assert_eq!(run.ruling(), Ruling::Ok);
        run.verdicts[0].ruling = Ruling::Inconclusive;
        assert_eq!(run.ruling(), Ruling::Inconclusive);
        run.verdicts[1].ruling = Ruling::Violation;
        assert_eq!(run.ruling(), Ruling::Violation);
    }

    #[test]
    fn a_node_without_a_name_goes_by_its_number() {
        let mut run = run();
        run.nodes[1].name.clear();
        let names = [1, 2, 9].map(|id| run.node_name(id));
        assert_eq!(names, ["node-1", "n2", "n9"]);
    }
}
