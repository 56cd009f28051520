//! A read is never older than it was asked to be.
//!
//! - linearizable: stands at or after every index told before it was asked;
//! - at least `i`: stands at or after `i`, and shows what writes acknowledged at or before `i` made;
//! - at most so old: shows at least what had been acknowledged that long before it was asked;
//! - stale: whatever, but what it shows was so at the index at which it stands.
//!
//! And whatever an answer says of its own age holds as if that age had been asked for.

use crate::judge::{Judge, shown};
use crate::keys::{Key, Put, Read, by_key};
use crate::linearizability::index;
use crate::versions::Versions;
use crate::{Action, Consistency, History, Operation, Verdict};
use std::collections::{BTreeMap, BTreeSet};

/// What a bounded read may be older than its bound: a node that has just heard from the leader may be paused by the
/// machine before it answers, and the bound is counted on its own clock.
const SLACK_MS: u64 = 250;

/// Judges reads of every consistency.
#[must_use]
pub fn stale_reads(history: &History) -> Verdict {
    let mut judge = Judge::new("stale-reads");
    for op in &history.operations {
        if let (Some(asked), true) = (op.consistency(), op.is_ok()) {
            judge.checked(1);
            check_least(op, asked, &mut judge);
        }
    }
    let reads = |op: &Operation| op.consistency().is_some();
    index::check_real_time(history, reads, &mut judge);
    check_ages(history, &mut judge);
    let keys = by_key(history);
    check_lists(history, &keys, &mut judge);
    for (number, key) in &keys {
        let mut own = Judge::new("stale-reads");
        index::check_key(key, false, &mut own);
        check_times(key, &mut own);
        for mut violation in own.take() {
            violation.what = format!("secret {number}: {}", violation.what);
            judge.blame(violation);
        }
    }
    let held = format!(
        "{} reads were as fresh as they were asked to be, give or take {SLACK_MS} ms where age was asked for",
        judge.total()
    );
    judge.finish(held)
}

fn check_least(op: &Operation, asked: Consistency, judge: &mut Judge) {
    if let (Consistency::AtLeast { index: least }, Some(index)) = (asked, op.index())
        && index < least
    {
        let what = format!(
            "read {} was to stand at index {least} at least, and stands at {index}",
            op.id
        );
        judge.blame(shown(what, &[op]));
    }
}

/// Whatever is asked to be at most so old stands at or after every index told that long before it was asked.
fn check_ages(history: &History, judge: &mut Judge) {
    let told = |op: &&Operation| op.index().is_some() && op.returned_ns.is_some();
    let mut told: Vec<&Operation> = history.operations.iter().filter(told).collect();
    told.sort_by_key(|op| (op.end_ns(), op.id));
    let highest: Vec<&Operation> = told
        .iter()
        .scan(None::<&Operation>, |highest, op| {
            let rises = highest.is_none_or(|highest| op.index() > highest.index());
            *highest = if rises { Some(*op) } else { *highest };
            *highest
        })
        .collect();
    for op in &history.operations {
        let (Some(asked), Some(index)) = (op.consistency(), op.index()) else {
            continue;
        };
        // The age runs on until the answer is made, which is after the question came.
        let says = op.seen().and_then(|seen| seen.age_ms);
        let said_ns = says.and_then(|millis| shows_since(op, millis));
        let Some(since_ns) = must_show_since(op, asked).max(said_ns) else {
            continue;
        };
        let upto = told.partition_point(|earlier| earlier.end_ns() < since_ns);
        let before = upto.checked_sub(1).and_then(|at| highest.get(at));
        if let Some(before) = before.filter(|before| before.index() > Some(index)) {
            let what = format!(
                "operation {} was asked for what is younger, or said it was, and stands at index {index}; operation {} had told a later one long before",
                op.id, before.id
            );
            judge.blame(shown(what, &[before, op]));
        }
    }
}

/// What was acknowledged before this time a bounded read must show; `None` for others.
pub(crate) fn must_show_since(op: &Operation, asked: Consistency) -> Option<u64> {
    let Consistency::Bounded { millis } = asked else {
        return None;
    };
    shows_since(op, millis)
}

/// What was acknowledged before this time an answer that is at most so old shows.
fn shows_since(op: &Operation, millis: u64) -> Option<u64> {
    let age_ns = millis.saturating_add(SLACK_MS).saturating_mul(1_000_000);
    op.invoked_ns.checked_sub(age_ns)
}

