//! Whether reads and writes of each secret took effect one after the other, each between its invocation and its answer.
//!
//! Versions fix the order of the writes, so that nothing is searched: sorting is enough, for any number of operations of one
//! secret. Answers that carry the index of the log at which they stand are held against the order of the indexes as well,
//! across all secrets (`index.rs`). A write of unknown fate may take effect at any time after it was asked, or never; none is
//! ever dropped.

pub(crate) mod deletes;
pub(crate) mod index;
pub(crate) mod slots;
#[cfg(test)]
mod tests;

use crate::judge::{Judge, shown};
use crate::keys::{Key, Put, by_key};
use crate::versions::{Versions, first_unexplained};
use crate::{Action, History, Operation, Verdict, Violation};
use slots::Slot;

const NAME: &str = "linearizability";

/// Judges linearizable reads and all writes of secrets.
#[must_use]
pub fn linearizability(history: &History) -> Verdict {
    let mut judge = Judge::new(NAME);
    for (number, key) in by_key(history) {
        let reads = key.reads.iter().filter(|read| read.is_linearizable());
        judge.checked(key.puts.len() + key.deletes.len() + reads.count());
        check_key(number, &key, &mut judge);
    }
    let of_secrets = |op: &Operation| {
        matches!(
            op.action,
            Action::Put { .. } | Action::Delete { .. } | Action::Get { .. }
        )
    };
    index::check_real_time(history, of_secrets, &mut judge);
    if judge.total() == 0 {
        judge.doubt("no secret was written or read");
    }
    let held = format!(
        "{} writes and reads took effect one after the other, each between question and answer",
        judge.total()
    );
    judge.finish(held)
}

fn check_key(number: u64, key: &Key<'_>, judge: &mut Judge) {
    let mut versions = Versions::of(key);
    for (_, violation) in std::mem::take(&mut versions.flaws) {
        judge.blame(of_key(number, violation));
    }
    let slots = slots::slots(&versions);
    let mut own = Judge::new(NAME);
    if let Some((earlier, older, later, newer)) = slots::against_real_time(&slots) {
        own.blame(out_of_order(earlier, older, later, newer));
    }
    if let Some(violation) = unexplained(&versions, &slots) {
        own.blame(violation);
    }
    deletes::check(key, &versions, &slots, &mut own);
    for put in &key.refused {
        if let Some(violation) = mismatch(*put, &versions, &slots) {
            own.blame(violation);
        }
    }
    index::check_key(key, true, &mut own);
    for violation in own.take() {
        judge.blame(of_key(number, violation));
    }
}

fn of_key(number: u64, mut violation: Violation) -> Violation {
    violation.what = format!("secret {number}: {}", violation.what);
    violation
}

fn out_of_order(earlier: &Operation, older: u64, later: &Operation, newer: u64) -> Violation {
    let shows = |op: &Operation, version: u64| match op.action {
        Action::Get { .. } if version == 0 => format!("read {} found nothing", op.id),
        Action::Get { .. } => format!("read {} saw version {version}", op.id),
        _ => format!("write {} made version {version}", op.id),
    };
    let what = format!(
        "{} only after version {newer} had been shown by operation {}",
        shows(earlier, older),
        later.id
    );
    shown(what, &[later, earlier])
}

/// A version that no write can have made.
pub(crate) fn unexplained(versions: &Versions<'_>, slots: &[Slot<'_>]) -> Option<Violation> {
    let number = first_unexplained(versions, |number| slots::begun_by(slots, number))?;
    let after = versions.known.range(number..).next();
    let by = after.and_then(|(_, version)| version.shown_by.or(version.put.map(|put| put.op)));
    let what = format!("version {number} was made, and no write can have made it");
    Some(shown(what, &by.into_iter().collect::<Vec<_>>()))
}

/// A refusal "the version did not match", although it matched from question to answer.
fn mismatch(put: Put<'_>, versions: &Versions<'_>, slots: &[Slot<'_>]) -> Option<Violation> {
    let asked = put.mismatched()?;
    let began_before = asked == 0 || slots::begun_by(slots, asked) < put.op.invoked_ns;
    let end_ns = put.op.end_ns();
    if !began_before || asked > versions.last() {
        return None;
    }
    // What made the next version, if no version after it is known, has an unknown fate.
    let next = asked < versions.last()
        || versions
            .free
            .iter()
            .any(|free| free.op.invoked_ns <= end_ns && free.cas.is_none_or(|cas| cas == asked));
    if next && slots::lasts_until(slots, asked) <= end_ns {
        return None;
    }
    let what = format!(
        "write {} was refused because version {asked} was not the latest, and it was",
        put.op.id
    );
    let upto = slots.partition_point(|slot| slot.number < asked);
    let mut operations = vec![put.op];
    operations.extend(slots.get(upto).and_then(|slot| slot.write.ended));
    Some(shown(what, &operations))
}
