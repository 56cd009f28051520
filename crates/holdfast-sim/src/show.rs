//! What is printed: a table of a sweep, its JSON, the transcript of one run.

use crate::sweep::Total;
use holdfast_check::Ruling;
use holdfast_sim::{Options, Outcome};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Failed runs shown in full.
const FAILED_SHOWN: usize = 10;

fn rows(total: &Total) -> [(&'static str, String); 7] {
    let hours = total.virtual_ns as f64 / 3.6e12;
    let seconds = total.took.as_secs_f64();
    [
        ("seeds", total.seeds.to_string()),
        ("virtual time", format!("{hours:.2} h in {seconds:.0} s")),
        ("events", total.steps.to_string()),
        ("times a node became leader", total.leaders.to_string()),
        ("operations", total.operations.to_string()),
        ("answered as asked", total.answered.to_string()),
        (
            "runs in which something did not hold",
            total.failed.len().to_string(),
        ),
    ]
}

pub(crate) fn table(total: &Total) {
    for (what, value) in rows(total) {
        println!("{what:<38} {value:>20}");
    }
    let felt = total.exercised.iter();
    let felt: Vec<String> = felt
        .map(|(what, times)| format!("{what} {times}"))
        .collect();
    println!("felt: {}", felt.join(", "));
}

/// What failed, and how to see it again. On standard error, beside whatever is printed of the sweep.
pub(crate) fn failures(total: &Total, options: Options) {
    for failed in total.failed.iter().take(FAILED_SHOWN) {
        let trouble = &failed.trouble;
        let at = step(trouble.step);
        eprintln!(
            "\nseed {}, {at}: {}\n  {}",
            failed.seed, trouble.checker, trouble.what
        );
        eprintln!("  replay: {}", replay(failed.seed, options, None));
    }
    if total.failed.len() > FAILED_SHOWN {
        let rest: Vec<String> = total.failed[FAILED_SHOWN..]
            .iter()
            .map(|failed| failed.seed.to_string())
            .collect();
        eprintln!("\nalso seeds {}", rest.join(" "));
    }
}

fn step(step: Option<u64>) -> String {
    step.map_or_else(
        || "at the end".to_owned(),
        |step| format!("after step {step}"),
    )
}

/// The command that runs a seed again as it was run.
pub(crate) fn replay(seed: u64, options: Options, mutant: Option<&str>) -> String {
    let mut command = format!("cargo xtask sim --replay {seed}");
    if options.trouble != Options::default().trouble {
        let _ = write!(command, " --trouble {}", options.trouble.as_secs());
    }
    if options.lying_disks {
        command += " --lying-disks";
    }
    if let Some(name) = mutant {
        let _ = write!(command, " --mutant {name}");
    }
    command
}

/// The whole, on request with each seed's trace.
pub(crate) fn json(total: &Total, traces: bool) -> Value {
    let failed = total.failed.iter().map(|failed| entry(&failed.outcome));
    let failed: Vec<Value> = failed.collect();
    let mut shown = json!({
        "seeds": total.seeds,
        "virtual_ns": total.virtual_ns,
        "took_ms": u64::try_from(total.took.as_millis()).unwrap_or(u64::MAX),
        "events": total.steps,
        "leaders": total.leaders,
        "operations": total.operations,
        "answered": total.answered,
        "exercised": total.exercised,
        "failed": failed,
        "never": total.missed(),
    });
    if traces {
        shown["traces"] = traces_json(total);
    }
    shown
}

/// One run: its first trouble, and all of what was found.
fn entry(outcome: &Outcome) -> Value {
    let broken = outcome.broken.iter().map(
        |broken| json!({ "checker": broken.checker, "what": broken.what, "step": broken.step }),
    );
    let first = outcome.first_trouble();
    json!({
        "seed": outcome.seed,
        "nodes": outcome.nodes,
        "trace": outcome.trace,
        "step": first.as_ref().and_then(|first| first.step),
        "checker": first.as_ref().map(|first| &first.checker),
        "what": first.as_ref().map(|first| &first.what),
        "broken": broken.collect::<Vec<_>>(),
        "verdicts": outcome.verdicts,
    })
}

/// One run as in a sweep's JSON, with the lines of its transcript.
pub(crate) fn transcript_json(outcome: &Outcome) -> Value {
    let mut shown = entry(outcome);
    shown["lines"] = json!(outcome.lines);
    shown
}

/// Each seed with the hash of its trace.
fn traces_json(total: &Total) -> Value {
    let traces = total.traces.iter();
    traces
        .map(|(seed, trace)| json!({ "seed": seed, "trace": trace }))
        .collect()
}

pub(crate) fn transcript(outcome: &Outcome) {
    for line in &outcome.lines {
        println!("{line}");
    }
    println!(
        "\nseed {}, {} nodes, trace {}",
        outcome.seed, outcome.nodes, outcome.trace
    );
    for broken in &outcome.broken {
        let at = step(Some(broken.step));
        println!("BROKEN     {:<22} {at}: {}", broken.checker, broken.what);
    }
    for verdict in &outcome.verdicts {
        let ruling = match verdict.ruling {
            Ruling::Ok => "ok",
            Ruling::Violation => "VIOLATION",
            Ruling::Inconclusive => "UNDECIDED",
        };
        println!(
            "{ruling:<10} {:<22} {:>7}  {}",
            verdict.checker, verdict.checked, verdict.summary
        );
        if verdict.ruling == Ruling::Violation {
            let at = step(outcome.shown_at(&verdict.checker));
            println!("           could first be seen {at}");
        }
        for violation in &verdict.violations {
            println!("           {}", violation.what);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdfast_sim::{Detail, run};
    use std::time::Duration;

    #[test]
    fn a_seed_is_run_again_as_it_was() {
        let options = Options::default();
        assert_eq!(replay(7, options, None), "cargo xtask sim --replay 7");
        let longer = Options {
            trouble: Duration::from_secs(60),
            ..options
        };
        assert_eq!(
            replay(7, longer, Some("nonce-reused")),
            "cargo xtask sim --replay 7 --trouble 60 --mutant nonce-reused"
        );
        let lying = Options {
            lying_disks: true,
            ..longer
        };
        assert_eq!(
            replay(7, lying, None),
            "cargo xtask sim --replay 7 --trouble 60 --lying-disks"
        );
    }

    #[test]
    fn what_never_happened_and_what_happened_stand_in_json() {
        let options = Options {
            trouble: Duration::from_secs(1),
            detail: Detail::Story,
            ..Options::default()
        };
        let outcome = run(1, options);
        let shown = transcript_json(&outcome);
        assert_eq!((&shown["seed"], &shown["what"]), (&json!(1), &Value::Null));
        assert_eq!(shown["nodes"], json!(outcome.nodes));
        assert!(
            shown["lines"]
                .as_array()
                .is_some_and(|lines| !lines.is_empty())
        );
        assert!(shown["verdicts"].is_array() && shown["broken"].is_array());
        let trace = outcome.trace.clone();
        let mut total = Total::default();
        total.add(outcome);
        let traces = &json(&total, true)["traces"];
        assert_eq!(traces, &json!([{ "seed": 1, "trace": trace }]));
        assert!(json(&total, false).get("traces").is_none());
        let never = |total: &Total| json(total, false)["never"].clone();
        assert_eq!(never(&total), json!([]));
        total.seeds = 100;
        total.leaders = 100;
        let missed = never(&total);
        assert!(
            missed
                .as_array()
                .unwrap()
                .contains(&json!("change of the leader"))
        );
    }
}
