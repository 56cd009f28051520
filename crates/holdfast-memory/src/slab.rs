//! Slots of locked pages.
//!
//! Hundreds of keys share a page: lockable memory is scarce (8 MiB by default), and a page for each key would use it up. Slots
//! come in powers of two; a freed slot is wiped and goes to the next secret of its size. A free slot holds only zeros.

#![expect(
    unsafe_code,
    reason = "carves slots out of mapped pages and wipes them"
)]

use crate::pages::{Protection, RUN_BYTES, map_run};
use std::alloc::{Layout, handle_alloc_error};
use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Smallest slot: one key.
const SLOT_BYTES_MIN: usize = 32;
/// Largest slot: the largest prepared cipher is about 1 KiB.
pub(crate) const SLOT_BYTES_MAX: usize = 4096;
/// 32, 64, … 4096.
const SIZES: usize = (SLOT_BYTES_MAX / SLOT_BYTES_MIN).ilog2() as usize + 1;
/// A page of one slot size.
const PAGE_BYTES: usize = SLOT_BYTES_MAX;

/// A free slot.
struct Slot(NonNull<u8>);

// SAFETY: a slot in the slab is free memory that no thread uses; its address may be handed to any of them.
unsafe impl Send for Slot {}

struct Slab {
    free: [Vec<Slot>; SIZES],
    pages: Vec<Slot>,
    worst: Option<Protection>,
}

/// One for the process: the pages are a resource of the process, and a secret must find its slab when it is dropped.
static SLAB: Mutex<Slab> = Mutex::new(Slab {
    free: [const { Vec::new() }; SIZES],
    pages: Vec::new(),
    worst: None,
});

fn slab() -> MutexGuard<'static, Slab> {
    // A panic under the lock can only come from a full heap; the lists are consistent then.
    SLAB.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The worst protection of any key page so far. Maps the first pages when there are none yet.
#[must_use]
pub fn protection() -> Protection {
    let mut slab = slab();
    if slab.worst.is_none() {
        slab.grow();
    }
    slab.worst.unwrap_or(Protection::Unlocked)
}

/// The size of slot that a layout takes.
pub(crate) const fn slot_bytes(layout: Layout) -> usize {
    let least = if layout.size() > layout.align() {
        layout.size()
    } else {
        layout.align()
    };
    if least < SLOT_BYTES_MIN {
        SLOT_BYTES_MIN
    } else {
        least.next_power_of_two()
    }
}

/// A slot of zeros for the layout, aligned to the slot's own size.
///
/// The layout takes at most [`SLOT_BYTES_MAX`] bytes. Aborts when no memory is left at all, like every allocation.
pub(crate) fn take(layout: Layout) -> NonNull<u8> {
    let mut slab = slab();
    let bytes = slot_bytes(layout);
    let size = size_index(bytes);
    if slab.free[size].is_empty() {
        slab.carve_page(size, bytes);
    }
    slab.free[size]
        .pop()
        .unwrap_or_else(|| handle_alloc_error(layout))
        .0
}

/// Wipes a slot and gives it back.
///
/// # Safety
/// `start` came from [`take`] with this layout, was not given back since, and nothing refers to it any more.
pub(crate) unsafe fn give_back(start: NonNull<u8>, layout: Layout) {
    let bytes = slot_bytes(layout);
    // SAFETY: the slot is `bytes` long, writable, and the caller gave up every reference to it.
    unsafe { libc::explicit_bzero(start.as_ptr().cast(), bytes) };
    slab().free[size_index(bytes)].push(Slot(start));
}

const fn size_index(bytes: usize) -> usize {
    (bytes / SLOT_BYTES_MIN).ilog2() as usize
}

impl Slab {
    fn carve_page(&mut self, size: usize, bytes: usize) {
        if self.pages.is_empty() {
            self.grow();
        }
        let Some(page) = self.pages.pop() else { return };
        // Lowest address last, so that slots are handed out in order.
        for at in (0..PAGE_BYTES).step_by(bytes).rev() {
            // SAFETY: `at` is below the page's length, so the slot lies inside the page, which is mapped for ever.
            self.free[size].push(Slot(unsafe { page.0.add(at) }));
        }
    }

    fn grow(&mut self) {
        let Some(run) = map_run() else { return };
        self.worst = self.worst.max(Some(run.protection));
        for at in (0..RUN_BYTES).step_by(PAGE_BYTES).rev() {
            // SAFETY: `at` is below the run's length, so the page lies inside the run, which is mapped for ever.
            self.pages.push(Slot(unsafe { run.start.add(at) }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_round_up_to_powers_of_two() {
        let slot =
            |size, align| slot_bytes(Layout::from_size_align(size, align).expect("a valid layout"));
        assert_eq!(slot(1, 1), 32);
        assert_eq!(slot(32, 1), 32);
        assert_eq!(slot(33, 1), 64);
        assert_eq!(slot(40, 64), 64);
        assert_eq!(slot(4096, 16), 4096);
        assert_eq!(size_index(32), 0);
        assert_eq!(size_index(4096), SIZES - 1);
    }

    #[test]
    fn slots_are_distinct_and_aligned() {
        let layout = Layout::new::<[u8; 200]>();
        let slots: Vec<_> = (0..100).map(|_| take(layout)).collect();
        let mut starts: Vec<_> = slots.iter().map(|slot| slot.as_ptr().addr()).collect();
        starts.sort_unstable();
        assert!(starts.windows(2).all(|pair| pair[1] - pair[0] >= 256));
        assert!(starts.iter().all(|start| start % 256 == 0));
        for slot in slots {
            // SAFETY: taken above with this layout and used nowhere else.
            unsafe { give_back(slot, layout) };
        }
    }
}
