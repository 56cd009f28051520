//! Nobody ever sees what nobody wrote: no value without a write that may have happened, none before it was asked to be
//! written, no name of a secret that was never written. Holds for reads of every consistency.

use crate::judge::{Judge, shown};
use crate::keys::{Key, Put, Read, by_key};
use crate::{Action, History, Operation, Verdict};
use std::collections::{BTreeMap, HashMap};

/// Judges all reads and lists.
#[must_use]
pub fn phantoms(history: &History) -> Verdict {
    let mut judge = Judge::new("phantoms");
    let keys = by_key(history);
    for (number, key) in &keys {
        let written: HashMap<u64, Put<'_>> = key.puts.iter().map(|p| (p.value, *p)).collect();
        let refused: HashMap<u64, Put<'_>> = key.refused.iter().map(|p| (p.value, *p)).collect();
        judge.checked(key.reads.len());
        for read in &key.reads {
            check_read(*number, *read, &written, &refused, &mut judge);
        }
    }
    for op in &history.operations {
        if let (Action::List { .. }, Some(seen)) = (&op.action, op.seen()) {
            judge.checked(1);
            for listed in &seen.keys {
                check_listed(*listed, op, &keys, &mut judge);
            }
        }
    }
    let held = format!("{} reads showed only what was written", judge.total());
    judge.finish(held)
}

fn check_read(
    number: u64,
    read: Read<'_>,
    written: &HashMap<u64, Put<'_>>,
    refused: &HashMap<u64, Put<'_>>,
    judge: &mut Judge,
) {
    let (op, Some(value)) = (read.op, read.seen.value) else {
        return;
    };
    let id = op.id;
    if let Some(put) = written.get(&value) {
        if op.is_before(put.op) {
            let what = format!(
                "secret {number}: read {id} showed the value of write {} before that was asked",
                put.op.id
            );
            judge.blame(shown(what, &[op, put.op]));
        }
    } else if let Some(put) = refused.get(&value) {
        let what = format!(
            "secret {number}: read {id} showed the value of write {}, which was refused",
            put.op.id
        );
        judge.blame(shown(what, &[put.op, op]));
    } else {
        let what = format!("secret {number}: read {id} showed a value that nobody wrote there");
        judge.blame(shown(what, &[op]));
    }
}

fn check_listed(listed: u64, op: &Operation, keys: &BTreeMap<u64, Key<'_>>, judge: &mut Judge) {
    let puts = keys.get(&listed).map_or(&[][..], |key| &key.puts);
    if !puts.iter().any(|put| !op.is_before(put.op)) {
        let what = format!(
            "list {} named secret {listed}, which nobody can have written yet",
            op.id
        );
        judge.blame(shown(what, &[op]));
    }
}
