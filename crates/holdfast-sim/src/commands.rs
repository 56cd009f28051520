//! What the command line asks for.

use crate::command_line::Args;
#[cfg(feature = "mutants")]
use crate::mutants;
use crate::{show, sweep};
use holdfast_sim::{Detail, Options, Outcome, run};
use serde_json::json;
use std::time::Duration;

/// The checker that must see that a disk has lied.
const MUST_SEE: &str = "durability";

/// Does it. True when everything held, or when what had to be found was found.
///
/// # Errors
/// When the simulator itself failed.
pub(crate) fn go(args: &Args) -> anyhow::Result<bool> {
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
    if let (Some(name), Some(_)) = (&args.mutant, args.replay) {
        mutants::set_free(name)?;
    } else if let Some(name) = &args.mutant {
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
    if options.lying_disks {
        return control(args, jobs, options);
    }
    let total = sweep::sweep(args.seeds.clone(), jobs, options, |_| false)?;
    if args.traces {
        for (seed, trace) in &total.traces {
            println!("{seed} {trace}");
        }
    } else if args.json {
        println!("{}", show::json(&total));
    } else {
        show::table(&total);
    }
    show::failures(&total, options);
    let missed = total.missed();
    if !missed.is_empty() {
        eprintln!("never happened in all these seeds: {}", missed.join(", "));
    }
    Ok(total.failed.is_empty() && missed.is_empty())
}

/// Disks that lie: in one of these seeds at least, a loss must be seen for what it is. That nodes stay away or that nothing is
/// written any more is no such proof.
fn control(args: &Args, jobs: u64, options: Options) -> anyhow::Result<bool> {
    let sees = |outcome: &Outcome| outcome.found_by(MUST_SEE);
    let total = sweep::sweep(args.seeds.clone(), jobs, options, sees)?;
    let seen = total.failed.iter().find(|failed| sees(&failed.outcome));
    let seen = seen.map(|failed| failed.seed);
    let seeds = total.seeds;
    if args.json {
        let line = json!({ "control": "lying-disks", "checker": MUST_SEE, "seen": seen.is_some(),
            "seed": seen, "seeds": seeds });
        println!("{line}");
        return Ok(seen.is_some());
    }
    match seen {
        Some(seed) => println!(
            "lying disks: {MUST_SEE} saw the loss in seed {seed}, as it must, {seeds} seeds run; {}",
            show::replay(seed, options, None)
        ),
        None => println!("lying disks: {MUST_SEE} saw no loss in {seeds} seeds: it may be blind"),
    }
    Ok(seen.is_some())
}
