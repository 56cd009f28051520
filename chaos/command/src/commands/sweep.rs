//! `sweep`: many seeds of many scenarios within a time.

use super::interrupt::until_interrupted;
use super::place;
use super::reach::{Early, Reach};
use crate::binary;
use crate::cli;
use crate::exit::Exit;
use crate::losses::Losses;
use crate::mutants;
use crate::runner::{self, Keep, RunPlan, Setting};
use crate::scenario::{self, Scenario};
use crate::summary::word;
use crate::table::table;
use anyhow::Context;
use holdfast_check::{History, Ruling};
use holdfast_report::{Broken, LeftOut, Level, MutantRow, Run, Summary};
use serde::Serialize;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// So many folders of runs that the harness could not do are kept.
const BROKEN_KEPT_MAX: usize = 5;

/// What became of a sweep.
#[derive(Default, Serialize)]
struct Swept {
    /// Runs by scenario and seed.
    runs: Vec<Row>,
    /// Scenarios that this machine cannot run, and why.
    skipped: Vec<LeftOut>,
    /// Seeded bugs that were hunted beside it.
    mutants: Vec<MutantRow>,
    /// How far it came.
    #[serde(flatten)]
    reach: Reach,
    /// Losses of a leader, in words.
    leader_losses: Option<String>,
}

impl Swept {
    /// The scenarios that were not tried: this machine cannot, or the time did not suffice.
    fn left_out(&self) -> Vec<LeftOut> {
        let without = self.reach.no_turn().map(|name| LeftOut {
            scenario: name.to_owned(),
            level: Level::Proc,
            reason: "the time was over before its turn".to_owned(),
        });
        self.skipped.iter().cloned().chain(without).collect()
    }
}

#[derive(Serialize)]
struct Row {
    scenario: String,
    seed: u64,
    exit: u8,
    summary: String,
    again: String,
    /// Of a run that did not pass: what else a reader should know.
    notes: Vec<String>,
}

/// What is kept of the runs: their figures, and for JUnit the verdicts without histories.
#[derive(Default)]
struct Kept {
    losses: Losses,
    summaries: Vec<Summary>,
    runs: Vec<Run>,
    broken: Vec<Broken>,
}

pub(super) fn run(args: &cli::Sweep) -> anyhow::Result<Exit> {
    let binary = binary::find(args.common.binary.as_deref())?;
    // A table that cannot be shown is told before the hours that a sweep takes.
    let mut swept = Swept {
        mutants: hunted(args.mutants.as_deref())?,
        ..Swept::default()
    };
    let named = named(args)?;
    let out = &place::out(args.out.as_deref(), "sweep")?;
    std::fs::create_dir_all(out).with_context(|| format!("making {}", out.display()))?;
    let scenarios = possible(named, &mut swept);
    if !args.common.json {
        for skipped in &swept.skipped {
            println!("SKIPPED       {}: {}", skipped.scenario, skipped.reason);
        }
    }
    let mut kept = Kept::default();
    until_interrupted(async |stop| {
        let places = (binary.as_path(), out.as_path());
        sweep(args, places, &scenarios, &mut swept, &mut kept, stop).await
    })?;
    write(out, &swept, kept)?;
    tell(args, &swept, &out.join("index.html"))?;
    Ok(exit(&swept))
}

/// The table of seeded bugs, where one is to be shown.
fn hunted(file: Option<&Path>) -> anyhow::Result<Vec<MutantRow>> {
    let Some(file) = file else {
        return Ok(Vec::new());
    };
    mutants::read(file).with_context(|| format!("reading the seeded bugs of {}", file.display()))
}

/// Writes the page of all runs, and the same for programs.
fn write(out: &Path, swept: &Swept, kept: Kept) -> anyhow::Result<()> {
    let sweep = holdfast_report::Sweep {
        title: "Chaos sweep".to_owned(),
        runs: kept.summaries,
        broken: kept.broken,
        left_out: swept.left_out(),
        mutants: swept.mutants.clone(),
        unfinished: (swept.reach.exit() != Exit::Pass)
            .then(|| swept.reach.in_words())
            .flatten(),
    };
    let file = |name: &str, text: String| {
        let path = out.join(name);
        std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
    };
    file("index.html", holdfast_report::html_index(&sweep))?;
    file("index.json", serde_json::to_string_pretty(swept)? + "\n")?;
    file(
        "junit.xml",
        holdfast_report::junit_sweep(&sweep, &kept.runs),
    )
}

