//! `sweep`: many seeds of many scenarios within a time.

use super::interrupt::until_interrupted;
use super::place;
use crate::binary;
use crate::cli;
use crate::exit::Exit;
use crate::losses::Losses;
use crate::runner::{self, RunPlan, Setting};
use crate::scenario::{self, Scenario};
use crate::summary::word;
use crate::table::table;
use anyhow::Context;
use holdfast_check::{History, Ruling};
use holdfast_report::{Run, Summary};
use serde::Serialize;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// What became of a sweep.
#[derive(Default, Serialize)]
struct Swept {
    /// Runs by scenario and seed.
    runs: Vec<Row>,
    /// Scenarios that this machine cannot run, and why.
    skipped: Vec<SkippedScenario>,
    /// Whether the time was over before every seed had its turn.
    out_of_time: bool,
    /// Losses of a leader, in words.
    leader_losses: Option<String>,
}

#[derive(Serialize)]
struct Row {
    scenario: String,
    seed: u64,
    exit: u8,
    summary: String,
    again: String,
}

#[derive(Serialize)]
struct SkippedScenario {
    scenario: String,
    reason: String,
}

/// What is kept of the runs: their figures, and for JUnit the verdicts without histories.
#[derive(Default)]
struct Kept {
    losses: Losses,
    summaries: Vec<Summary>,
    runs: Vec<Run>,
}

pub(super) fn run(args: &cli::Sweep) -> anyhow::Result<Exit> {
    let binary = binary::find(args.common.binary.as_deref())?;
    let out = &place::out(args.out.as_deref(), "sweep")?;
    std::fs::create_dir_all(out).with_context(|| format!("making {}", out.display()))?;
    let mut swept = Swept::default();
    let scenarios = chosen(args, &mut swept)?;
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
    let index = out.join("index.html");
    std::fs::write(
        &index,
        holdfast_report::html_index_of("Chaos sweep", &kept.summaries, true),
    )
    .with_context(|| format!("writing {}", index.display()))?;
    let junit = out.join("junit.xml");
    std::fs::write(&junit, holdfast_report::junit(&kept.runs))
        .with_context(|| format!("writing {}", junit.display()))?;
    tell(args, &swept, &index)?;
    Ok(exit(&swept))
}

/// The named scenarios, or all; those that need what this machine has not are left out by name.
fn chosen(args: &cli::Sweep, swept: &mut Swept) -> anyhow::Result<Vec<(String, Scenario)>> {
    let named: Vec<(String, Scenario)> = if args.scenarios.is_empty() {
        let all = scenario::all()?.into_iter();
        all.map(|one| (one.name.clone(), one)).collect()
    } else {
        let found = args
            .scenarios
            .iter()
            .map(|name| Ok((name.clone(), scenario::find(name)?)));
        found.collect::<anyhow::Result<_>>()?
    };
    let mut chosen = Vec::new();
    for (name, scenario) in named {
        if args.ci && !scenario.ci {
            continue;
        }
        match crate::ability::missing(&scenario) {
            None => chosen.push((name, scenario)),
            Some(reason) => swept.skipped.push(SkippedScenario {
                scenario: name,
                reason,
            }),
        }
    }
    Ok(chosen)
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
    for seed in args.seeds.clone() {
        for (name, scenario) in scenarios {
            if Instant::now() >= ends || *stop.borrow() {
                swept.out_of_time = true;
                return Ok(());
            }
            let plan = RunPlan::new(name, scenario.clone(), Some(seed), &args.common)?;
            let folder = out.join(format!("{}-{seed}", scenario.name));
            let setting = Setting {
                binary: binary.to_owned(),
                out: folder.clone(),
                keep: args.common.keep,
                progress: !args.common.json,
            };
            let begun = Instant::now();
            let done = runner::run(&plan, &setting, stop.clone()).await;
            if *stop.borrow() {
                swept.out_of_time = true;
                return Ok(());
            }
            let row = note(plan, done, &folder, out, kept);
            if !args.common.json {
                say(&row, begun.elapsed());
            }
            let failed = row.exit != Exit::Pass.code();
            swept.runs.push(row);
            swept.leader_losses = kept.losses.line();
            if failed && args.fail_fast {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Notes a run. One that passed leaves its page; one that did not leaves everything.
fn note(
    plan: RunPlan,
    done: anyhow::Result<Run>,
    folder: &Path,
    out: &Path,
    kept: &mut Kept,
) -> Row {
    let (exit, summary) = match done {
        Err(error) => (Exit::Harness, format!("{error:#}")),
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
    if let Some(losses) = &swept.leader_losses {
        println!("leader lost {losses}");
    }
    let row = |row: &&Row| vec![exit_word(row.exit).to_owned(), row.again.clone()];
    print!("{}", table(2, &failed.iter().map(row).collect::<Vec<_>>()));
    println!("report {}", index.display());
    Ok(())
}

/// The worst of all runs. A sweep that ran nothing says nothing.
fn exit(swept: &Swept) -> Exit {
    let of = |row: &Row| match row.exit {
        0 => Exit::Pass,
        1 => Exit::Violation,
        2 => Exit::Inconclusive,
        _ => Exit::Harness,
    };
    if swept.runs.is_empty() {
        return Exit::Inconclusive;
    }
    Exit::worst(swept.runs.iter().map(of))
}
