//! What the command line asks for.

use crate::command_line::Args;
#[cfg(feature = "mutants")]
use crate::mutants;
use crate::{show, sweep};
use holdfast_sim::{Detail, Options, run};
use std::time::Duration;

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
    Ok(total.failed.is_empty() != options.lying_disks && missed.is_empty())
}
