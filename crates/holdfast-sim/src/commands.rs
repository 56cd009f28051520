//! What the command line asks for.

use crate::command_line::{Args, Exit};
#[cfg(feature = "mutants")]
use crate::mutants;
use crate::sweep::Total;
use crate::{show, sweep};
use anyhow::anyhow;
use holdfast_check::Ruling;
use holdfast_sim::{Detail, Options, Outcome, heard, run};
use serde_json::json;
use std::time::Duration;

/// The checker that must see that a disk has lied.
const MUST_SEE: &str = "durability";

/// Does it.
///
/// # Errors
/// When the simulator itself failed.
pub(crate) fn go(args: &Args) -> anyhow::Result<Exit> {
    let options = Options {
        trouble: Duration::from_secs(args.trouble),
        lying_disks: args.lying_disks,
        detail: Detail::Hash,
    };
    let cores = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
    let jobs = args.jobs.unwrap_or(cores);
    #[cfg(feature = "mutants")]
    if args.list_mutants {
        mutants::list(args.json);
        return Ok(Exit::Held);
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
        let outcome = heard(|| run(seed, Options { detail, ..options }));
        let outcome = outcome.map_err(|words| anyhow!("seed {seed} panicked: {words}"))?;
        if args.json {
            println!("{}", show::transcript_json(&outcome));
        } else {
            show::transcript(&outcome);
        }
        return Ok(of_run(&outcome));
    }
    if options.lying_disks {
        return control(args, jobs, options);
    }
    let total = sweep::sweep(args.seeds.clone(), jobs, options, |_| false)?;
    if args.json {
        println!("{}", show::json(&total, args.traces));
    } else if args.traces {
        for (seed, trace) in &total.traces {
            println!("{seed} {trace}");
        }
    } else {
        show::table(&total);
    }
    show::failures(&total, options);
    let missed = total.missed();
    if !missed.is_empty() {
        eprintln!("never happened in all these seeds: {}", missed.join(", "));
    }
    Ok(of_sweep(&total))
}

fn of_run(outcome: &Outcome) -> Exit {
    let mut rulings = outcome.verdicts.iter().map(|verdict| verdict.ruling);
    let violated = !outcome.broken.is_empty() || rulings.any(|one| one == Ruling::Violation);
    match (outcome.held(), violated) {
        (true, _) => Exit::Held,
        (false, true) => Exit::Violated,
        (false, false) => Exit::Undecided,
    }
}

/// A violation before anything else.
fn of_sweep(total: &Total) -> Exit {
    let mut runs = total.failed.iter().map(|failed| of_run(&failed.outcome));
    if runs.any(|exit| exit == Exit::Violated) {
        Exit::Violated
    } else if total.failed.is_empty() && total.missed().is_empty() {
        Exit::Held
    } else {
        Exit::Undecided
    }
}

/// Whether what had to be found was found. If not, nothing was violated, but a checker may be blind.
pub(crate) const fn of_search(found: bool) -> Exit {
    if found { Exit::Held } else { Exit::Undecided }
}

/// Disks that lie: in one of these seeds at least, a loss must be seen for what it is. That nodes stay away or that nothing is
/// written any more is no such proof.
fn control(args: &Args, jobs: u64, options: Options) -> anyhow::Result<Exit> {
    let sees = |outcome: &Outcome| outcome.found_by(MUST_SEE);
    let total = sweep::sweep(args.seeds.clone(), jobs, options, sees)?;
    let seen = total.failed.iter().find(|failed| sees(&failed.outcome));
    let seen = seen.map(|failed| failed.seed);
    let seeds = total.seeds;
    if args.json {
        let line = json!({ "control": "lying-disks", "checker": MUST_SEE, "seen": seen.is_some(),
            "seed": seen, "seeds": seeds });
        println!("{line}");
        return Ok(of_search(seen.is_some()));
    }
    match seen {
        Some(seed) => println!(
            "lying disks: {MUST_SEE} saw the loss in seed {seed}, as it must, {seeds} seeds run; {}",
            show::replay(seed, options, None)
        ),
        None => println!("lying disks: {MUST_SEE} saw no loss in {seeds} seeds: it may be blind"),
    }
    Ok(of_search(seen.is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    fn typed(line: &str) -> Args {
        Args::try_parse_from(line.split(' ')).unwrap()
    }

    fn first() -> Outcome {
        let trouble = Duration::from_secs(1);
        let options = Options {
            trouble,
            ..Options::default()
        };
        run(1, options)
    }

    fn sweep_of(outcome: Outcome) -> Total {
        let mut total = Total::default();
        total.add(outcome);
        total
    }

    #[test]
    fn a_run_that_nobody_could_decide_is_no_violation() {
        let mut outcome = first();
        assert_eq!(of_run(&outcome), Exit::Held);
        outcome.verdicts[0].ruling = Ruling::Inconclusive;
        assert_eq!(of_run(&outcome), Exit::Undecided);
        let mut total = sweep_of(outcome);
        assert_eq!(of_sweep(&total), Exit::Undecided);
        let mut outcome = first();
        outcome.verdicts[1].ruling = Ruling::Violation;
        assert_eq!(of_run(&outcome), Exit::Violated);
        total.add(outcome);
        assert_eq!(of_sweep(&total), Exit::Violated);
    }

    #[test]
    fn what_never_happened_leaves_a_sweep_undecided() {
        let mut total = sweep_of(first());
        assert_eq!(of_sweep(&total), Exit::Held);
        (total.seeds, total.leaders) = (100, 1);
        assert_eq!(of_sweep(&total), Exit::Undecided);
    }

    #[test]
    fn a_panic_is_told_with_its_words_and_its_place() {
        assert_eq!(heard(|| 7).unwrap(), 7);
        let told = heard(|| -> u64 { panic!("no {} is left", "node") }).unwrap_err();
        assert!(told.starts_with("no node is left at "), "{told}");
        assert!(told.contains("commands.rs:"), "{told}");
    }

    #[test]
    fn a_replay_that_holds_ends_with_0() {
        let args = typed("holdfast-sim --replay 1 --trouble 1");
        assert_eq!(go(&args).unwrap(), Exit::Held);
    }
}
