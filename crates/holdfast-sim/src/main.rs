//! `holdfast-sim`: simulated clusters from seeds. `cargo xtask sim` builds and starts it.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a developer's command speaks on the terminal"
)]

#[cfg(feature = "mutants")]
mod mutants;
mod show;
mod sweep;

use clap::Parser;
use holdfast_sim::{Detail, Options, run};
use std::ops::Range;
use std::process::ExitCode;
use std::time::Duration;

/// Simulated clusters from seeds: each run makes a cluster, uses it, hurts it, heals it and judges it.
///
/// Exit codes: 0 everything held, 1 something did not, 2 a command line that cannot be, 3 the simulator failed.
#[derive(Parser)]
#[command(name = "holdfast-sim", version)]
struct Args {
    /// Seeds to run, the last one excluded.
    #[arg(long, value_name = "A..B", value_parser = range, default_value = "0..100")]
    seeds: Range<u64>,
    /// Threads; default all of this machine's.
    #[arg(long, value_name = "N")]
    jobs: Option<u64>,
    /// Run one seed and print what happened.
    #[arg(long, value_name = "SEED")]
    replay: Option<u64>,
    /// With --replay: every message too.
    #[arg(long)]
    messages: bool,
    /// Virtual seconds in which things go wrong.
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    trouble: u64,
    /// A control: disks that answer before they have synced. Something must be seen to be lost.
    #[arg(long)]
    lying_disks: bool,
    /// Print each seed with the hash of its trace.
    #[arg(long)]
    traces: bool,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
    /// Let this seeded bug live and stop at the first seed in which its checker finds it; `all` for one after the other.
    #[cfg(feature = "mutants")]
    #[arg(long, value_name = "NAME")]
    mutant: Option<String>,
    /// Print the names of the seeded bugs.
    #[cfg(feature = "mutants")]
    #[arg(long)]
    list_mutants: bool,
}

fn range(text: &str) -> Result<Range<u64>, String> {
    let (from, to) = text.split_once("..").ok_or("must look like 0..100")?;
    let number = |text: &str| text.parse::<u64>().map_err(|_| "must look like 0..100");
    let range = number(from)?..number(to)?;
    if range.is_empty() {
        return Err("is empty".to_owned());
    }
    Ok(range)
}

fn main() -> ExitCode {
    let args = Args::parse();
    match go(&args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(3)
        }
    }
}

fn go(args: &Args) -> anyhow::Result<bool> {
    let options = Options {
        trouble: Duration::from_secs(args.trouble),
        lying_disks: args.lying_disks,
        detail: Detail::Hash,
    };
    let cores = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
    let jobs = args.jobs.unwrap_or(cores);
    #[cfg(feature = "mutants")]
    if args.list_mutants {
        mutants::list();
        return Ok(true);
    }
    #[cfg(feature = "mutants")]
    if let Some(name) = &args.mutant {
        return mutants::hunt(name, args.seeds.clone(), jobs, options, args.json);
    }
    if let Some(seed) = args.replay {
        let detail = if args.messages {
            Detail::All
        } else {
            Detail::Story
        };
        let outcome = run(seed, Options { detail, ..options });
        show::transcript(&outcome);
        return Ok(outcome.held());
    }
    let total = sweep::sweep(args.seeds.clone(), jobs, options, |_| false)?;
    if args.traces {
        for (seed, trace) in &total.traces {
            println!("{seed} {trace}");
        }
    } else if args.json {
        println!("{}", show::json(&total));
    } else {
        show::table(&total, options);
    }
    Ok(total.failed.is_empty() != options.lying_disks)
}