/// The named scenarios, or all; with what the command line makes impossible told before the first run, not after hours of
/// others.
fn named(args: &cli::Sweep) -> anyhow::Result<Vec<(String, Scenario)>> {
    let mut named: Vec<(String, Scenario)> = if args.scenarios.is_empty() {
        let all = scenario::all()?.into_iter();
        all.map(|one| (one.name.clone(), one)).collect()
    } else {
        let found = args
            .scenarios
            .iter()
            .map(|name| Ok((name.clone(), scenario::find(name)?)));
        found.collect::<anyhow::Result<_>>()?
    };
    named.retain(|(_, scenario)| scenario.ci || !args.ci);
    for (name, scenario) in &named {
        RunPlan::new(name, scenario.clone(), None, &args.common).with_context(|| {
            let what = format!("scenario {name} cannot be changed so");
            match args.scenarios.as_slice() {
                [] => format!("{what} (name the scenarios you want: `sweep leader-kill …`)"),
                _ => what,
            }
        })?;
    }
    Ok(named)
}

/// Those that this machine can run; the others are left out by name.
fn possible(named: Vec<(String, Scenario)>, swept: &mut Swept) -> Vec<(String, Scenario)> {
    let mut possible = Vec::new();
    for (name, scenario) in named {
        match crate::ability::missing(&scenario) {
            None => possible.push((name, scenario)),
            Some(reason) => swept.skipped.push(LeftOut {
                scenario: name,
                level: Level::Proc,
                reason,
            }),
        }
    }
    possible
}

/// Seed after seed, each with every scenario, until the time is over.
async fn sweep(
    args: &cli::Sweep,
    (binary, out): (&Path, &Path),
    scenarios: &[(String, Scenario)],
    swept: &mut Swept,
    kept: &mut Kept,
    stop: watch::Receiver<bool>,
) -> anyhow::Result<()> {
    let ends = Instant::now() + args.budget.0;
    let names = scenarios.iter().map(|(_, one)| one.name.clone());
    let (reach, seeds) = Reach::begin(args.seeds.as_ref(), names);
    swept.reach = reach;
    for seed in seeds {
        for (name, scenario) in scenarios {
            if *stop.borrow() {
                swept.reach.ended_early = Some(Early::Interrupted);
                return Ok(());
            }
            if Instant::now() >= ends {
                swept.reach.ended_early = Some(Early::OutOfTime);
                return Ok(());
            }
            let plan = RunPlan::new(name, scenario.clone(), Some(seed), &args.common)?;
            let folder = out.join(format!("{}-{seed}", scenario.name));
            let setting = Setting {
                binary: binary.to_owned(),
                out: folder.clone(),
                keep: keep(args, kept.broken.len()),
                progress: !args.common.json,
            };
            let begun = Instant::now();
            let done = runner::run(&plan, &setting, stop.clone()).await;
            if *stop.borrow() {
                swept.reach.ended_early = Some(Early::Interrupted);
                return Ok(());
            }
            swept.reach.count(&scenario.name);
            let row = note(plan, done, &folder, out, kept);
            if !args.common.json {
                say(&row, begun.elapsed());
            }
            let failed = row.exit != Exit::Pass.code();
            swept.runs.push(row);
            swept.leader_losses = kept.losses.line();
            if failed && args.fail_fast {
                swept.reach.ended_early = Some(Early::Failed);
                return Ok(());
            }
        }
    }
    Ok(())
}

/// The first folders that explain an error are kept; a machine on which every run breaks must not be filled with them.
const fn keep(args: &cli::Sweep, broken: usize) -> Keep {
    match (args.common.keep, broken) {
        (true, _) => Keep::Always,
        (false, 0..BROKEN_KEPT_MAX) => Keep::Broken,
        (false, _) => Keep::Never,
    }
}

