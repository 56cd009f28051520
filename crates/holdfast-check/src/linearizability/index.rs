//! What the log's indexes in answers prove.
//!
//! A write's index is the place at which it was applied, a read's the place at which it was evaluated. All of them are
//! committed. So whatever is linearizable stands at or after every index that anybody had been told before it was asked; and
//! a read shows of each secret exactly what the writes up to its index made.

use crate::judge::{Judge, shown};
use crate::keys::{Key, Put, Read};
use crate::{Action, History, Operation};
use std::collections::BTreeMap;

/// No linearizable operation of those asked for stands before an index that had been told when it was asked.
pub(crate) fn check_real_time(
    history: &History,
    concerns: impl Fn(&Operation) -> bool,
    judge: &mut Judge,
) {
    let told = |op: &&Operation| op.index().is_some() && op.returned_ns.is_some();
    let mut returned: Vec<&Operation> = history.operations.iter().filter(told).collect();
    let mut invoked = returned.clone();
    returned.sort_by_key(|op| (op.end_ns(), op.id));
    invoked.sort_by_key(|op| (op.invoked_ns, op.id));
    let mut returned = returned.into_iter().peekable();
    let mut highest: Option<&Operation> = None;
    for op in invoked {
        while let Some(earlier) = returned.next_if(|earlier| earlier.is_before(op)) {
            if highest.is_none_or(|highest| earlier.index() > highest.index()) {
                highest = Some(earlier);
            }
        }
        let Some(highest) = highest.filter(|_| op.is_linearizable() && concerns(op)) else {
            continue;
        };
        let (Some(before), Some(index)) = (highest.index(), op.index()) else {
            continue;
        };
        let behind = index < before || index == before && always_writes(op);
        if behind {
            let what = format!(
                "operation {} stands at index {index}, although index {before} had been told by operation {} before it was asked",
                op.id, highest.id
            );
            judge.blame(shown(what, &[highest, op]));
        }
    }
}

/// A delete of nothing, and a revocation of what is revoked, write nothing and stand where they looked.
pub(crate) const fn always_writes(op: &Operation) -> bool {
    matches!(op.action, Action::Put { .. } | Action::CreateToken { .. })
}

/// Reads at an index show what the writes up to it made: those that asked for linearizability, or the others.
pub(crate) fn check_key(key: &Key<'_>, linearizable: bool, judge: &mut Judge) {
    let writes = writes(key, linearizable, judge);
    let deletes: BTreeMap<u64, &Operation> = key
        .deletes
        .iter()
        .filter_map(|op| Some((op.index()?, *op)))
        .collect();
    for read in &key.reads {
        if read.is_linearizable() == linearizable
            && let Some(index) = read.op.index()
        {
            check_read(
                *read,
                index,
                &writes,
                &deletes,
                key.deletes.is_empty(),
                judge,
            );
        }
    }
}

/// Acknowledged writes by index. Of the secret's writes, versions rise with indexes.
fn writes<'a>(key: &Key<'a>, report: bool, judge: &mut Judge) -> BTreeMap<u64, (u64, Put<'a>)> {
    let mut writes: BTreeMap<u64, (u64, Put<'a>)> = BTreeMap::new();
    for put in &key.puts {
        let (Some(index), Some(version)) = (put.op.index(), put.version()) else {
            continue;
        };
        if let Some((_, other)) = writes.insert(index, (version, *put))
            && report
        {
            let what = format!(
                "writes {} and {} are both said to be at index {index}",
                other.op.id, put.op.id
            );
            judge.blame(shown(what, &[other.op, put.op]));
        }
    }
    let mut before: Option<(u64, Put<'a>)> = None;
    for (version, put) in writes.values().filter(|_| report) {
        if let Some((older, other)) = before
            && older >= *version
        {
            let what = format!(
                "write {} made version {version} after write {} had made version {older}, in the order of the log",
                put.op.id, other.op.id
            );
            judge.blame(shown(what, &[other.op, put.op]));
        }
        before = Some((*version, *put));
    }
    writes
}

fn check_read(
    read: Read<'_>,
    index: u64,
    writes: &BTreeMap<u64, (u64, Put<'_>)>,
    deletes: &BTreeMap<u64, &Operation>,
    never_deleted: bool,
    judge: &mut Judge,
) {
    let id = read.op.id;
    let last = writes.range(..=index).next_back();
    let next = index
        .checked_add(1)
        .and_then(|from| writes.range(from..).next());
    let version = match (read.seen.version, read.seen.value) {
        (Some(version), _) => version,
        (None, Some(_)) => return,
        // Nothing: there was none, or what there was is deleted, which some delete must have done.
        (None, None) if never_deleted => 0,
        (None, None) => return,
    };
    if let Some((_, (newer, put))) = last
        && *newer > version
    {
        let what = format!(
            "read {id} stands at index {index} and showed version {version}, although version {newer} was made at or before that index by write {}",
            put.op.id
        );
        judge.blame(shown(what, &[put.op, read.op]));
    }
    if let Some((_, (newer, put))) = next
        && *newer <= version
    {
        let what = format!(
            "read {id} stands at index {index} and showed version {version}, which write {} made only later in the log",
            put.op.id
        );
        judge.blame(shown(what, &[put.op, read.op]));
    }
    let Some((at, (made, put))) = last.filter(|_| read.seen.value.is_some()) else {
        return;
    };
    if *made == version
        && let Some((_, delete)) = deletes.range(*at..=index).next_back()
    {
        let what = format!(
            "read {id} showed version {version} at index {index}, although delete {} had struck it at or before that index",
            delete.id
        );
        judge.blame(shown(what, &[put.op, delete, read.op]));
    }
}
