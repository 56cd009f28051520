//! `check` and `report`: a recorded run, judged or shown anew.

use crate::cli;
use crate::exit::Exit;
use crate::judge;
use crate::runner::RunPlan;
use crate::summary::{summary, word};
use crate::table::table;
use anyhow::Context;
use holdfast_check::{Claims, History, Ruling, overall};
use serde_json::json;
use std::path::Path;

pub(super) fn check(args: &cli::Check) -> anyhow::Result<Exit> {
    let text = std::fs::read_to_string(&args.history)
        .with_context(|| format!("reading {}", args.history.display()))?;
    let history = History::from_ndjson(&text)
        .with_context(|| format!("reading {}", args.history.display()))?;
    let verdicts = judge::history_alone(&history, &claims(&args.history)?);
    let ruling = overall(&verdicts);
    if args.json {
        println!("{}", json!({ "ruling": ruling, "verdicts": verdicts }));
        return Ok(ruling.into());
    }
    println!("{}  {}\n", word(ruling), args.history.display());
    let row = |verdict: &holdfast_check::Verdict| {
        vec![
            word(verdict.ruling).to_lowercase(),
            verdict.checker.clone(),
            verdict.checked.to_string(),
            verdict.summary.clone(),
        ]
    };
    print!(
        "{}",
        table(2, &verdicts.iter().map(row).collect::<Vec<_>>())
    );
    for verdict in verdicts
        .iter()
        .filter(|verdict| verdict.ruling != Ruling::Ok)
    {
        for violation in &verdict.violations {
            println!(
                "    {}: {} (operations {:?})",
                verdict.checker, violation.what, violation.operations
            );
        }
    }
    Ok(ruling.into())
}

/// What the run claimed, when its repro.json lies beside the history.
fn claims(history: &Path) -> anyhow::Result<Claims> {
    let beside = history.with_file_name("repro.json");
    if !beside.exists() {
        return Ok(Claims::default());
    }
    let text = std::fs::read_to_string(&beside)
        .with_context(|| format!("reading {}", beside.display()))?;
    let plan: RunPlan =
        serde_json::from_str(&text).with_context(|| format!("reading {}", beside.display()))?;
    Ok(plan.scenario.claims())
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
