//! The machine against a dumb oracle: random logs, cut into random batches, with named invariants after every batch; and for
//! each invariant a test that breaks it.

#[cfg(test)]
#[path = "model_support/mod.rs"]
mod support;

use holdfast_machine::testing::MemoryTable;
use holdfast_machine::{Batch, Command, Machine, Outcome, Space};
use proptest::prelude::*;
use support::invariants::{
    clock_is_the_highest_proposed, digest_is_that_of_a_full_scan, outcomes_agree,
    repeats_get_the_first_answer, rows_agree,
};
use support::plan::{Plan, plans};
use support::run::{Run, apply_all};

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_machine_is_the_oracle(plan in plans(60), cuts in proptest::collection::vec(1usize..9, 1..9)) {
        let log = Plan::to_log(&plan);
        let run = apply_all(&log, &cuts, |run| {
            rows_agree(run)?;
            outcomes_agree(run)?;
            digest_is_that_of_a_full_scan(run)?;
            clock_is_the_highest_proposed(run)?;
            repeats_get_the_first_answer(run)
        });
        let run = run.map_err(TestCaseError::fail)?;
        let whole = apply_all(&log, &[usize::MAX], |_| Ok(())).map_err(TestCaseError::fail)?;
        let single = apply_all(&log, &[1], |_| Ok(())).map_err(TestCaseError::fail)?;
        prop_assert_eq!(&run.table, &whole.table, "batches do not matter");
        prop_assert_eq!(&run.table, &single.table, "batches do not matter");
        prop_assert_eq!(run.machine.summary(), single.machine.summary());
    }
}

/// A run long enough to hold puts, deletes, conflicts and repeats.
fn busy_run() -> Run {
    use proptest::strategy::ValueTree as _;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let plan = plans(400)
        .new_tree(&mut runner)
        .expect("plans are not filtered")
        .current();
    let run = apply_all(&Plan::to_log(&plan), &[7], |_| Ok(())).expect("no row is corrupt");
    let applied = |outcome: &&Outcome| matches!(outcome, Outcome::Applied { .. });
    assert!(run.outcomes.iter().filter(applied).count() > 10);
    assert!(
        run.outcomes
            .iter()
            .any(|outcome| matches!(outcome, Outcome::Conflict { .. }))
    );
    assert!(
        run.outcomes
            .iter()
            .any(|outcome| matches!(outcome, Outcome::Malformed(_)))
    );
    run
}

#[test]
fn an_edited_row_is_noticed() {
    let mut run = busy_run();
    assert_eq!(digest_is_that_of_a_full_scan(&run), Ok(()));
    let (key, mut row) = run
        .table
        .rows()
        .find(|(key, _)| key[0] == Space::Record as u8)
        .map(|(key, row)| (key.to_vec(), row.to_vec()))
        .unwrap();
    *row.last_mut().unwrap() ^= 1;
    run.table.tamper(&key, row);
    assert!(digest_is_that_of_a_full_scan(&run).is_err());
    assert!(rows_agree(&run).is_err());
}

#[test]
fn a_trace_of_a_refused_transaction_is_noticed() {
    let mut run = busy_run();
    assert_eq!(rows_agree(&run), Ok(()));
    let mut key = vec![Space::System as u8];
    key.extend_from_slice(b"left behind");
    run.table.tamper(&key, vec![0, 0, 0, 0, 0, 0, 0, 9, 1]);
    assert!(rows_agree(&run).is_err());
    assert!(digest_is_that_of_a_full_scan(&run).is_err());
}

#[test]
fn a_second_answer_is_noticed() {
    let mut run = busy_run();
    assert_eq!(repeats_get_the_first_answer(&run), Ok(()));
    assert_eq!(outcomes_agree(&run), Ok(()));
    let repeated = run.last_repeat().expect("the plan repeats transactions");
    run.outcomes[repeated] = Outcome::Applied { index: 9_999 };
    assert!(repeats_get_the_first_answer(&run).is_err());
    assert!(outcomes_agree(&run).is_err());
}

#[test]
fn a_clock_that_goes_back_is_noticed() {
    let mut run = busy_run();
    assert_eq!(clock_is_the_highest_proposed(&run), Ok(()));
    run.oracle.time_ms += 1;
    assert!(clock_is_the_highest_proposed(&run).is_err());
}

#[test]
fn another_order_gives_another_state() {
    let first = support::plan::put_at(1, 0, 10);
    let second = support::plan::put_at(2, 0, 20);
    let one = apply_all(&[first.clone(), second.clone()], &[9], |_| Ok(())).unwrap();
    let two = apply_all(&[second, first], &[9], |_| Ok(())).unwrap();
    assert_ne!(one.table, two.table);
    assert_ne!(one.machine.summary(), two.machine.summary());
}

#[test]
fn a_reloaded_machine_goes_on_the_same() {
    let run = busy_run();
    let reloaded = Machine::load(&run.table).unwrap();
    assert_eq!(reloaded.summary(), run.machine.summary());
    assert_eq!(reloaded.checkpoints(), run.machine.checkpoints());
    assert_eq!(reloaded.time_ms(), run.machine.time_ms());
    let fresh = Machine::load(&MemoryTable::default()).unwrap();
    assert_eq!((fresh.last_index(), fresh.time_ms()), (0, 0));
}

#[test]
fn checkpoints_are_the_last_eight_and_comparable() {
    let mut log: Vec<Command> = Vec::new();
    for round in 0..12 {
        log.push(support::plan::put_at(round, round, 5));
        log.push(Command::Checkpoint { proposed_at_ms: 7 });
    }
    let mut machine = Machine::load(&MemoryTable::default()).unwrap();
    let (table, mut batch) = (MemoryTable::default(), Batch::new());
    let mut seen = Vec::new();
    for (index, command) in (1..).zip(&log) {
        machine.apply(&table, &mut batch, index, command).unwrap();
        if matches!(command, Command::Checkpoint { .. }) {
            seen.push((index, machine.summary()));
        }
    }
    let kept: Vec<_> = machine
        .checkpoints()
        .iter()
        .map(|mark| (mark.index, mark.summary))
        .collect();
    assert_eq!(kept, seen[4..]);
}
