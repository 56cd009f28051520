//! Keys in play. A key stands in a slot until it was used often enough; then another, new one takes its place.

use parking_lot::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// What stands in a slot.
#[derive(Clone, Copy)]
struct Slot {
    key: u64,
    used: u32,
    /// Highest version that an answer showed.
    version: u64,
}

/// All slots.
pub(crate) struct Slots {
    slots: Vec<Mutex<Slot>>,
    /// Keys ever in play are those below.
    next: AtomicU64,
    uses_max: u32,
}

impl Slots {
    pub(crate) fn new(count: u32, uses_max: u32) -> Self {
        let slot = |key| {
            Mutex::new(Slot {
                key,
                used: 0,
                version: 0,
            })
        };
        Self {
            slots: (0..u64::from(count)).map(slot).collect(),
            next: AtomicU64::new(count.into()),
            uses_max,
        }
    }

    /// The key to use now, and its latest known version. Counts the use.
    pub(crate) fn take(&self, slot: usize) -> (u64, u64) {
        let Some(slot) = self.slots.get(slot % self.slots.len().max(1)) else {
            return (0, 0);
        };
        let mut slot = slot.lock();
        if slot.used >= self.uses_max {
            let key = self.next.fetch_add(1, Ordering::Relaxed);
            *slot = Slot {
                key,
                used: 0,
                version: 0,
            };
        }
        slot.used += 1;
        (slot.key, slot.version)
    }

    /// Notes a version that was seen.
    pub(crate) fn saw(&self, slot: usize, key: u64, version: u64) {
        let Some(slot) = self.slots.get(slot % self.slots.len().max(1)) else {
            return;
        };
        let mut slot = slot.lock();
        if slot.key == key {
            slot.version = slot.version.max(version);
        }
    }

    /// How many keys there ever were: they are numbered from 0.
    pub(crate) fn keys(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_used_up_key_is_replaced_and_its_version_forgotten() {
        let slots = Slots::new(6, 3);
        slots.saw(1, 1, 9);
        assert_eq!([slots.take(1), slots.take(1), slots.take(1)], [(1, 9); 3]);
        assert_eq!(slots.take(1), (6, 0));
        slots.saw(1, 1, 11);
        assert_eq!(slots.take(1), (6, 0), "a late answer about the old key");
        assert_eq!(slots.take(0), (0, 0));
        assert_eq!(slots.keys(), 7);
    }
}