/// Notes a run. One that passed leaves its page; one that did not leaves everything.
fn note(
    plan: RunPlan,
    done: anyhow::Result<Run>,
    folder: &Path,
    out: &Path,
    kept: &mut Kept,
) -> Row {
    let mut notes = Vec::new();
    let (exit, summary) = match done {
        Err(error) => {
            let error = format!("{error:#}");
            kept.broken.push(Broken {
                scenario: plan.scenario.name.clone(),
                seed: plan.seed,
                level: Level::Proc,
                error: error.clone(),
                reproduce: plan.command.clone(),
            });
            (Exit::Harness, error)
        }
        Ok(run) => {
            let told = Summary::of(&run);
            kept.losses.add(&told);
            kept.summaries.push(told);
            let worst = run
                .verdicts
                .iter()
                .find(|verdict| verdict.ruling == run.ruling());
            let summary = match run.ruling() {
                Ruling::Ok => format!("{} operations", run.history.operations.len()),
                _ => worst.map_or_else(String::new, |verdict| {
                    format!("{}: {}", verdict.checker, verdict.summary)
                }),
            };
            let ruling = run.ruling();
            // What cannot be moved stays in its folder: nothing is lost but the link.
            drop(std::fs::copy(
                folder.join("report.html"),
                out.join(format!("{}.html", run.stem())),
            ));
            if ruling == Ruling::Ok {
                drop(std::fs::remove_dir_all(folder));
            } else {
                notes.clone_from(&run.notes);
            }
            kept.runs.push(Run {
                history: History {
                    faults: run.history.faults,
                    ended_ns: run.history.ended_ns,
                    ..History::default()
                },
                ..run
            });
            (ruling.into(), summary)
        }
    };
    Row {
        scenario: plan.scenario.name,
        seed: plan.seed,
        exit: exit.code(),
        summary,
        again: plan.command,
        notes,
    }
}

const fn exit_word(code: u8) -> &'static str {
    match code {
        0 => word(Ruling::Ok),
        1 => word(Ruling::Violation),
        2 => word(Ruling::Inconclusive),
        _ => "HARNESS ERROR",
    }
}

fn say(row: &Row, took: Duration) {
    let word = exit_word(row.exit);
    println!(
        "{word:<13} {:<20} seed {:<6} {:>4}s  {}",
        row.scenario,
        row.seed,
        took.as_secs(),
        row.summary
    );
    for note in &row.notes {
        println!("  note: {note}");
    }
}

fn tell(args: &cli::Sweep, swept: &Swept, index: &Path) -> anyhow::Result<()> {
    if args.common.json {
        println!("{}", serde_json::to_string_pretty(swept)?);
        return Ok(());
    }
    let failed: Vec<&Row> = swept.runs.iter().filter(|row| row.exit != 0).collect();
    println!(
        "\n{} runs, {} not passed, {} scenarios skipped",
        swept.runs.len(),
        failed.len(),
        swept.skipped.len()
    );
    if let Some(early) = swept.reach.in_words() {
        println!("{early}");
    }
    if let Some(losses) = &swept.leader_losses {
        println!("leader lost {losses}");
    }
    let row = |row: &&Row| vec![exit_word(row.exit).to_owned(), row.again.clone()];
    print!("{}", table(2, &failed.iter().map(row).collect::<Vec<_>>()));
    if let Some(line) = mutants_line(&swept.mutants) {
        println!("{line}");
    }
    println!("report {}", index.display());
    Ok(())
}

/// How many seeded bugs were found, and which were not; `None` when there is no table.
fn mutants_line(mutants: &[MutantRow]) -> Option<String> {
    let lived: Vec<&str> = mutants
        .iter()
        .filter(|row| !row.killed)
        .map(|row| row.name.as_str())
        .collect();
    let found = mutants.len() - lived.len();
    let blind = if lived.is_empty() {
        String::new()
    } else {
        format!("; not found: {}", lived.join(", "))
    };
    (!mutants.is_empty()).then(|| format!("seeded bugs {found} of {} found{blind}", mutants.len()))
}

