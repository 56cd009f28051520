//! Deletions: their answers do not tell which version they struck, so that it is asked whether they can have struck any.
//!
//! A deletion fits into every slot between two bounds, and both bounds rise with its time. So each can be given the lowest
//! slot, and the versions that were seen deleted, lowest first, each take of the deletions that fit the one that fits
//! shortest. That is exact for answers that tell versions. Of a read that shows neither version nor value it is asked only
//! whether some deletion fits beside it; the second algorithm (`wgl`) is exact there too.

use super::slots::Slot;
use crate::judge::{Judge, shown};
use crate::keys::Key;
use crate::versions::{Shows, Versions};
use crate::{Operation, Violation};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A deletion, or a read that shows nothing, with the first and last slot that it fits into.
#[derive(Clone, Copy)]
struct Floating<'a> {
    op: &'a Operation,
    first: usize,
    last: usize,
}

fn float<'a>(op: &'a Operation, slots: &[Slot<'a>]) -> Floating<'a> {
    let end_ns = op.end_ns();
    let fit = slots.partition_point(|slot| slot.before.begun_ns() <= end_ns);
    Floating {
        op,
        first: slots.partition_point(|slot| slot.after.ended_ns() < op.invoked_ns),
        last: fit.saturating_sub(1),
    }
}

pub(crate) fn check<'a>(
    key: &Key<'a>,
    versions: &Versions<'a>,
    slots: &[Slot<'a>],
    judge: &mut Judge,
) {
    let mut deletes: Vec<Floating<'a>> = key.deletes.iter().map(|op| float(op, slots)).collect();
    deletes.sort_by_key(|one| (one.op.invoked_ns, one.op.id));
    for one in deletes.iter().filter(|one| one.first > one.last) {
        judge.blame(no_room(*one, slots));
    }
    deletes.retain(|one| one.first <= one.last);
    seen_deleted(&deletes, slots, judge);
    seen_nothing(&deletes, versions, slots, judge);
}

fn no_room(one: Floating<'_>, slots: &[Slot<'_>]) -> Violation {
    let mut operations = vec![one.op];
    // What returned before it shows this slot's version or a later one; what was asked after it still shows a value.
    operations.extend(slots[one.first - 1].after.ended);
    operations.extend(slots[one.first].before.begun);
    let what = format!(
        "delete {} was answered, and the version that it must have struck was still there afterwards",
        one.op.id
    );
    shown(what, &operations)
}

/// Every version that was seen deleted needs a deletion of its own.
fn seen_deleted(deletes: &[Floating<'_>], slots: &[Slot<'_>], judge: &mut Judge) {
    let mut waiting = deletes.iter().enumerate().peekable();
    let mut fit: BinaryHeap<Reverse<(usize, usize)>> = BinaryHeap::new();
    for (at, slot) in slots.iter().enumerate() {
        let Some(seen) = slot.gone.ended else {
            continue;
        };
        while let Some((number, one)) =
            waiting.next_if(|(_, one)| one.first <= at && one.op.invoked_ns <= seen.end_ns())
        {
            fit.push(Reverse((one.last, number)));
        }
        while fit.peek().is_some_and(|Reverse((last, _))| *last < at) {
            fit.pop();
        }
        if fit.pop().is_none() {
            let what = format!(
                "read {} saw version {} deleted, and no delete can have struck it",
                seen.id, slot.number
            );
            judge.blame(shown(what, &[seen]));
        }
    }
}

/// A read that shows nothing fits before the first version, or beside a deletion.
fn seen_nothing<'a>(
    deletes: &[Floating<'a>],
    versions: &Versions<'a>,
    slots: &[Slot<'a>],
    judge: &mut Judge,
) {
    // Deletions stand in order of their first slot; of those up to here, the farthest last one.
    let mut farthest = 0;
    let reach: Vec<usize> = deletes
        .iter()
        .map(|one| {
            farthest = farthest.max(one.last);
            farthest
        })
        .collect();
    for (read, shows) in &versions.fitting {
        if *shows != Shows::Nothing {
            continue;
        }
        let one = float(read.op, slots);
        if one.first == 0 {
            continue;
        }
        let able = deletes.partition_point(|delete| {
            delete.first <= one.last && delete.op.invoked_ns <= read.op.end_ns()
        });
        let found = able
            .checked_sub(1)
            .is_some_and(|at| one.first <= one.last && reach[at] >= one.first);
        if !found {
            let mut operations = vec![read.op];
            operations.extend(slots[one.first - 1].after.ended);
            let what = format!(
                "read {} found nothing, although a version was there and no delete can have struck it",
                read.op.id
            );
            judge.blame(shown(what, &operations));
        }
    }
}
