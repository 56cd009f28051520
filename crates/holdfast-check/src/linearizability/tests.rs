//! Linearizability, and the second algorithm against it: on correct histories, on planted anomalies, on any anomaly at all.

use super::linearizability;
use crate::fixtures::{Dice, Shape, correct, get, history, ok, put};
use crate::keys::by_key;
use crate::{Action, Consistency, History, Outcome, Ruling, Seen, wgl_key};
use std::time::Instant;

const STEPS: u64 = 2_000_000;

fn both(history: &History) -> (Ruling, Ruling) {
    let keys = by_key(history);
    let rulings: Vec<Ruling> = keys
        .keys()
        .map(|key| wgl_key(history, *key, STEPS))
        .collect();
    let wgl = if rulings.contains(&Ruling::Violation) {
        Ruling::Violation
    } else if rulings.contains(&Ruling::Inconclusive) {
        Ruling::Inconclusive
    } else {
        Ruling::Ok
    };
    (linearizability(history).ruling, wgl)
}

#[test]
fn correct_histories_pass_both() {
    for seed in 0..300 {
        let shape = Shape {
            unknown: seed % 7 * 20,
            indexes: seed % 3 == 0,
            tells_deleted: seed % 2 == 0,
            ..Shape::default()
        };
        let history = correct(shape, seed);
        let verdict = linearizability(&history);
        assert_eq!(
            verdict.ruling,
            Ruling::Ok,
            "seed {seed}: {}",
            verdict.summary
        );
        assert_ne!(both(&history).1, Ruling::Violation, "seed {seed}");
    }
}

/// Changes one answer of a history, as a bug would.
fn spoil(history: &mut History, kind: u64, dice: &mut Dice) -> bool {
    let lie = |seen: &Seen| Outcome::Ok(seen.clone());
    let fits = |action: &Action, seen: &Seen| match kind {
        0 | 1 => {
            matches!(
                action,
                Action::Get {
                    consistency: Consistency::Linearizable,
                    ..
                }
            ) && seen.version.is_some_and(|v| v > 6)
        }
        2 => matches!(action, Action::Put { .. }) && seen.version.is_some(),
        3 => matches!(action, Action::Put { cas: Some(_), .. }),
        4 => {
            matches!(
                action,
                Action::Get {
                    consistency: Consistency::Linearizable,
                    ..
                }
            ) && seen.value.is_some()
        }
        _ => matches!(
            action,
            Action::Get {
                consistency: Consistency::Linearizable,
                ..
            }
        ),
    };
    let places: Vec<usize> = history
        .operations
        .iter()
        .enumerate()
        .filter(|(_, op)| op.seen().is_some_and(|seen| fits(&op.action, seen)))
        .map(|(place, _)| place)
        .collect();
    let (Some(place), Some(from)) = (dice.pick(&places), dice.pick(&places)) else {
        return false;
    };
    let donor = history.operations[from].clone();
    let op = &mut history.operations[place];
    let mut seen = op.seen().unwrap().clone();
    match kind {
        0 => (seen.version, seen.value) = (None, None),
        1 => seen.value = Some(u64::MAX),
        2 => seen.version = seen.version.map(|version| version + 1),
        3 => {
            if let Action::Put { cas: Some(cas), .. } = &mut op.action {
                *cas += 1;
            }
        }
        4 => seen.value = None,
        // An answer of another time, perhaps of another secret: wrong or not, both must say the same.
        _ => {
            let theirs = donor.seen().unwrap();
            (seen.version, seen.value) = (theirs.version, theirs.value);
        }
    }
    op.outcome = lie(&seen);
    true
}

#[test]
fn both_say_the_same_of_whatever_is_wrong() {
    let (mut spoiled, mut violations, mut missed) = (0, 0, 0);
    for seed in 0..1_200 {
        let shape = Shape {
            operations: 120,
            keys: 2,
            unknown: seed % 5 * 15,
            indexes: false,
            stale: false,
            ..Shape::default()
        };
        let mut history = correct(shape, seed);
        let kind = seed % 8;
        if !spoil(&mut history, kind, &mut Dice(seed)) {
            continue;
        }
        spoiled += 1;
        let (first, second) = both(&history);
        if second == Ruling::Inconclusive {
            continue;
        }
        if kind == 0 && first == Ruling::Ok && second == Ruling::Violation {
            // A read that shows neither value nor version, where deletes were about: known to be judged mildly.
            missed += 1;
            continue;
        }
        assert_eq!(
            first,
            second,
            "seed {seed}, kind {kind}: {}",
            linearizability(&history).summary
        );
        violations += u32::from(first == Ruling::Violation);
    }
    assert!(missed < 15, "{missed} missed");
    assert!(spoiled > 1_000, "{spoiled} histories were spoiled");
    assert!(violations > 600, "{violations} violations among {spoiled}");
}

