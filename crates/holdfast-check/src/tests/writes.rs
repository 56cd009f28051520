//! What was acknowledged is kept, once, and conditional writes win once.

use super::{found, held};
use crate::fixtures::{Shape, correct, done, get, history, ok, put};
use crate::{Action, Outcome, Payload, Ruling, cas, duplicates, durability};

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
