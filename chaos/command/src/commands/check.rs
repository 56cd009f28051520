//! `check` and `report`: a recorded run, judged or shown anew.

use crate::cli;
use crate::exit::Exit;
use crate::judge;
use crate::runner::RunPlan;
use crate::summary::{self, summary, word};
use anyhow::Context;
use holdfast_check::{History, Ruling, Verdict, overall};
use serde::Serialize;
use std::path::Path;

/// What is told of a history that lies by itself.
const ALONE: &str =
    "no repro.json beside it: judged without the scenario's claims; a control reads as a violation";

/// A history, judged anew.
#[derive(Serialize)]
struct Judged {
    ruling: Ruling,
    verdicts: Vec<Verdict>,
    /// What the reader must know of how it was judged.
    note: Option<&'static str>,
}

pub(super) fn check(args: &cli::Check) -> anyhow::Result<Exit> {
    let judged = judged(&args.history)?;
    let ruling = judged.ruling;
    if args.json {
        println!("{}", serde_json::to_string(&judged)?);
        return Ok(ruling.into());
    }
    println!("{}  {}\n", word(ruling), args.history.display());
    print!("{}", summary::verdicts(&judged.verdicts));
    println!(
        "\n  not judged again, for it is not in a history: {}",
        not_again()
    );
    if let Some(note) = judged.note {
        println!("  {note}");
    }
    Ok(ruling.into())
}

fn judged(path: &Path) -> anyhow::Result<Judged> {
    let reading = || format!("reading {}", path.display());
    let text = std::fs::read_to_string(path).with_context(reading)?;
    let history = History::from_ndjson(&text).with_context(reading)?;
    let (verdicts, note) = match plan_beside(path)? {
        Some(plan) => {
            let lost = judge::lost(&history);
            (judge::of_history(&history, &plan.scenario, &lost), None)
        }
        None => (judge::history_alone(&history), Some(ALONE)),
    };
    Ok(Judged {
        ruling: overall(&verdicts),
        verdicts,
        note,
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario;

    #[test]
    fn a_history_by_itself_is_judged_and_says_what_it_lacks() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.ndjson");
        std::fs::write(&path, History::default().to_ndjson()).unwrap();
        assert_eq!(judged(&path).unwrap().note, Some(ALONE));
        let scenario = scenario::find("leader-kill").unwrap();
        let plan = RunPlan::new("leader-kill", scenario, None, &cli::Common::default());
        let plan = serde_json::to_string(&plan.unwrap()).unwrap();
        std::fs::write(folder.path().join("repro.json"), plan).unwrap();
        let with = judged(&path).unwrap();
        assert_eq!(with.note, None);
        let claims = |verdict: &Verdict| verdict.checker == "coverage";
        assert!(with.verdicts.iter().any(claims), "it claims something");
    }
}
