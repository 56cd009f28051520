//! How much of the log one append carries to a peer.
//!
//! An append is answered whole or not at all: one that needs longer than it is waited for is sent again from its start, and a
//! peer behind a slow or lossy link never catches up. So the first append to a peer is small, the next one larger while answers
//! come soon, and smaller when they do not.

use holdfast_types::limits::APPEND_BYTES_MAX;
use std::time::Duration;

/// The first append: what a fresh connection carries in two or three round trips.
const FIRST_BYTES: usize = 64 * 1024;
/// Less is not tried: a single entry may be as large.
const LEAST_BYTES: usize = 16 * 1024;
/// The slowest link that is waited for, in bytes per second: 256 kbit/s.
const SLOWEST: usize = 32 * 1024;
/// The longest that several entries are waited for beyond `patience`. One entry cannot be cut: it has the time it needs.
const LONGEST: Duration = Duration::from_secs(10);

/// How much the next append to one peer may carry, and how long its answer is waited for.
pub(crate) struct Portion {
    patience: Duration,
    bytes: usize,
}

impl Portion {
    /// `patience`: how long an answer may take for the next append to be larger.
    pub(crate) const fn new(patience: Duration) -> Self {
        Self {
            patience,
            bytes: FIRST_BYTES,
        }
    }

    /// Whether an append that carries so many bytes may carry so many more. One entry always goes.
    pub(crate) const fn has_room(&self, carried: usize, more: usize) -> bool {
        carried == 0 || carried + more <= self.bytes
    }

    /// How long the answer to so many entries of so many bytes is waited for.
    pub(crate) fn deadline(&self, entries: usize, carried: usize) -> Duration {
        let millis = carried * 1_000 / SLOWEST;
        let on_the_way = Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX));
        let most = if entries > 1 { LONGEST } else { Duration::MAX };
        self.patience.saturating_add(on_the_way.min(most))
    }

    /// The peer answered so many bytes after this time. One that was late may have had a slow disk: that is no reason for less.
    pub(crate) fn answered(&mut self, carried: usize, took: Duration) {
        if took <= self.patience && carried > self.bytes / 2 {
            self.bytes = (self.bytes * 2).min(APPEND_BYTES_MAX);
        }
    }

    /// The peer did not answer so many bytes in time. Few say nothing of what the link bears.
    pub(crate) fn unanswered(&mut self, carried: usize) {
        if carried > LEAST_BYTES {
            self.bytes = self.bytes.min((carried / 2).max(LEAST_BYTES));
        }
    }

    /// The connection is gone, and the next one is fresh.
    pub(crate) fn disconnected(&mut self) {
        self.bytes = self.bytes.min(FIRST_BYTES);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(10);
    const PATIENCE: Duration = Duration::from_millis(300);

    #[test]
    fn it_grows_while_it_is_filled_and_answered_soon() {
        let mut portion = Portion::new(PATIENCE);
        portion.answered(1_000, SOON);
        assert_eq!(portion.bytes, FIRST_BYTES, "a small one says little");
        for _ in 0..20 {
            portion.answered(portion.bytes, SOON);
        }
        assert_eq!(portion.bytes, APPEND_BYTES_MAX);
    }

    #[test]
    fn it_shrinks_to_what_the_link_bears_and_never_to_nothing() {
        let mut portion = Portion::new(PATIENCE);
        portion.unanswered(0);
        portion.answered(FIRST_BYTES, PATIENCE * 2);
        assert_eq!(portion.bytes, FIRST_BYTES, "a slow disk is no slow link");
        for _ in 0..20 {
            portion.unanswered(portion.bytes);
        }
        assert_eq!(portion.bytes, LEAST_BYTES);
        portion.disconnected();
        portion.unanswered(10 * 1024 * 1024);
        assert_eq!(portion.bytes, LEAST_BYTES, "one large entry widens nothing");
        assert!(
            portion.has_room(0, 10 * 1024 * 1024),
            "one entry always goes"
        );
        assert!(portion.has_room(LEAST_BYTES - 1, 1));
        assert!(!portion.has_room(LEAST_BYTES, 1));
    }

    #[test]
    fn large_ones_are_waited_for_longer() {
        let portion = Portion::new(PATIENCE);
        let beyond = |entries, carried| portion.deadline(entries, carried) - PATIENCE;
        assert_eq!(beyond(0, 0), Duration::ZERO);
        assert_eq!(beyond(2, SLOWEST), Duration::from_secs(1));
        assert_eq!(beyond(2, SLOWEST * 60), LONGEST);
        assert_eq!(beyond(1, SLOWEST * 60), Duration::from_secs(60));
    }
}