/// The worst of all runs. A sweep that ran nothing says nothing, nor does one whose checkers let a seeded bug live, nor one that
/// lacks runs it was asked for.
fn exit(swept: &Swept) -> Exit {
    let of = |row: &Row| match row.exit {
        0 => Exit::Pass,
        1 => Exit::Violation,
        2 => Exit::Inconclusive,
        _ => Exit::Harness,
    };
    let blind = swept.mutants.iter().any(|row| !row.killed);
    let unsure = swept.runs.is_empty() || blind;
    let runs = swept.runs.iter().map(of);
    let unsure = unsure.then_some(Exit::Inconclusive);
    Exit::worst(runs.chain(unsure).chain([swept.reach.exit()]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;
    use clap::Parser;

    fn row(name: &str, seed: Option<u64>) -> MutantRow {
        MutantRow {
            name: name.to_owned(),
            checker: "nonces".to_owned(),
            killed: seed.is_some(),
            seed,
            seeds: 60,
        }
    }

    fn passed() -> Row {
        Row {
            scenario: "leader-kill".to_owned(),
            seed: 1,
            exit: 0,
            summary: String::new(),
            again: String::new(),
            notes: Vec::new(),
        }
    }

    #[test]
    fn a_seeded_bug_that_lived_fails_a_sweep_that_held() {
        let with = |mutants| Swept {
            runs: vec![passed()],
            mutants,
            ..Swept::default()
        };
        assert_eq!(exit(&with(Vec::new())), Exit::Pass);
        assert_eq!(exit(&with(vec![row("a", Some(0))])), Exit::Pass);
        let blind = with(vec![row("a", Some(0)), row("b", None)]);
        assert_eq!(exit(&blind), Exit::Inconclusive);
        assert_eq!(
            mutants_line(&blind.mutants).unwrap(),
            "seeded bugs 1 of 2 found; not found: b"
        );
        assert_eq!(mutants_line(&[]), None);
        let mut violated = blind;
        violated.runs[0].exit = 1;
        assert_eq!(exit(&violated), Exit::Violation);
        assert_eq!(exit(&Swept::default()), Exit::Inconclusive);
    }

    fn typed(words: &str) -> cli::Sweep {
        let words = format!("holdfast-chaos sweep {words}");
        let cli = cli::Cli::try_parse_from(words.split(' ')).unwrap();
        match cli.command {
            cli::Command::Sweep(args) => args,
            _ => panic!("no sweep"),
        }
    }

    #[test]
    fn a_change_that_some_scenario_cannot_bear_says_what_to_type_instead() {
        for (words, hint) in [
            ("--nodes 3", true),
            ("--duration 10s", true),
            ("region-loss --nodes 3", false),
        ] {
            let refused = named(&typed(words)).unwrap_err();
            let refused = format!("{refused:#}");
            assert_eq!(refused.contains("`sweep leader-kill …`"), hint, "{refused}");
        }
    }

    /// A sweep that ends before its first run.
    async fn ended(words: &str, asked_to_stop: bool) -> Swept {
        let args = typed(&format!("--budget {words}"));
        let one = scenario::find("leader-kill").unwrap();
        let (mut swept, mut kept) = (Swept::default(), Kept::default());
        let (_asked, stop) = watch::channel(asked_to_stop);
        let places = (Path::new("/no/server"), Path::new("/no/reports"));
        sweep(
            &args,
            places,
            &[("leader-kill".to_owned(), one)],
            &mut swept,
            &mut kept,
            stop,
        )
        .await
        .unwrap();
        swept
    }

    #[tokio::test]
    async fn a_sweep_that_lacks_runs_passes_for_nothing_and_tells_why() {
        for (words, asked, owes, told) in [
            ("0s --seeds 1..3", false, Exit::Inconclusive, "2 of 2 runs"),
            ("0s", false, Exit::Inconclusive, "a turn: leader-kill"),
            ("1h --seeds 1..3", true, Exit::Harness, "interrupted"),
        ] {
            let mut swept = ended(words, asked).await;
            swept.runs.push(passed());
            assert_eq!(exit(&swept), owes, "{words}");
            assert!(swept.reach.in_words().unwrap().contains(told), "{words}");
            let out = tempfile::tempdir().unwrap();
            write(out.path(), &swept, Kept::default()).unwrap();
            for name in ["index.html", "junit.xml"] {
                let text = std::fs::read_to_string(out.path().join(name)).unwrap();
                assert!(text.contains(told), "{name} of {words}");
            }
        }
    }

    #[test]
    fn what_was_not_done_stands_in_every_file_of_a_sweep() {
        let out = tempfile::tempdir().unwrap();
        let mut kept = Kept::default();
        let scenario = scenario::find("leader-kill").unwrap();
        let plan = RunPlan::new("leader-kill", scenario, Some(9), &cli::Common::default());
        let failed = Err(anyhow!("it ended: exit code 7").context("node 1 did not start"));
        let noted = note(plan.unwrap(), failed, out.path(), out.path(), &mut kept);
        assert_eq!(noted.exit, Exit::Harness.code());
        let swept = Swept {
            runs: vec![noted],
            skipped: vec![LeftOut {
                scenario: "hung-disk".to_owned(),
                level: Level::Proc,
                reason: "no loop devices".to_owned(),
            }],
            mutants: vec![row("nonce-reused", None)],
            ..Swept::default()
        };
        assert_eq!(exit(&swept), Exit::Harness);
        write(out.path(), &swept, kept).unwrap();
        for name in ["index.html", "index.json", "junit.xml"] {
            let text = std::fs::read_to_string(out.path().join(name)).unwrap();
            for told in [
                "node 1 did not start: it ended: exit code 7",
                "run leader-kill --seed 9",
                "no loop devices",
                "nonce-reused",
            ] {
                assert!(text.contains(told), "{name} lacks {told}");
            }
        }
    }
}
