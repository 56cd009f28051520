//! Runs as JUnit's XML, for build servers: a suite for each run, a case for each checker, seeded bug and skipped fault.

use std::fmt::Write as _;

use holdfast_check::{Ruling, Verdict};

use crate::html::escape;
use crate::run::{MutantRow, Run};

/// Of one checker's violations, so many are written; build servers show them in a list.
const VIOLATIONS_MAX: usize = 20;

struct Case {
    name: String,
    class: &'static str,
    /// Kind, headline and text of what went wrong.
    failure: Option<(&'static str, String, String)>,
    skipped: Option<String>,
}

/// One document of all runs. An inconclusive verdict is a failure of its own type.
#[must_use]
pub fn junit(runs: &[Run]) -> String {
    let suites: Vec<(&Run, Vec<Case>)> = runs.iter().map(|run| (run, cases(run))).collect();
    let all = || suites.iter().flat_map(|(_, cases)| cases);
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        out,
        "<testsuites name=\"holdfast-chaos\" tests=\"{}\" failures=\"{}\" errors=\"0\">",
        all().count(),
        all().filter(|case| case.failure.is_some()).count(),
    );
    for (run, cases) in &suites {
        suite(&mut out, run, cases);
    }
    out.push_str("</testsuites>\n");
    out
}

fn cases(run: &Run) -> Vec<Case> {
    let mut cases: Vec<Case> = run.verdicts.iter().map(checker).collect();
    if cases.is_empty() {
        let text = "no checker has judged this run".to_owned();
        cases.push(Case {
            name: "verdict".to_owned(),
            class: "checkers",
            failure: Some(("inconclusive", text.clone(), text)),
            skipped: None,
        });
    }
    cases.extend(run.mutants.iter().map(mutant));
    cases.extend(run.skipped.iter().map(|skipped| Case {
        name: skipped.fault.clone(),
        class: "faults",
        failure: None,
        skipped: Some(skipped.reason.clone()),
    }));
    cases
}

fn checker(verdict: &Verdict) -> Case {
    let kind = match verdict.ruling {
        Ruling::Ok => None,
        Ruling::Violation => Some("violation"),
        Ruling::Inconclusive => Some("inconclusive"),
    };
    let mut text = verdict.summary.clone();
    for violation in verdict.violations.iter().take(VIOLATIONS_MAX) {
        let _ = write!(text, "\n- {}", violation.what);
        if !violation.operations.is_empty() {
            let _ = write!(text, " (operations {:?})", violation.operations);
        }
    }
    if verdict.violations.len() > VIOLATIONS_MAX {
        let _ = write!(
            text,
            "\nand {} more",
            verdict.violations.len() - VIOLATIONS_MAX
        );
    }
    Case {
        name: verdict.checker.clone(),
        class: "checkers",
        failure: kind.map(|kind| (kind, verdict.summary.clone(), text)),
        skipped: None,
    }
}

fn mutant(row: &MutantRow) -> Case {
    let failure = (!row.killed).then(|| {
        let text = format!("{} did not find it in {} seeds", row.checker, row.seeds);
        ("mutant-lived", text.clone(), text)
    });
    Case {
        name: row.name.clone(),
        class: "mutants",
        failure,
        skipped: None,
    }
}

fn suite(out: &mut String, run: &Run, cases: &[Case]) {
    let scenario = escape(&run.scenario);
    let level = run.level.name();
    let _ = writeln!(
        out,
        "  <testsuite name=\"{level}.{scenario}.seed-{}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\" time=\"{:.3}\" \
         timestamp=\"{}\">",
        run.seed,
        cases.len(),
        cases.iter().filter(|case| case.failure.is_some()).count(),
        cases.iter().filter(|case| case.skipped.is_some()).count(),
        run.duration_ns as f64 / 1e9,
        escape(&run.started_at),
    );
    let _ = writeln!(
        out,
        "    <properties><property name=\"seed\" value=\"{}\"/><property name=\"reproduce\" value=\"{}\"/></properties>",
        run.seed,
        escape(&run.reproduce),
    );
    for case in cases {
        let name = escape(&case.name);
        let _ = write!(
            out,
            "    <testcase classname=\"{level}.{scenario}.{}\" name=\"{name}\" time=\"0\"",
            case.class,
        );
        match (&case.failure, &case.skipped) {
            (Some((kind, message, text)), _) => {
                let _ = writeln!(
                    out,
                    ">\n      <failure type=\"{kind}\" message=\"{}\">{}\n\nreproduce: {}</failure>\n    </testcase>",
                    escape(message),
                    escape(text),
                    escape(&run.reproduce),
                );
            }
            (None, Some(reason)) => {
                let _ = writeln!(out, "><skipped message=\"{}\"/></testcase>", escape(reason));
            }
            (None, None) => out.push_str("/>\n"),
        }
    }
    out.push_str("  </testsuite>\n");
}
