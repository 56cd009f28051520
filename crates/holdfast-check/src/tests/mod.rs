//! Each checker: a correct run passes, and what it exists for is found. Raft's and linearizability's stand beside them.

use crate::fixtures::{Shape, correct, history, ok, put, record};
use crate::{
    Action, CHECKERS, Claims, Consistency, History, LivenessBounds, NdjsonError, NodeLog, Ruling,
    Verdict, judge_all, overall,
};

mod access;
mod health;
mod reads;
mod writes;

fn found(verdict: &Verdict, words: &str) {
    assert_eq!(verdict.ruling, Ruling::Violation, "{}", verdict.summary);
    let told = verdict
        .violations
        .iter()
        .any(|one| one.what.contains(words));
    assert!(told, "{:?}", verdict.violations);
}

fn held(verdict: &Verdict) {
    assert_eq!(
        verdict.ruling,
        Ruling::Ok,
        "{}: {}",
        verdict.checker,
        verdict.summary
    );
}

fn used(token: u64, consistency: Consistency) -> Action {
    Action::UseToken { token, consistency }
}

const LINEARIZABLE: Consistency = Consistency::Linearizable;

#[test]
fn correct_runs_pass_every_checker() {
    for seed in 0..60 {
        let shape = Shape {
            unknown: seed % 4 * 20,
            indexes: seed % 5 != 0,
            ..Shape::default()
        };
        let history = correct(shape, seed);
        let verdicts = judge_all(&history, &Claims::default(), LivenessBounds::default());
        for verdict in &verdicts {
            match verdict.checker.as_str() {
                // Nothing is written after healing here; `liveness` has tests of its own.
                "liveness" => {}
                "durability" if seed % 5 == 0 => {
                    assert_eq!(verdict.ruling, Ruling::Inconclusive, "no indexes");
                }
                _ => held(verdict),
            }
        }
        let again = judge_all(&history, &Claims::default(), LivenessBounds::default());
        assert_eq!(verdicts, again, "equal histories, equal verdicts");
    }
}

#[test]
fn verdicts_come_under_the_names_of_the_list() {
    let verdicts = judge_all(
        &History::default(),
        &Claims::default(),
        LivenessBounds::default(),
    );
    let names: Vec<&str> = verdicts
        .iter()
        .map(|verdict| verdict.checker.as_str())
        .collect();
    let listed: Vec<&str> = CHECKERS.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, listed[..names.len()]);
    assert_eq!(listed[names.len()..], ["canaries", "nonces"]);
    assert_eq!(
        overall(&verdicts),
        Ruling::Inconclusive,
        "an empty run is no good run"
    );
    assert_eq!(overall(&[]), Ruling::Inconclusive);
}

#[test]
fn a_history_survives_writing_and_reading() {
    let mut history = correct(
        Shape {
            unknown: 100,
            ..Shape::default()
        },
        4,
    );
    history.logs.push(NodeLog {
        node: 4,
        records: vec![record(9, 2, 3, 4)],
        ..NodeLog::default()
    });
    let text = history.to_ndjson();
    assert_eq!(History::from_ndjson(&text).unwrap(), history);
    assert_eq!(History::from_ndjson("\n \n").unwrap(), History::default());
}

#[test]
fn errors_of_reading_name_line_and_field_and_never_what_stands_there() {
    let good = history(vec![(1, put(7, 1, None), ok(5, Some(1), None))]).to_ndjson();
    for (bad, expected) in [
        ("hunter2", "line 3: not an event"),
        (r#"{"kind":"hunter2","event":{}}"#, "line 3: field `kind`"),
        (
            r#"{"kind":"run","event":{"healed_ns":"hunter2","ended_ns":1}}"#,
            "`healed_ns`",
        ),
        (r#"{"kind":"run","event":{"healed_ns":1}}"#, "`ended_ns`"),
        (
            r#"{"kind":"log","event":{"node":1,"purged":0,"committed":0,"records":[{"index":"hunter2"}]}}"#,
            "`records[0].index`",
        ),
        (
            r#"{"kind":"operation","event":{"id":1,"client":1,"node":1,"invoked_ns":1,"returned_ns":1,"action":{"hunter2":1},"outcome":"Unknown"}}"#,
            "`action",
        ),
        (
            r#"{"kind":"operation","event":{"id":1,"client":1,"node":1,"invoked_ns":1,"returned_ns":1,"action":"Seal","outcome":"hunter2"}}"#,
            "`outcome",
        ),
    ] {
        let error = History::from_ndjson(&format!("{good}{bad}\n")).unwrap_err();
        let text = error.to_string();
        assert!(
            text.starts_with("line 3") && text.contains(expected),
            "{text}"
        );
        assert!(!format!("{error:?} {text}").contains("hunter2"), "{text}");
    }
    let NdjsonError::Form { line } = History::from_ndjson("{").unwrap_err() else {
        panic!("half a line is no event");
    };
    assert_eq!(line, 1);
}
