//! Nothing is applied twice: no value stands at two versions, and there are no more versions than writes that may have made
//! them.

use crate::judge::{Judge, shown};
use crate::keys::by_key;
use crate::linearizability::{slots, unexplained};
use crate::versions::{Flaw, Versions};
use crate::{Action, History, Operation, Verdict};
use std::collections::BTreeMap;

/// Judges versions of secrets, and indexes told to writers.
#[must_use]
pub fn duplicates(history: &History) -> Verdict {
    let mut judge = Judge::new("duplicates");
    for (number, key) in by_key(history) {
        let versions = Versions::of(&key);
        judge.checked(versions.known.len());
        let repeated = versions
            .flaws
            .iter()
            .filter(|(flaw, _)| *flaw == Flaw::Repeated);
        let gap = unexplained(&versions, &slots::slots(&versions));
        for mut violation in repeated.map(|(_, v)| v.clone()).chain(gap) {
            violation.what = format!("secret {number}: {}", violation.what);
            judge.blame(violation);
        }
    }
    shared_indexes(history, &mut judge);
    let held = format!(
        "{} versions of secrets, each made by one write and each write once",
        judge.total()
    );
    judge.finish(held)
}

/// Two writes that each certainly wrote something cannot stand at one index.
fn shared_indexes(history: &History, judge: &mut Judge) {
    let mut at: BTreeMap<u64, &Operation> = BTreeMap::new();
    for op in &history.operations {
        if !matches!(op.action, Action::Put { .. } | Action::CreateToken { .. }) {
            continue;
        }
        if let Some(index) = op.index()
            && let Some(other) = at.insert(index, op)
        {
            let what = format!(
                "operations {} and {} were both told that they stand at index {index}",
                other.id, op.id
            );
            judge.blame(shown(what, &[other, op]));
        }
    }
}
