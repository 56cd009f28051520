//! What must hold after every batch.

use super::run::Run;
use holdfast_machine::{Command, Row, Space, recompute};
use std::collections::BTreeMap;

pub(crate) fn rows_agree(run: &Run) -> Result<(), String> {
    let covered = |key: &[u8]| key[0] == Space::Record as u8 || key[0] == Space::System as u8;
    let mut rows = BTreeMap::new();
    for (key, row) in run.table.rows().filter(|(key, _)| covered(key)) {
        let row = Row::decode(row).map_err(|fault| fault.to_string())?;
        rows.insert(key.to_vec(), (row.written_at, row.value));
    }
    if rows == run.oracle.rows {
        Ok(())
    } else {
        Err(format!("{rows:?} and not {:?}", run.oracle.rows))
    }
}

pub(crate) fn outcomes_agree(run: &Run) -> Result<(), String> {
    if run.outcomes == run.expected {
        Ok(())
    } else {
        Err(format!("{:?} and not {:?}", run.outcomes, run.expected))
    }
}

pub(crate) fn digest_is_that_of_a_full_scan(run: &Run) -> Result<(), String> {
    let scanned = recompute(run.table.scan_all()).map_err(|fault| fault.to_string())?;
    if scanned == *run.machine.digest() {
        Ok(())
    } else {
        Err(format!("{} and not {scanned}", run.machine.digest()))
    }
}

pub(crate) fn clock_is_the_highest_proposed(run: &Run) -> Result<(), String> {
    if run.machine.time_ms() == run.oracle.time_ms {
        Ok(())
    } else {
        Err(format!(
            "{} and not {}",
            run.machine.time_ms(),
            run.oracle.time_ms
        ))
    }
}

pub(crate) fn repeats_get_the_first_answer(run: &Run) -> Result<(), String> {
    let mut first = BTreeMap::new();
    for (command, outcome) in run.log.iter().zip(&run.outcomes) {
        let Command::Transaction(txn) = command else {
            continue;
        };
        if first.entry(txn.txn_id).or_insert(outcome) != &outcome {
            return Err(format!("{} was answered twice", txn.txn_id));
        }
    }
    Ok(())
}
