//! `check` and `report`: a recorded run, judged or shown anew.

use crate::cli;
use crate::exit::Exit;
use crate::judge;
use crate::runner::RunPlan;
use crate::summary::{self, summary, word};
use anyhow::Context;
use holdfast_check::{History, overall};
use serde_json::json;
use std::path::Path;

pub(super) fn check(args: &cli::Check) -> anyhow::Result<Exit> {
    let text = std::fs::read_to_string(&args.history)
        .with_context(|| format!("reading {}", args.history.display()))?;
    let history = History::from_ndjson(&text)
        .with_context(|| format!("reading {}", args.history.display()))?;
    let verdicts = match plan_beside(&args.history)? {
        Some(plan) => judge::of_history(&history, &plan.scenario, &judge::lost(&history)),
        None => judge::history_alone(&history),
    };
    let ruling = overall(&verdicts);
    if args.json {
        println!("{}", json!({ "ruling": ruling, "verdicts": verdicts }));
        return Ok(ruling.into());
    }
    println!("{}  {}\n", word(ruling), args.history.display());
    print!("{}", summary::verdicts(&verdicts));
    println!(
        "\n  not judged again, for it is not in a history: {}",
        not_again()
    );
    Ok(ruling.into())
}

/// Checkers of what nodes left behind.
fn not_again() -> String {
    let others = judge::OF_PROCESSES.iter().map(|(name, _)| *name);
    let names: Vec<&str> = ["canaries", "nonces"].into_iter().chain(others).collect();
    names.join(", ")
}

/// What the run was, when its repro.json lies beside the history.
fn plan_beside(history: &Path) -> anyhow::Result<Option<RunPlan>> {
    let beside = history.with_file_name("repro.json");
    if !beside.exists() {
        return Ok(None);
    }
    let reading = || format!("reading {}", beside.display());
    let text = std::fs::read_to_string(&beside).with_context(reading)?;
    serde_json::from_str(&text).map(Some).with_context(reading)
}

pub(super) fn report(args: &cli::Report) -> anyhow::Result<Exit> {
    let stored = args.dir.join("run.json");
    let text = std::fs::read_to_string(&stored)
        .with_context(|| format!("reading {}", stored.display()))?;
    let run =
        holdfast_report::read(&text).with_context(|| format!("reading {}", stored.display()))?;
    let page = args.dir.join("report.html");
    std::fs::write(&page, holdfast_report::html(&run))
        .with_context(|| format!("writing {}", page.display()))?;
    let junit = args.dir.join("junit.xml");
    std::fs::write(&junit, holdfast_report::junit(std::slice::from_ref(&run)))
        .with_context(|| format!("writing {}", junit.display()))?;
    if args.json {
        println!("{}", holdfast_report::json(&run));
    } else {
        print!("{}", summary(&run, Some(&args.dir)));
    }
    Ok(run.ruling().into())
}