#[test]
fn a_stale_read_is_told_with_the_two_operations_that_show_it() {
    let verdict = linearizability(&history(vec![
        (1, put(7, 1, None), ok(5, Some(1), None)),
        (1, put(7, 2, None), ok(6, Some(2), None)),
        (2, get(7), ok(6, Some(1), Some(1))),
    ]));
    assert_eq!(verdict.ruling, Ruling::Violation);
    assert_eq!(verdict.violations[0].operations, [1, 2]);
    assert!(
        verdict
            .summary
            .contains("secret 7: read 2 saw version 1 only after version 2"),
        "{}",
        verdict.summary
    );
}

#[test]
fn an_index_that_lags_is_found_across_secrets() {
    let verdict = linearizability(&history(vec![
        (1, put(7, 1, None), ok(5, Some(1), None)),
        (2, get(8), ok(4, None, None)),
    ]));
    assert_eq!(verdict.ruling, Ruling::Violation);
    assert!(
        verdict.summary.contains("index 4, although index 5"),
        "{}",
        verdict.summary
    );
}

#[test]
fn a_value_that_is_not_of_its_index_is_found() {
    // The write is still on its way when the read is answered: only the index shows that the value is too old.
    let mut history = history(vec![
        (1, put(7, 1, None), ok(5, Some(1), None)),
        (1, put(7, 2, None), ok(6, Some(2), None)),
        (2, get(7), ok(6, Some(1), Some(1))),
    ]);
    history.operations[1].returned_ns = Some(1_000);
    let verdict = linearizability(&history);
    assert_eq!(verdict.ruling, Ruling::Violation);
    assert!(
        verdict.summary.contains("stands at index 6"),
        "{}",
        verdict.summary
    );
}

#[test]
fn an_unknown_write_may_explain_a_version_and_nothing_else_may() {
    let steps = |unknown: Outcome| {
        history(vec![
            (1, put(7, 1, None), ok(5, Some(1), None)),
            (1, put(7, 2, None), unknown),
            (1, put(7, 3, None), ok(9, Some(3), None)),
        ])
    };
    assert_eq!(linearizability(&steps(Outcome::Unknown)).ruling, Ruling::Ok);
    let verdict = linearizability(&steps(Outcome::Unavailable));
    assert_eq!(verdict.ruling, Ruling::Violation);
    assert!(
        verdict.summary.contains("version 2 was made"),
        "{}",
        verdict.summary
    );
}

#[test]
fn a_refused_condition_that_held_is_found() {
    let verdict = linearizability(&history(vec![
        (1, put(7, 1, None), ok(5, Some(1), None)),
        (1, put(7, 2, Some(1)), Outcome::CasMismatch),
    ]));
    assert_eq!(verdict.ruling, Ruling::Violation);
    assert!(
        verdict
            .summary
            .contains("refused because version 1 was not the latest"),
        "{}",
        verdict.summary
    );
}

#[test]
fn a_delete_that_struck_nothing_is_found() {
    let verdict = linearizability(&history(vec![
        (1, put(7, 1, None), ok(5, Some(1), None)),
        (1, Action::Delete { key: 7 }, Outcome::Ok(Seen::default())),
        (1, get(7), ok(7, Some(1), Some(1))),
    ]));
    assert_eq!(verdict.ruling, Ruling::Violation);
    assert!(
        verdict.summary.contains("delete 1 was answered"),
        "{}",
        verdict.summary
    );
}

#[test]
fn absurd_versions_cost_no_time() {
    let verdict = linearizability(&history(vec![(
        1,
        put(7, 1, None),
        ok(5, Some(u64::MAX), None),
    )]));
    assert_eq!(verdict.ruling, Ruling::Violation);
}

#[test]
fn nothing_asked_is_nothing_proved() {
    assert_eq!(
        linearizability(&History::default()).ruling,
        Ruling::Inconclusive
    );
}

/// Prints how long a hundred thousand operations take; asserts only that they pass.
#[test]
#[expect(clippy::print_stdout, reason = "it is there to be read")]
fn a_hundred_thousand_operations() {
    for (keys, unknown) in [(100, 5), (10, 5), (1, 2)] {
        let shape = Shape {
            operations: 100_000,
            keys,
            unknown,
            clients: 16,
            ..Shape::default()
        };
        let history = correct(shape, 42);
        let began = Instant::now();
        let verdict = linearizability(&history);
        println!(
            "{keys} secrets, {} operations: {:?}",
            verdict.checked,
            began.elapsed()
        );
        assert_eq!(verdict.ruling, Ruling::Ok, "{}", verdict.summary);
    }
}
