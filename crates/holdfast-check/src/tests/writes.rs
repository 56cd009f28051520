//! What was acknowledged is kept, once, and conditional writes win once.

use super::{LINEARIZABLE, found, held};
use crate::fixtures::{Shape, correct, done, get, history, ok, put, record};
use crate::{Action, NodeLog, Outcome, Payload, Ruling, Verdict, cas, duplicates, durability};

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
    let mut history = correct(Shape::default(), 1);
    let put = history
        .operations
        .iter_mut()
        .find(|op| op.is_ok() && matches!(op.action, Action::Put { .. }));
    if let Some(Outcome::Ok(seen)) = put.map(|put| &mut put.outcome) {
        seen.index = None;
    }
    let verdict = durability(&history);
    assert_eq!(verdict.ruling, Ruling::Inconclusive, "{}", verdict.summary);
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
    let mut whole = correct(Shape::default(), 1);
    let hole = whole
        .operations
        .iter()
        .filter(|op| matches!(op.action, Action::Put { .. }))
        .find_map(|op| op.index().filter(|index| *index < 20))
        .expect("a write near the beginning");
    for log in &mut whole.logs {
        log.records.retain(|record| record.index != hole);
    }
    (whole.logs[0].purged, whole.logs[1].purged) = (30, 30);
    found(&durability(&whole), "no node has a committed entry there");
    whole.logs[2].purged = 30;
    held(&durability(&whole));
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

fn old(version: u64) -> Action {
    Action::GetVersion {
        key: 7,
        version,
        consistency: LINEARIZABLE,
    }
}

/// Two versions, what came between and after, and a read of the first.
fn first_of_two(between: Vec<(Action, Outcome)>, read: Outcome) -> Verdict {
    let mut steps = vec![
        (1, put(7, 1, None), ok(1, Some(1), None)),
        (1, put(7, 2, None), ok(2, Some(2), None)),
    ];
    steps.extend(
        between
            .into_iter()
            .map(|(action, outcome)| (1, action, outcome)),
    );
    steps.push((2, old(1), read));
    let mut history = history(steps);
    history.logs = vec![NodeLog {
        node: 1,
        committed: 40,
        records: (1..=40).map(|index| record(index, 1, 1, index)).collect(),
        ..NodeLog::default()
    }];
    durability(&history)
}

#[test]
fn durability_finds_an_older_version_that_is_gone_or_another() {
    let read = |value| first_of_two(Vec::new(), ok(9, Some(1), value));
    held(&read(Some(1)));
    found(&read(Some(2)), "reads as another value in operation 2");
    found(&read(None), "version 1 of acknowledged write 0 is lost");
}

#[test]
fn an_older_version_may_be_gone_when_it_was_deleted_or_is_kept_no_longer() {
    let nothing = || ok(9, None, None);
    let late = vec![(Action::Delete { key: 7 }, ok(3, None, None))];
    found(&first_of_two(late, nothing()), "is lost");
    let newer = |count: u64| {
        let puts = (3..3 + count).map(|value| (put(7, value, None), ok(value, Some(value), None)));
        first_of_two(puts.collect(), nothing())
    };
    found(&newer(8), "is lost");
    held(&newer(9));
    // One of unknown fate may have made a version that nobody told of.
    let mut untold: Vec<(Action, Outcome)> = (3..11)
        .map(|value| (put(7, value, None), ok(value, Some(value), None)))
        .collect();
    untold.push((put(7, 50, None), Outcome::Unknown));
    held(&first_of_two(untold, nothing()));
    let deleted = history(vec![
        (1, put(7, 1, None), ok(1, Some(1), None)),
        (1, Action::Delete { key: 7 }, Outcome::Unknown),
        (2, old(1), nothing()),
    ]);
    assert_ne!(durability(&deleted).ruling, Ruling::Violation);
}

#[test]
fn a_version_that_nobody_was_told_of_is_of_a_write_of_unknown_fate() {
    let read = |outcome| {
        let steps = vec![
            (1, put(7, 1, None), outcome),
            (2, old(1), ok(9, Some(1), Some(1))),
        ];
        durability(&history(steps))
    };
    assert_ne!(read(Outcome::Unknown).ruling, Ruling::Violation);
    found(&read(Outcome::Unavailable), "no write of unknown fate");
    found(&read(ok(5, Some(2), None)), "no write of unknown fate");
}
