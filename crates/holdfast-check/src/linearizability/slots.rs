//! The order in which a secret's operations must have taken effect, as far as versions fix it, and its bounds in time.
//!
//! Each known version is a slot, slot 0 the time before the first. In a slot come, in this order: the write, the reads of its
//! value, the reads that saw it deleted. An order is possible in real time if and only if nothing returned before something
//! was invoked that comes earlier in it; so for each place the latest invocation up to it and the earliest return from it on
//! say everything.

use crate::Operation;
use crate::versions::{Shows, Versions};
use std::collections::HashMap;

/// The latest invocation and the earliest return among some operations, and whose they are.
#[derive(Clone, Copy, Default)]
pub(crate) struct Span<'a> {
    pub(crate) begun: Option<&'a Operation>,
    pub(crate) ended: Option<&'a Operation>,
}

impl<'a> Span<'a> {
    fn add(&mut self, op: &'a Operation) {
        self.begin(op);
        self.end(op);
    }

    fn begin(&mut self, op: &'a Operation) {
        if self.begun.is_none_or(|b| op.invoked_ns > b.invoked_ns) {
            self.begun = Some(op);
        }
    }

    fn end(&mut self, op: &'a Operation) {
        if self.ended.is_none_or(|e| op.end_ns() < e.end_ns()) {
            self.ended = Some(op);
        }
    }

    fn join(mut self, other: Self) -> Self {
        if let Some(op) = other.begun {
            self.begin(op);
        }
        if let Some(op) = other.ended {
            self.end(op);
        }
        self
    }

    pub(crate) fn begun_ns(&self) -> u64 {
        self.begun.map_or(0, |op| op.invoked_ns)
    }

    pub(crate) fn ended_ns(&self) -> u64 {
        self.ended.map_or(u64::MAX, Operation::end_ns)
    }
}

/// One version's place in the order.
#[derive(Clone, Copy, Default)]
pub(crate) struct Slot<'a> {
    pub(crate) number: u64,
    /// The write, and whoever showed that it was done.
    pub(crate) write: Span<'a>,
    /// Reads of the value; in slot 0, reads that found that there is none.
    pub(crate) live: Span<'a>,
    /// Reads that saw it deleted.
    pub(crate) gone: Span<'a>,
    /// All that comes before a deletion of this version.
    pub(crate) before: Span<'a>,
    /// All of this slot and earlier ones.
    pub(crate) upto: Span<'a>,
    /// All that comes in later slots.
    pub(crate) after: Span<'a>,
}

/// The slots of a secret, in order of version.
pub(crate) fn slots<'a>(versions: &Versions<'a>) -> Vec<Slot<'a>> {
    let mut slots = vec![Slot::default()];
    let mut place: HashMap<u64, usize> = HashMap::new();
    for (number, version) in &versions.known {
        if *number == 0 {
            continue;
        }
        place.insert(*number, slots.len());
        let mut write = Span::default();
        if let Some(put) = version.put {
            write.add(put.op);
        }
        if let Some(op) = version.shown_by {
            write.end(op);
        }
        slots.push(Slot {
            number: *number,
            write,
            ..Slot::default()
        });
    }
    for (read, shows) in &versions.fitting {
        let (number, live) = match shows {
            Shows::Absent => (0, true),
            Shows::Live(number) => (*number, true),
            Shows::Gone(number) => (*number, false),
            Shows::Nothing => continue,
        };
        let at = place.get(&number).copied().unwrap_or(0);
        let span = if live {
            &mut slots[at].live
        } else {
            &mut slots[at].gone
        };
        span.add(read.op);
    }
    bound(&mut slots);
    slots
}

fn bound(slots: &mut [Slot<'_>]) {
    let mut so_far = Span::default();
    for (at, slot) in slots.iter_mut().enumerate() {
        let upto = so_far.join(slot.write).join(slot.live);
        // Before there was anything, a deletion does nothing, whatever was read.
        slot.before = if at == 0 { Span::default() } else { upto };
        so_far = upto.join(slot.gone);
        slot.upto = so_far;
    }
    let mut from_here = Span::default();
    for slot in slots.iter_mut().rev() {
        slot.after = from_here;
        from_here = from_here.join(slot.write).join(slot.live).join(slot.gone);
    }
}

/// The first two operations that real time orders otherwise than versions do: the first comes earlier in the order of
/// versions, the second had returned before the first was invoked.
pub(crate) fn against_real_time<'a>(
    slots: &[Slot<'a>],
) -> Option<(&'a Operation, u64, &'a Operation, u64)> {
    let mut latest: Option<(&'a Operation, u64)> = None;
    for slot in slots {
        for span in [slot.write, slot.live, slot.gone] {
            if let (Some((earlier, number)), Some(later)) = (latest, span.ended)
                && later.is_before(earlier)
            {
                return Some((earlier, number, later, slot.number));
            }
            if let Some(op) = span.begun
                && latest.is_none_or(|(l, _)| op.invoked_ns > l.invoked_ns)
            {
                latest = Some((op, slot.number));
            }
        }
    }
    None
}

/// When a version must have begun at the latest: something then returned that shows it or a later one.
pub(crate) fn begun_by(slots: &[Slot<'_>], number: u64) -> u64 {
    let at = slots.partition_point(|slot| slot.number < number);
    slots.get(at).map_or(u64::MAX, |slot| {
        let here = slot.write.join(slot.live).join(slot.gone).join(slot.after);
        here.ended_ns()
    })
}

/// When, at the earliest, a version can have been replaced by the next one.
pub(crate) fn lasts_until(slots: &[Slot<'_>], number: u64) -> u64 {
    let next = slots.partition_point(|slot| slot.number <= number);
    let upto = next
        .checked_sub(1)
        .map_or(0, |at| slots[at].upto.begun_ns());
    let write = slots
        .get(next)
        .filter(|slot| slot.number == number.saturating_add(1));
    upto.max(write.map_or(0, |slot| slot.write.begun_ns()))
}
