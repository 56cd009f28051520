//! Runs as JUnit's XML, for build servers: a suite for each run, a case for each checker and skipped fault; of a sweep also
//! the runs that could not be done, the scenarios that were not tried, and the seeded bugs.

use std::fmt::Write as _;

use holdfast_check::{Ruling, Verdict};

use crate::html::escape;
use crate::run::Run;
use crate::sweep::{Broken, LeftOut, MutantRow, Sweep};

/// Of one checker's violations, so many are written; build servers show them in a list.
const VIOLATIONS_MAX: usize = 20;

#[derive(Default)]
struct Suite<'a> {
    /// What its name and those of its cases begin with.
    place: String,
    duration_ns: u64,
    started_at: Option<&'a str>,
    seed: Option<u64>,
    reproduce: Option<&'a str>,
    cases: Vec<Case>,
}

struct Case {
    name: String,
    class: &'static str,
    outcome: Outcome,
}

enum Outcome {
    Held,
    /// Kind, headline and text of what went wrong.
    Failed(&'static str, String, String),
    /// The harness could not do it, and why.
    Error(String),
    Skipped(String),
}

/// One document of all runs. An inconclusive verdict is a failure of its own type.
#[must_use]
pub fn junit(runs: &[Run]) -> String {
    let suites: Vec<Suite<'_>> = runs.iter().map(of_run).collect();
    document(&suites)
}

/// One document of a sweep. `judged` are its runs, whose histories need not be there.
#[must_use]
pub fn junit_sweep(sweep: &Sweep, judged: &[Run]) -> String {
    let mut suites: Vec<Suite<'_>> = judged.iter().map(of_run).collect();
    suites.extend(sweep.broken.iter().map(of_broken));
    suites.extend(sweep.left_out.iter().map(of_left_out));
    suites.extend(sweep.unfinished.iter().map(|why| of_unfinished(why)));
    if !sweep.mutants.is_empty() {
        suites.push(Suite {
            place: "sim.seeded-bugs".to_owned(),
            cases: sweep.mutants.iter().map(mutant).collect(),
            ..Suite::default()
        });
    }
    document(&suites)
}

fn of_run(run: &Run) -> Suite<'_> {
    Suite {
        place: format!("{}.{}", run.level.name(), run.scenario),
        duration_ns: run.duration_ns,
        started_at: Some(&run.started_at),
        seed: Some(run.seed),
        reproduce: Some(&run.reproduce),
        cases: cases(run),
    }
}

fn of_broken(broken: &Broken) -> Suite<'_> {
    Suite {
        place: format!("{}.{}", broken.level.name(), broken.scenario),
        seed: Some(broken.seed),
        reproduce: Some(&broken.reproduce),
        cases: vec![Case {
            name: "run".to_owned(),
            class: "harness",
            outcome: Outcome::Error(broken.error.clone()),
        }],
        ..Suite::default()
    }
}

fn of_left_out(left_out: &LeftOut) -> Suite<'_> {
    Suite {
        place: format!("{}.{}", left_out.level.name(), left_out.scenario),
        cases: vec![Case {
            name: "run".to_owned(),
            class: "harness",
            outcome: Outcome::Skipped(left_out.reason.clone()),
        }],
        ..Suite::default()
    }
}

fn of_unfinished(why: &str) -> Suite<'static> {
    Suite {
        place: "proc.sweep".to_owned(),
        cases: vec![Case {
            name: "all-runs".to_owned(),
            class: "harness",
            outcome: Outcome::Error(why.to_owned()),
        }],
        ..Suite::default()
    }
}

