//! Reads are as fresh as promised, and show what was written.

use super::{LINEARIZABLE, found, held};
use crate::fixtures::{history, ok, put};
use crate::{Action, Consistency, Outcome, Seen, phantoms, stale_reads};

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
fn what_may_be_only_so_old_stands_where_it_must_whatever_it_asks_for() {
    let listed = |millis, index| {
        let consistency = Consistency::Bounded { millis };
        let seen = Seen {
            index: Some(index),
            keys: vec![7],
            ..Seen::default()
        };
        let mut history = history(vec![
            (1, put(7, 1, None), ok(5, Some(1), None)),
            (1, put(7, 2, None), ok(4, Some(2), None)),
            (2, Action::List { consistency }, Outcome::Ok(seen)),
        ]);
        let list = &mut history.operations[2];
        (list.invoked_ns, list.returned_ns) = (400_000_000, Some(400_000_001));
        history
    };
    found(&stale_reads(&listed(100, 4)), "stands at index 4");
    held(&stale_reads(&listed(100, 5)));
    held(&stale_reads(&listed(500, 4)));
}

#[test]
fn an_answer_is_as_young_as_it_says() {
    let read = |age_ms, index| {
        let stale = Action::Get {
            key: 7,
            consistency: Consistency::Stale,
        };
        let seen = Seen {
            index: Some(index),
            version: Some(index - 4),
            value: Some(index - 4),
            age_ms,
            ..Seen::default()
        };
        let mut history = history(vec![
            (1, put(7, 1, None), ok(5, Some(1), None)),
            (1, put(7, 2, None), ok(6, Some(2), None)),
            (2, stale, Outcome::Ok(seen)),
        ]);
        let read = &mut history.operations[2];
        (read.invoked_ns, read.returned_ns) = (400_000_000, Some(400_000_001));
        stale_reads(&history)
    };
    found(&read(Some(100), 5), "or said it was");
    held(&read(Some(100), 6));
    held(&read(Some(500), 5));
    held(&read(None, 5));
}

#[test]
fn any_list_names_what_was_written_below_its_index() {
    let listed = |consistency, index, keys: Vec<u64>| {
        let seen = Seen {
            index,
            keys,
            ..Seen::default()
        };
        stale_reads(&history(vec![
            (1, put(7, 1, None), ok(5, Some(1), None)),
            (1, put(8, 2, None), ok(6, Some(1), None)),
            (2, Action::List { consistency }, Outcome::Ok(seen)),
        ]))
    };
    let stale = Consistency::Stale;
    held(&listed(stale, Some(5), vec![7]));
    held(&listed(stale, None, vec![]));
    found(&listed(stale, Some(6), vec![7]), "did not name secret 8");
    let least = Consistency::AtLeast { index: 6 };
    found(&listed(least, None, vec![7]), "did not name secret 8");
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
    found(&stale_reads(&listed(vec![])), "did not name secret 8");
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
