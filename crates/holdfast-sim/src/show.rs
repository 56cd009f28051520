//! What is printed: a table of a sweep, its JSON, the transcript of one run.

use crate::sweep::Total;
use holdfast_check::Ruling;
use holdfast_sim::{Options, Outcome};
use serde_json::json;

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

pub(crate) fn table(total: &Total, options: Options) {
    for (what, value) in rows(total) {
        println!("{what:<38} {value:>20}");
    }
    let felt = total.exercised.iter();
    let felt: Vec<String> = felt
        .map(|(what, times)| format!("{what} {times}"))
        .collect();
    println!("felt: {}", felt.join(", "));
    let more = if options.lying_disks {
        " --lying-disks"
    } else {
        ""
    };
    for failed in total.failed.iter().take(FAILED_SHOWN) {
        println!(
            "\nseed {}: {}\n  {}",
            failed.seed, failed.checker, failed.what
        );
        println!("  replay: cargo xtask sim --replay {}{more}", failed.seed);
    }
    if total.failed.len() > FAILED_SHOWN {
        let rest: Vec<String> = total.failed[FAILED_SHOWN..]
            .iter()
            .map(|failed| failed.seed.to_string())
            .collect();
        println!("\nalso seeds {}", rest.join(" "));
    }
}

pub(crate) fn json(total: &Total) -> String {
    let failed: Vec<_> = total
        .failed
        .iter()
        .map(|failed| {
            let broken = failed.outcome.broken.iter().map(|broken| {
                json!({ "checker": broken.checker, "what": broken.what, "step": broken.step })
            });
            json!({
                "seed": failed.seed,
                "checker": failed.checker,
                "what": failed.what,
                "broken": broken.collect::<Vec<_>>(),
                "verdicts": failed.outcome.verdicts,
            })
        })
        .collect();
    json!({
        "seeds": total.seeds,
        "virtual_ns": total.virtual_ns,
        "took_ms": u64::try_from(total.took.as_millis()).unwrap_or(u64::MAX),
        "events": total.steps,
        "leaders": total.leaders,
        "operations": total.operations,
        "answered": total.answered,
        "exercised": total.exercised,
        "failed": failed,
    })
    .to_string()
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
        println!(
            "BROKEN     {:<22} step {}: {}",
            broken.checker, broken.step, broken.what
        );
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
        for violation in &verdict.violations {
            println!("           {}", violation.what);
        }
    }
}