/// A linearizable list names every secret that was acknowledged before it was asked; any list, what was written at or before the
/// index at which it stands or was to stand.
fn check_lists(history: &History, keys: &BTreeMap<u64, Key<'_>>, judge: &mut Judge) {
    // Of each secret, the write that was acknowledged first.
    let first: Vec<(u64, &Operation)> = keys
        .iter()
        .filter_map(|(number, key)| {
            let acknowledged = key.puts.iter().filter(|put| put.op.is_ok());
            let first = acknowledged.min_by_key(|put| (put.op.end_ns(), put.op.id))?;
            Some((*number, first.op))
        })
        .collect();
    for op in &history.operations {
        let (Action::List { consistency }, Some(seen)) = (&op.action, op.seen()) else {
            continue;
        };
        let stands = match consistency {
            Consistency::AtLeast { index } => seen.index.max(Some(*index)),
            _ => seen.index,
        };
        let named: BTreeSet<u64> = seen.keys.iter().copied().collect();
        for (number, put) in &first {
            let before = op.is_linearizable() && put.is_before(op);
            let below = put.index().is_some_and(|index| stands >= Some(index));
            if (before || below) && !named.contains(number) {
                let what = format!(
                    "list {} did not name secret {number}, written before",
                    op.id
                );
                judge.blame(shown(what, &[put, op]));
            }
        }
    }
}

/// Versions that must have been there, by the time at which they were acknowledged and by the index told.
struct Acknowledged<'a> {
    /// Highest version so far, in order of time.
    by_time: Vec<(u64, u64, Put<'a>)>,
    /// The same in order of index.
    by_index: Vec<(u64, u64, Put<'a>)>,
}

fn rising<'a>(mut all: Vec<(u64, u64, Put<'a>)>) -> Vec<(u64, u64, Put<'a>)> {
    all.sort_by_key(|(at, version, put)| (*at, *version, put.op.id));
    let mut highest = 0;
    all.retain(|(_, version, _)| {
        let rises = *version > highest;
        highest = highest.max(*version);
        rises
    });
    all
}

impl<'a> Acknowledged<'a> {
    fn of(key: &Key<'a>) -> Self {
        let told = || {
            key.puts
                .iter()
                .filter_map(|put| Some((put.version()?, *put)))
        };
        let by_time = told().map(|(version, put)| (put.op.end_ns(), version, put));
        let by_index = told().filter_map(|(version, put)| Some((put.op.index()?, version, put)));
        Self {
            by_time: rising(by_time.collect()),
            by_index: rising(by_index.collect()),
        }
    }

    /// What a read must show at least.
    fn least(&self, read: &Read<'_>) -> Option<(u64, Put<'a>)> {
        let last = |all: &[(u64, u64, Put<'a>)], upto: usize| {
            let (_, version, put) = all.get(upto.checked_sub(1)?)?;
            Some((*version, *put))
        };
        match read.consistency {
            Consistency::AtLeast { index } => {
                let upto = self.by_index.partition_point(|(at, ..)| *at <= index);
                last(&self.by_index, upto)
            }
            Consistency::Bounded { .. } => {
                let since = must_show_since(read.op, read.consistency)?;
                let upto = self.by_time.partition_point(|(at, ..)| *at < since);
                last(&self.by_time, upto)
            }
            Consistency::Linearizable => {
                let asked = read.op.invoked_ns;
                let upto = self.by_time.partition_point(|(at, ..)| *at < asked);
                last(&self.by_time, upto)
            }
            Consistency::Stale => None,
        }
    }
}

fn check_times(key: &Key<'_>, judge: &mut Judge) {
    let acknowledged = Acknowledged::of(key);
    let versions = Versions::of(key);
    for read in &key.reads {
        let Some((least, put)) = acknowledged.least(read) else {
            continue;
        };
        let told = read.seen.version;
        let version = match (told, read.seen.value) {
            (Some(version), _) => version,
            (None, Some(value)) => match versions.of_value(value) {
                Some(version) => version,
                None => continue,
            },
            (None, None) if key.deletes.is_empty() => 0,
            (None, None) => continue,
        };
        if version < least {
            let asked = match read.consistency {
                Consistency::AtLeast { index } => format!("at index {index} or later"),
                Consistency::Bounded { millis } => format!("at most {millis} ms old"),
                _ => "the latest".to_owned(),
            };
            let what = format!(
                "read {} was asked for what is {asked} and showed version {version}, although version {least} of write {} stood then",
                read.op.id, put.op.id
            );
            judge.blame(shown(what, &[put.op, read.op]));
        }
    }
}
