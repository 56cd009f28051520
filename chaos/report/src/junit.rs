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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::html::tests::{run, verdict};
    use crate::run::Skipped;
    use holdfast_check::Violation;
    use roxmltree::{Document, Node};

    fn named<'a>(document: &'a Document<'_>, tag: &str) -> Vec<Node<'a, 'a>> {
        document
            .descendants()
            .filter(|node| node.has_tag_name(tag))
            .collect()
    }

    #[test]
    fn each_run_is_a_suite_and_each_checker_a_case() {
        let text = junit(&[run(), Run { seed: 8, ..run() }]);
        let document = Document::parse(&text).expect("well-formed");
        let suites = named(&document, "testsuite");
        let names: Vec<_> = suites
            .iter()
            .filter_map(|suite| suite.attribute("name"))
            .collect();
        assert_eq!(
            names,
            ["proc.leader-kill.seed-7", "proc.leader-kill.seed-8"]
        );
        assert_eq!(named(&document, "testcase").len(), 4);
        assert!(named(&document, "failure").is_empty());
        assert_eq!(document.root_element().attribute("failures"), Some("0"));
        assert_eq!(suites[0].attribute("time"), Some("3.000"));
    }

    #[test]
    fn violations_inconclusive_verdicts_and_living_bugs_fail_each_with_its_type() {
        let mut run = run();
        let what = "k3 <lost> & gone".to_owned();
        let violation = Violation {
            what,
            at_ns: None,
            operations: vec![4, 5],
            nodes: vec![],
        };
        run.verdicts[0].ruling = Ruling::Violation;
        run.verdicts[0].violations = vec![violation; 30];
        run.verdicts[1] = verdict("linearizability", Ruling::Inconclusive);
        run.mutants = vec![MutantRow {
            name: "seal-keeps-key".to_owned(),
            checker: "sealed".to_owned(),
            killed_by: None,
            seeds: 40,
            killed: false,
        }];
        run.skipped = vec![Skipped {
            fault: "hung disk".to_owned(),
            reason: "no \"root\"".to_owned(),
        }];
        let text = junit(&[run]);
        let document = Document::parse(&text).expect("well-formed");
        let failures = named(&document, "failure");
        let kinds: Vec<_> = failures
            .iter()
            .filter_map(|node| node.attribute("type"))
            .collect();
        assert_eq!(kinds, ["violation", "inconclusive", "mutant-lived"]);
        let words = failures[0].text().expect("it says what");
        assert!(
            words.contains("k3 <lost> & gone (operations [4, 5])") && words.contains("and 10 more")
        );
        assert!(words.contains("reproduce: holdfast-chaos run --seed 7"));
        assert_eq!(
            named(&document, "skipped")[0].attribute("message"),
            Some("no \"root\"")
        );
        let suite = named(&document, "testsuite")[0];
        let count = |name| suite.attribute(name).map(str::to_owned);
        assert_eq!(
            ["tests", "failures", "skipped"].map(count),
            ["4", "3", "1"].map(|n| Some(n.to_owned()))
        );
    }

    #[test]
    fn a_run_that_nobody_judged_fails() {
        let text = junit(&[Run {
            verdicts: Vec::new(),
            ..run()
        }]);
        let document = Document::parse(&text).expect("well-formed");
        assert_eq!(
            named(&document, "failure")[0].attribute("type"),
            Some("inconclusive")
        );
        Document::parse(&junit(&[])).expect("none is well-formed as well");
    }
}
