//! Each checker: a correct run passes, and what it exists for is found. Raft's and linearizability's stand beside them.

use crate::fixtures::{Shape, correct, done, get, history, ok, put, record, sample};
use crate::{
    Action, CHECKERS, Claims, Consistency, Fault, History, LivenessBounds, NdjsonError, NodeLog,
    NodeSample, NodeState, Outcome, Payload, Ruling, Seen, Verdict, cas, coverage, digests,
    duplicates, durability, judge_all, liveness, overall, phantoms, revocation, sealed,
    stale_reads, wgl,
};

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
            // Nothing is written after healing here; `liveness` has tests of its own.
            if verdict.checker != "liveness" {
                held(verdict);
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
fn durability_finds_what_no_log_holds() {
    let mut history = correct(Shape::default(), 1);
    for log in &mut history.logs {
        log.records.truncate(40);
        log.committed = 40;
    }
    found(&durability(&history), "the committed log ends at 40");
    let mut history = correct(Shape::default(), 1);
    for log in &mut history.logs {
        for record in &mut log.records {
            record.payload = Payload::Tick;
        }
    }
    found(&durability(&history), "another kind of entry");
    let mut history = correct(Shape::default(), 1);
    history.logs[1].records[5].hash = "other".to_owned();
    found(
        &durability(&history),
        "different committed entries at index 6",
    );
}

#[test]
fn durability_counts_what_most_nodes_hold_and_forgives_what_was_purged() {
    let mut history = correct(Shape::default(), 1);
    for log in &mut history.logs {
        log.committed = 30;
    }
    held(&durability(&history));
    for log in &mut history.logs {
        log.records.drain(..30);
        log.purged = 30;
    }
    held(&durability(&history));
    history.logs[0].records.truncate(3);
    history.logs[1].records.truncate(3);
    found(&durability(&history), "the committed log ends at 33");
}

#[test]
fn durability_judges_by_final_reads_alone_and_says_so() {
    let steps = |version, value| {
        let mut history = history(vec![
            (1, put(7, 1, None), ok(5, Some(1), None)),
            (1, put(7, 2, None), ok(6, Some(2), None)),
            (2, get(7), ok(9, version, value)),
        ]);
        history.healed_ns = Some(28);
        history
    };
    let good = durability(&steps(Some(2), Some(2)));
    held(&good);
    assert!(
        good.summary.contains("no logs were given"),
        "{}",
        good.summary
    );
    found(
        &durability(&steps(Some(1), Some(1))),
        "found only version 1",
    );
    found(&durability(&steps(None, None)), "found nothing");
    found(
        &durability(&steps(Some(2), Some(9))),
        "another value at version 2",
    );
    let mut blind = steps(Some(2), Some(2));
    blind.healed_ns = None;
    assert_eq!(durability(&blind).ruling, Ruling::Inconclusive);
}

#[test]
fn durability_finds_a_version_made_twice_and_a_lost_delete() {
    found(
        &durability(&history(vec![
            (1, put(7, 1, None), ok(5, Some(1), None)),
            (2, put(7, 2, None), ok(5, Some(1), None)),
        ])),
        "version 1 of acknowledged write 0 was lost",
    );
    let mut history = history(vec![
        (1, put(7, 1, None), ok(5, Some(1), None)),
        (1, Action::Delete { key: 7 }, done()),
        (1, get(7), ok(7, Some(1), Some(1))),
    ]);
    history.healed_ns = Some(28);
    found(&durability(&history), "acknowledged delete 1 is lost");
}

#[test]
fn duplicates_finds_a_value_at_two_versions_and_versions_without_a_write() {
    found(
        &duplicates(&history(vec![
            (1, put(7, 1, None), ok(6, Some(2), None)),
            (2, get(7), ok(5, Some(1), Some(1))),
        ])),
        "it was written twice",
    );
    found(
        &duplicates(&history(vec![(1, put(7, 1, None), ok(6, Some(2), None))])),
        "version 1 was made, and no write can have made it",
    );
    found(
        &duplicates(&history(vec![
            (1, put(7, 1, None), ok(6, Some(1), None)),
            (1, put(8, 2, None), ok(6, Some(1), None)),
        ])),
        "both told that they stand at index 6",
    );
}

#[test]
fn cas_finds_two_winners_and_a_wrong_version() {
    found(
        &cas(&history(vec![
            (1, put(7, 1, Some(0)), ok(5, Some(1), None)),
            (2, put(7, 2, Some(0)), ok(6, Some(1), None)),
        ])),
        "writes 0 and 1 both won version 0",
    );
    found(
        &cas(&history(vec![(
            1,
            put(7, 1, Some(0)),
            ok(5, Some(2), None),
        )])),
        "only at version 0 and made version 2",
    );
    found(
        &cas(&history(vec![
            (1, put(7, 1, None), ok(5, Some(1), None)),
            (2, put(7, 2, None), ok(6, Some(1), None)),
        ])),
        "one of them is lost",
    );
}

#[test]
fn stale_reads_finds_each_promise_broken() {
    let read = |consistency, index, version, value| {
        let mut history = history(vec![
            (1, put(7, 1, None), ok(5, Some(1), None)),
            (1, put(7, 2, None), ok(6, Some(2), None)),
            (
                2,
                Action::Get {
                    key: 7,
                    consistency,
                },
                ok(index, version, value),
            ),
        ]);
        let read = &mut history.operations[2];
        (read.invoked_ns, read.returned_ns) = (400_000_000, Some(400_000_001));
        history
    };
    let old = (Some(1), Some(1));
    found(
        &stale_reads(&read(Consistency::AtLeast { index: 6 }, 5, old.0, old.1)),
        "to stand at index 6 at least",
    );
    found(
        &stale_reads(&read(Consistency::AtLeast { index: 6 }, 6, old.0, old.1)),
        "at index 6 or later",
    );
    found(
        &stale_reads(&read(LINEARIZABLE, 5, old.0, old.1)),
        "index 6 had been told",
    );
    found(
        &stale_reads(&read(Consistency::Stale, 6, old.0, old.1)),
        "version 2 was made at or before",
    );
    found(
        &stale_reads(&read(Consistency::Stale, 5, Some(2), Some(2))),
        "made only later in the log",
    );
    found(
        &stale_reads(&read(Consistency::Bounded { millis: 100 }, 5, old.0, old.1)),
        "at most 100 ms old",
    );
    held(&stale_reads(&read(
        Consistency::Bounded { millis: 500 },
        5,
        old.0,
        old.1,
    )));
    held(&stale_reads(&read(Consistency::Stale, 5, old.0, old.1)));
}

#[test]
fn a_linearizable_list_names_what_was_written() {
    let listed = |keys: Vec<u64>| {
        let seen = Seen {
            keys,
            ..Seen::default()
        };
        history(vec![
            (1, put(7, 1, None), ok(5, Some(1), None)),
            (1, put(8, 2, None), ok(6, Some(1), None)),
            (
                2,
                Action::List {
                    consistency: LINEARIZABLE,
                },
                Outcome::Ok(seen),
            ),
        ])
    };
    held(&stale_reads(&listed(vec![7, 8])));
    found(&stale_reads(&listed(vec![8])), "did not name secret 7");
    held(&phantoms(&listed(vec![7, 8])));
    found(&phantoms(&listed(vec![7, 9])), "named secret 9");
}

#[test]
fn phantoms_finds_what_nobody_wrote_or_what_was_refused() {
    let stale = Action::Get {
        key: 7,
        consistency: Consistency::Stale,
    };
    let seen = |value| ok(9, Some(1), Some(value));
    let steps = |outcome, value| {
        history(vec![
            (1, put(7, 1, Some(0)), outcome),
            (2, stale.clone(), seen(value)),
        ])
    };
    held(&phantoms(&steps(Outcome::Unknown, 1)));
    found(
        &phantoms(&steps(Outcome::CasMismatch, 1)),
        "which was refused",
    );
    found(&phantoms(&steps(Outcome::Unknown, 2)), "nobody wrote");
    let early = history(vec![
        (2, stale, seen(1)),
        (1, put(7, 1, None), ok(9, Some(1), None)),
    ]);
    found(&phantoms(&early), "before that was asked");
}

fn family(revoke: Outcome, then: Vec<(u64, Action, Outcome)>) -> History {
    let mut steps = vec![
        (
            1,
            Action::CreateToken {
                token: 1,
                parent: None,
            },
            ok(5, None, None),
        ),
        (
            1,
            Action::CreateToken {
                token: 2,
                parent: Some(1),
            },
            ok(6, None, None),
        ),
        (1, Action::RevokeToken { token: 1 }, revoke),
    ];
    steps.extend(then);
    history(steps)
}

#[test]
fn revocation_finds_a_revoked_token_let_in_on_any_node() {
    let child = used(2, LINEARIZABLE);
    let revoked = || ok(7, None, None);
    held(&revocation(&family(
        revoked(),
        vec![(3, child.clone(), Outcome::Denied)],
    )));
    let verdict = revocation(&family(
        revoked(),
        vec![(3, child.clone(), ok(8, None, None))],
    ));
    found(&verdict, "token 2 was let in by node 3");
    assert_eq!(verdict.violations[0].operations, [2, 3]);
    let later = used(2, Consistency::AtLeast { index: 7 });
    found(
        &revocation(&family(revoked(), vec![(3, later, done())])),
        "let in by node 3",
    );
    held(&revocation(&family(
        revoked(),
        vec![(3, used(2, Consistency::Stale), ok(6, None, None))],
    )));
    found(
        &revocation(&family(
            revoked(),
            vec![(3, used(2, Consistency::Stale), ok(7, None, None))],
        )),
        "let in by node 3",
    );
    let born = Action::CreateToken {
        token: 3,
        parent: Some(2),
    };
    found(
        &revocation(&family(revoked(), vec![(2, born, ok(9, None, None))])),
        "let in by node 2",
    );
}

#[test]
fn a_revocation_of_unknown_fate_may_be_either_but_not_both_ways() {
    let child = || used(2, LINEARIZABLE);
    let unknown = |then| revocation(&family(Outcome::Unknown, then));
    held(&unknown(vec![
        (1, child(), done()),
        (2, child(), Outcome::Denied),
    ]));
    found(
        &unknown(vec![(1, child(), Outcome::Denied), (2, child(), done())]),
        "refused in operation 3 and let in again",
    );
    let refused = family(Outcome::Unavailable, vec![(1, child(), Outcome::Denied)]);
    found(&revocation(&refused), "nobody had asked to revoke it");
}

#[test]
fn sealed_finds_answers_after_the_seal() {
    let after = |node, action: Action| {
        history(vec![
            (1, Action::Seal, done()),
            (node, action, ok(9, None, None)),
        ])
    };
    let stale = || Action::Get {
        key: 7,
        consistency: Consistency::Stale,
    };
    found(
        &sealed(&after(1, stale())),
        "node 1 answered operation 1 after",
    );
    found(
        &sealed(&after(2, get(7))),
        "node 2 answered operation 1 after",
    );
    found(
        &sealed(&after(2, put(7, 1, None))),
        "node 2 answered operation 1 after",
    );
    held(&sealed(&after(2, stale())));
    let opened = history(vec![
        (1, Action::Seal, done()),
        (2, Action::Unseal, done()),
        (2, get(7), ok(9, None, None)),
    ]);
    held(&sealed(&opened));
}

#[test]
fn sealed_finds_answers_of_a_node_that_says_it_is_sealed() {
    let with = |steps, sealed_ones: [bool; 4]| {
        let mut history = history(steps);
        let looks = [5, 15, 40, 60].into_iter().zip(sealed_ones);
        history.samples = looks
            .map(|(at, sealed)| NodeSample {
                sealed,
                ..sample(2, at)
            })
            .collect();
        history
    };
    let stale = || Action::Get {
        key: 7,
        consistency: Consistency::Stale,
    };
    let second = || {
        vec![
            (1, Action::Seal, Outcome::Unknown),
            (2, stale(), ok(9, None, None)),
        ]
    };
    found(
        &sealed(&with(second(), [true; 4])),
        "while it said that it is sealed",
    );
    held(&sealed(&with(second(), [false, true, true, true])));
    let opening = vec![
        (2, Action::Unseal, Outcome::Unknown),
        (2, stale(), ok(9, None, None)),
    ];
    held(&sealed(&with(opening, [true; 4])));
}

#[test]
fn digests_finds_two_states_at_one_index() {
    let with = |third: &str| {
        let mut history = History::default();
        for (node, digest) in [(1, "ab"), (2, "ab"), (3, third)] {
            let digests = vec![(100, digest.to_owned())];
            history.samples.push(NodeSample {
                digests,
                ..sample(node, node)
            });
        }
        history
    };
    held(&digests(&with("ab")));
    found(
        &digests(&with("cd")),
        "nodes 1 and 3 have different states at index 100",
    );
    assert_eq!(digests(&History::default()).ruling, Ruling::Inconclusive);
}

#[test]
fn coverage_fails_a_run_that_did_not_do_what_it_claims() {
    let mut history = correct(Shape::default(), 3);
    let fault = |verified| Fault {
        kind: "kill".to_owned(),
        nodes: vec![1],
        detail: String::new(),
        from_ns: 1,
        until_ns: Some(2),
        verified,
        hit_leader: true,
    };
    history.faults = vec![fault(true), fault(false)];
    let claims = |operations, leader_changes, kills| Claims {
        operations,
        leader_changes,
        faults: [("kill".to_owned(), kills)].into(),
        ..Claims::default()
    };
    held(&coverage(&history, &claims(100, 0, 1)));
    for claims in [claims(10_000, 0, 1), claims(100, 1, 1), claims(100, 0, 2)] {
        let verdict = coverage(&history, &claims);
        assert_eq!(verdict.ruling, Ruling::Inconclusive);
        assert_eq!(verdict.violations.len(), 1, "{:?}", verdict.violations);
    }
    let more = Claims {
        seals: 1,
        revocations: 1,
        follower_reads: 1,
        ..Claims::default()
    };
    assert_eq!(coverage(&history, &more).violations.len(), 3);
}

/// Ten writes a second for twenty seconds; a fault from 5 to 10 s; healed then. `slow`: only each such one afterwards.
fn lively(slow: u64) -> History {
    let second = 1_000_000_000;
    let steps = (0..200).map(|at| (1 + at % 3, put(at, at, None), ok(at + 1, Some(1), None)));
    let mut run = history(steps.collect());
    for (op, at) in run.operations.iter_mut().zip(0_u64..) {
        op.invoked_ns = at * second / 10;
        op.returned_ns = Some(op.invoked_ns + 1_000_000);
    }
    run.operations.retain(|op| {
        op.invoked_ns < 5 * second || op.invoked_ns >= 10 * second && op.id % slow == 0
    });
    run.faults.push(Fault {
        kind: "kill".to_owned(),
        nodes: vec![1],
        detail: String::new(),
        from_ns: 5 * second,
        until_ns: Some(10 * second),
        verified: true,
        hit_leader: true,
    });
    (run.healed_ns, run.ended_ns) = (Some(10 * second), 50 * second);
    run.samples = [1, 2, 3]
        .map(|node| NodeSample {
            committed: 200,
            applied: 200,
            ..sample(node, 49 * second)
        })
        .to_vec();
    run
}

#[test]
fn liveness_finds_a_node_that_stays_silent_or_behind_and_lasting_slowness() {
    let bounds = LivenessBounds {
        first_write_ms: 2_000,
        throughput_percent: 50,
    };
    held(&liveness(&lively(1), bounds));
    found(&liveness(&lively(7), bounds), "less than 50 %");
    let mut silent = lively(1);
    for op in silent
        .operations
        .iter_mut()
        .filter(|op| op.node == 2 && op.invoked_ns >= 10_000_000_000)
    {
        op.outcome = Outcome::Unavailable;
    }
    found(
        &liveness(&silent, bounds),
        "node 2 acknowledged no write within 2000 ms",
    );
    let mut behind = lively(1);
    behind.samples[0].at_ns -= 5;
    behind.samples.insert(
        0,
        NodeSample {
            committed: 200,
            applied: 200,
            ..sample(3, 1_000)
        },
    );
    behind.samples[2].applied = 150;
    found(
        &liveness(&behind, bounds),
        "node 2 has applied up to 150 at the end",
    );
    let mut down = lively(1);
    down.samples[2].state = NodeState::Down;
    found(&liveness(&down, bounds), "node 3 is down at the end");
    for history in [
        History::default(),
        History {
            faults: Vec::new(),
            ..lively(1)
        },
    ] {
        assert_eq!(liveness(&history, bounds).ruling, Ruling::Inconclusive);
    }
}

#[test]
fn the_second_algorithm_gives_no_verdict_on_nothing() {
    assert_eq!(wgl(&History::default()).ruling, Ruling::Inconclusive);
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
