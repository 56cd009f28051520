//! The command line.

use crate::length::Length;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

const AFTER_HELP: &str = "\
Exit codes: 0 everything held, 1 something did not, 2 it cannot be said, 3 the harness could not do it.

holdfast-chaos run leader-kill          one scenario, with a report
holdfast-chaos doctor                   which faults this machine can do
holdfast-chaos sweep --budget 30m       many seeds of every scenario";

/// Breaks clusters of real Holdfast processes and judges what they did.
#[derive(Parser)]
#[command(name = "holdfast-chaos", version, after_help = AFTER_HELP, arg_required_else_help = true, max_term_width = 110)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Subcommand)]
pub enum Command {
    /// Show what there is: scenarios, faults, workloads, checkers.
    List(List),
    /// Run one scenario and judge it.
    Run(Run),
    /// Run many seeds of many scenarios within a time; print how to repeat what failed.
    Sweep(Sweep),
    /// Run again what a repro.json describes: the same scenario, seed and schedule.
    Reproduce(Reproduce),
    /// Judge a recorded history anew.
    Check(Check),
    /// Write the report of a recorded run anew.
    Report(Report),
    /// Show which faults this machine can do, and why not.
    Doctor(Doctor),
}

/// What to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// What can be run.
    Scenarios,
    /// What can strike.
    Faults,
    /// What clients can do.
    Workloads,
    /// What is judged.
    Checkers,
}

/// `list`.
#[derive(Args)]
pub struct List {
    /// Only these.
    pub kind: Option<Kind>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// What runs have in common.
#[derive(Args, Clone, Debug, Default)]
pub struct Common {
    /// How long faults strike, instead of the scenario's time.
    #[arg(long, value_name = "TIME")]
    pub duration: Option<Length>,
    /// How many nodes, instead of the scenario's.
    #[arg(long, value_name = "COUNT")]
    pub nodes: Option<u64>,
    /// The server: by default HOLDFAST_BIN, or `holdfast` beside this program.
    #[arg(long, value_name = "FILE", env = "HOLDFAST_BIN")]
    pub binary: Option<PathBuf>,
    /// Break more nodes at once than the cluster claims to survive; then only safety is asked.
    #[arg(long)]
    pub over_budget: bool,
    /// Keep the nodes' folders.
    #[arg(long)]
    pub keep: bool,
    /// Print JSON and no progress.
    #[arg(long)]
    pub json: bool,
}

/// `run`.
#[derive(Args)]
pub struct Run {
    /// A scenario's name, or a file.
    pub scenario: String,
    /// The seed, instead of the scenario's.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Where to write history, report and repro.json: by default a new folder in HOLDFAST_CHAOS_REPORTS, or chaos-reports.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// What runs have in common.
    #[command(flatten)]
    pub common: Common,
}

/// `sweep`.
#[derive(Args)]
pub struct Sweep {
    /// Scenarios or files; by default all.
    pub scenarios: Vec<String>,
    /// Seeds: one, or `A..B` without B. By default from 1 on, until the time is over.
    #[arg(long, value_name = "A..B", value_parser = seeds)]
    pub seeds: Option<std::ops::Range<u64>>,
    /// No run begins after this time. Seeds that were named and then lack runs are no pass, nor is a scenario without a run.
    #[arg(long, value_name = "TIME", default_value = "10m")]
    pub budget: Length,
    /// Only scenarios that CI runs.
    #[arg(long)]
    pub ci: bool,
    /// Seeded bugs to show beside the runs: what `cargo xtask sim --mutant all --json` printed. One that lived fails the sweep.
    #[arg(long, value_name = "FILE")]
    pub mutants: Option<PathBuf>,
    /// Stop at the first run that does not pass.
    #[arg(long)]
    pub fail_fast: bool,
    /// Where to write; each run gets a folder. By default a new one in HOLDFAST_CHAOS_REPORTS, or chaos-reports.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// What runs have in common.
    #[command(flatten)]
    pub common: Common,
}

/// `reproduce`.
#[derive(Args)]
pub struct Reproduce {
    /// The repro.json of a run.
    pub file: PathBuf,
    /// Where to write history, report and repro.json: by default a new folder in HOLDFAST_CHAOS_REPORTS, or chaos-reports.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// The server: by default HOLDFAST_BIN, or `holdfast` beside this program.
    #[arg(long, value_name = "FILE", env = "HOLDFAST_BIN")]
    pub binary: Option<PathBuf>,
    /// Keep the nodes' folders.
    #[arg(long)]
    pub keep: bool,
    /// Print JSON and no progress.
    #[arg(long)]
    pub json: bool,
}

/// `check`.
#[derive(Args)]
pub struct Check {
    /// The history.ndjson of a run.
    pub history: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// `report`.
#[derive(Args)]
pub struct Report {
    /// The folder of a run.
    pub dir: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// `doctor`.
#[derive(Args)]
pub struct Doctor {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

fn seeds(text: &str) -> Result<std::ops::Range<u64>, String> {
    let number = |text: &str| {
        text.parse::<u64>()
            .map_err(|_| "seeds are `7` or `1..100`".to_owned())
    };
    match text.split_once("..") {
        None => number(text).map(|seed| seed..seed.saturating_add(1)),
        Some((from, to)) => {
            let range = number(from)?..number(to)?;
            if range.is_empty() {
                return Err("the range of seeds is empty".to_owned());
            }
            Ok(range)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_declaration_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn seeds_are_one_or_a_range() {
        assert_eq!(seeds("7"), Ok(7..8));
        assert_eq!(seeds("3..9"), Ok(3..9));
        assert!(seeds("9..3").is_err());
        assert!(seeds("x").is_err());
    }
}
