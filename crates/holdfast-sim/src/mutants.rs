//! Hunts seeded bugs: each must be found by the checker named for it within the given seeds.

use crate::command_line::Exit;
use crate::commands::of_search;
use crate::show;
use crate::sweep::sweep;
use anyhow::{Context as _, Result, anyhow, bail};
use holdfast_mutant::{Mutant, release};
use holdfast_sim::Options;
use serde_json::json;
use std::ops::Range;
use std::process::Command;

/// Prints their names.
pub(crate) fn list(as_json: bool) {
    let names = Mutant::ALL.iter().map(|mutant| mutant.name());
    if as_json {
        println!("{}", json!(names.collect::<Vec<_>>()));
        return;
    }
    for name in names {
        println!("{name}");
    }
}

/// Hunts one, or all of those that a simulated cluster can show.
pub(crate) fn hunt(
    name: &str,
    seeds: Range<u64>,
    jobs: u64,
    options: Options,
    as_json: bool,
) -> Result<Exit> {
    if name == "all" {
        return hunt_all(&seeds, jobs, options, as_json);
    }
    let mutant = set_free(name)?;
    let checker = mutant.checker();
    let total = sweep(seeds, jobs, options, |outcome| outcome.found_by(checker))?;
    let killed = total
        .failed
        .iter()
        .find(|failed| failed.outcome.found_by(checker));
    let others: Vec<&str> = total
        .failed
        .iter()
        .map(|failed| failed.trouble.checker.as_str())
        .collect();
    if as_json {
        let found = killed.map(|failed| failed.seed);
        let line = json!({ "mutant": name, "checker": checker, "killed": killed.is_some(),
            "seed": found, "seeds": total.seeds });
        println!("{line}");
        return Ok(of_search(killed.is_some()));
    }
    match killed {
        Some(failed) => println!(
            "{name:<24} killed by {checker:<18} in seed {:>4}, {:>4} seeds run; {}",
            failed.seed,
            total.seeds,
            show::replay(failed.seed, options, Some(name))
        ),
        None => println!(
            "{name:<24} LIVES after {} seeds; {checker} saw nothing, others: {others:?}",
            total.seeds
        ),
    }
    Ok(of_search(killed.is_some()))
}

/// Lets a mutant live in this process.
///
/// # Errors
/// When there is none of this name, or another one lives already.
pub(crate) fn set_free(name: &str) -> Result<Mutant> {
    let mutant = Mutant::parse(name).ok_or_else(|| {
        let known: Vec<&str> = Mutant::ALL.iter().map(|mutant| mutant.name()).collect();
        anyhow!(
            "there is no mutant `{name}`; there are: {}",
            known.join(", ")
        )
    })?;
    if release(Some(mutant)).is_err() {
        bail!("HOLDFAST_MUTANT names another mutant");
    }
    Ok(mutant)
}

/// A mutant lives in a process for good, so each gets its own.
fn hunt_all(seeds: &Range<u64>, jobs: u64, options: Options, as_json: bool) -> Result<Exit> {
    let program = std::env::current_exe().context("finding this program")?;
    let mut worst = Exit::Held;
    for mutant in Mutant::ALL {
        let status = Command::new(&program)
            .args(words(*mutant, seeds, jobs, options))
            .args(as_json.then_some("--json"))
            .status()
            .context("starting a hunt")?;
        worst = worst.max(match status.code() {
            Some(0) => Exit::Held,
            Some(2) => Exit::Undecided,
            _ => Exit::Failed,
        });
    }
    Ok(worst)
}

/// What a hunt of one is started with; its disks are honest.
fn words(mutant: Mutant, seeds: &Range<u64>, jobs: u64, options: Options) -> Vec<String> {
    let words = [
        ("--mutant", mutant.name().to_owned()),
        ("--seeds", format!("{}..{}", seeds.start, seeds.end)),
        ("--jobs", jobs.to_string()),
        ("--trouble", options.trouble.as_secs().to_string()),
    ];
    let pairs = words.map(|(name, value)| [name.to_owned(), value]);
    pairs.concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn each_hunt_of_all_is_as_long_as_was_asked() {
        let options = Options {
            trouble: Duration::from_secs(60),
            ..Options::default()
        };
        let words = words(Mutant::NonceReused, &(0..9), 2, options).join(" ");
        assert_eq!(
            words,
            "--mutant nonce-reused --seeds 0..9 --jobs 2 --trouble 60"
        );
    }
}