fn cases(run: &Run) -> Vec<Case> {
    let mut cases: Vec<Case> = run.verdicts.iter().map(checker).collect();
    if cases.is_empty() {
        let text = "no checker has judged this run".to_owned();
        cases.push(Case {
            name: "verdict".to_owned(),
            class: "checkers",
            outcome: Outcome::Failed("inconclusive", text.clone(), text),
        });
    }
    cases.extend(run.skipped.iter().map(|skipped| Case {
        name: skipped.fault.clone(),
        class: "faults",
        outcome: Outcome::Skipped(skipped.reason.clone()),
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
    let summary = verdict.summary.clone();
    Case {
        name: verdict.checker.clone(),
        class: "checkers",
        outcome: kind.map_or(Outcome::Held, |kind| Outcome::Failed(kind, summary, text)),
    }
}

fn mutant(row: &MutantRow) -> Case {
    let outcome = if row.killed {
        Outcome::Held
    } else {
        let text = format!("{} did not find it in {} seeds", row.checker, row.seeds);
        Outcome::Failed("mutant-lived", text.clone(), text)
    };
    Case {
        name: row.name.clone(),
        class: "mutants",
        outcome,
    }
}

/// How many cases failed, could not be done, were skipped.
fn tally<'a>(cases: impl IntoIterator<Item = &'a Case>) -> [u64; 3] {
    let mut tally = [0; 3];
    for case in cases {
        match case.outcome {
            Outcome::Held => {}
            Outcome::Failed(..) => tally[0] += 1,
            Outcome::Error(_) => tally[1] += 1,
            Outcome::Skipped(_) => tally[2] += 1,
        }
    }
    tally
}

fn document(suites: &[Suite<'_>]) -> String {
    let all = || suites.iter().flat_map(|suite| &suite.cases);
    let [failures, errors, skipped] = tally(all());
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        out,
        "<testsuites name=\"holdfast-chaos\" tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\">",
        all().count(),
    );
    for suite in suites {
        write_suite(&mut out, suite);
    }
    out.push_str("</testsuites>\n");
    out
}

fn write_suite(out: &mut String, suite: &Suite<'_>) {
    let place = escape(&suite.place);
    let [failures, errors, skipped] = tally(&suite.cases);
    let seed = suite
        .seed
        .map_or_else(String::new, |seed| format!(".seed-{seed}"));
    let _ = write!(
        out,
        "  <testsuite name=\"{place}{seed}\" tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\" \
         time=\"{:.3}\"",
        suite.cases.len(),
        suite.duration_ns as f64 / 1e9,
    );
    if let Some(started_at) = suite.started_at {
        let _ = write!(out, " timestamp=\"{}\"", escape(started_at));
    }
    out.push_str(">\n");
    if let (Some(seed), Some(reproduce)) = (suite.seed, suite.reproduce) {
        let _ = writeln!(
            out,
            "    <properties><property name=\"seed\" value=\"{seed}\"/><property name=\"reproduce\" value=\"{}\"/></properties>",
            escape(reproduce),
        );
    }
    for case in &suite.cases {
        write_case(out, &place, suite.reproduce, case);
    }
    out.push_str("  </testsuite>\n");
}

fn write_case(out: &mut String, place: &str, reproduce: Option<&str>, case: &Case) {
    let _ = write!(
        out,
        "    <testcase classname=\"{place}.{}\" name=\"{}\" time=\"0\"",
        case.class,
        escape(&case.name),
    );
    let again = reproduce.map_or_else(String::new, |command| {
        format!("\n\nreproduce: {}", escape(command))
    });
    match &case.outcome {
        Outcome::Held => out.push_str("/>\n"),
        Outcome::Failed(kind, message, text) => {
            let _ = writeln!(
                out,
                ">\n      <failure type=\"{kind}\" message=\"{}\">{}{again}</failure>\n    </testcase>",
                escape(message),
                escape(text),
            );
        }
        Outcome::Error(why) => {
            let why = escape(why);
            let _ = writeln!(
                out,
                ">\n      <error type=\"harness\" message=\"{why}\">{why}{again}</error>\n    </testcase>",
            );
        }
        Outcome::Skipped(reason) => {
            let _ = writeln!(out, "><skipped message=\"{}\"/></testcase>", escape(reason));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::html::tests::{run, verdict};
    use crate::run::Skipped;
    use crate::sweep::tests::{broken, left_out, mutant as row};
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
        run.skipped = vec![Skipped {
            fault: "hung disk".to_owned(),
            reason: "no \"root\"".to_owned(),
        }];
        let sweep = Sweep {
            mutants: vec![row("seal-keeps-key", None), row("name-in-clear", Some(0))],
            ..Sweep::default()
        };
        let text = junit_sweep(&sweep, &[run]);
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
            ["3", "2", "1"].map(|n| Some(n.to_owned()))
        );
    }

    #[test]
    fn what_was_not_done_or_not_tried_is_there_as_error_and_skipped() {
        let sweep = Sweep {
            broken: vec![broken("node 1 to answer: it \"ended\"")],
            left_out: vec![left_out("hung-disk does not work here: no root")],
            ..Sweep::default()
        };
        let text = junit_sweep(&sweep, &[run()]);
        let document = Document::parse(&text).expect("well-formed");
        let root = |name| document.root_element().attribute(name);
        assert_eq!(
            ["tests", "failures", "errors", "skipped"].map(root),
            ["4", "0", "1", "1"].map(Some)
        );
        let names: Vec<_> = named(&document, "testsuite")
            .iter()
            .filter_map(|suite| suite.attribute("name"))
            .collect();
        assert_eq!(
            names[1..],
            ["proc.leader-kill.seed-9", "proc.hung-disk"],
            "each has a suite"
        );
        let error = named(&document, "error")[0];
        assert_eq!(error.attribute("type"), Some("harness"));
        let words = error.text().expect("it says what");
        assert!(words.contains("it \"ended\"") && words.contains("reproduce: holdfast-chaos run"));
        assert_eq!(
            named(&document, "skipped")[0].attribute("message"),
            Some("hung-disk does not work here: no root")
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
