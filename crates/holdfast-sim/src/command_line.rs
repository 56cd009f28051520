//! The command line of `holdfast-sim`, and the codes that it ends with.

use clap::Parser;
use std::ops::Range;
use std::process::ExitCode;

/// Simulated clusters from seeds: each run makes a cluster, uses it, hurts it, heals it and judges it.
///
/// Exit codes: 0 everything held, 1 something did not, 2 it cannot be said, 3 a command line that cannot be, or the simulator
/// failed. It cannot be said when checkers could not decide, when something never happened in 100 seeds or more, and when what
/// had to be found was not: a checker may be blind.
#[derive(Parser)]
#[command(name = "holdfast-sim", version)]
pub(crate) struct Args {
    /// Seeds to run: one, or the first and the one after the last.
    #[arg(long, value_name = "A..B", value_parser = range, default_value = "0..100")]
    pub(crate) seeds: Range<u64>,
    /// Threads; default all of this machine's.
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<u64>,
    /// Run one seed and print what happened.
    #[arg(long, value_name = "SEED")]
    pub(crate) replay: Option<u64>,
    /// With --replay: every message too.
    #[arg(long, requires = "replay")]
    pub(crate) messages: bool,
    /// Virtual seconds in which things go wrong.
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    pub(crate) trouble: u64,
    /// A control: disks that answer before they have synced. Stops at the first seed in which durability sees the loss.
    #[arg(long)]
    pub(crate) lying_disks: bool,
    /// Print each seed with the hash of its trace; with `--json`, beside the rest.
    #[arg(long, conflicts_with = "replay")]
    pub(crate) traces: bool,
    /// Print the result as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// Let this seeded bug live and stop at the first seed in which its checker finds it; `all` for one after the other.
    #[cfg(feature = "mutants")]
    #[arg(long, value_name = "NAME", conflicts_with = "lying_disks")]
    pub(crate) mutant: Option<String>,
    /// Print the names of the seeded bugs.
    #[cfg(feature = "mutants")]
    #[arg(long)]
    pub(crate) list_mutants: bool,
}

/// How it ends; as `holdfast-chaos` does, so that a script need not know which of the two it started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// Everything held, and what had to be found was found.
    Held = 0,
    /// Something did not hold.
    Violated = 1,
    /// It cannot be said.
    Undecided = 2,
    /// A command line that cannot be, or the simulator failed.
    Failed = 3,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

fn range(text: &str) -> Result<Range<u64>, String> {
    let number = |text: &str| {
        let read = text.parse::<u64>();
        read.map_err(|_| "must look like 7 or 0..100".to_owned())
    };
    let Some((from, to)) = text.split_once("..") else {
        return number(text).map(|seed| seed..seed.saturating_add(1));
    };
    let range = number(from)?..number(to)?;
    if range.is_empty() {
        return Err("is empty".to_owned());
    }
    Ok(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_one_or_a_range() {
        assert_eq!(range("7"), Ok(7..8));
        assert_eq!(range("3..9"), Ok(3..9));
        for wrong in ["9..3", "x", "3..", ""] {
            assert!(range(wrong).is_err(), "{wrong}");
        }
    }

    #[cfg(feature = "mutants")]
    #[test]
    fn a_seeded_bug_is_hunted_on_honest_disks() {
        let typed = |line: &str| Args::try_parse_from(line.split(' ')).is_ok();
        assert!(typed("holdfast-sim --mutant all --trouble 9"));
        assert!(!typed("holdfast-sim --mutant all --lying-disks"));
    }
}
