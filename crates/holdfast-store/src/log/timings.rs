//! How long durable writes take: an operator's first question about a slow cluster, and what heartbeats are checked against.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Durations of synced batches since the log was opened, watermark included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct SyncTimings {
    /// Synced batches.
    pub count: u64,
    /// Their durations together, in microseconds.
    pub total_us: u64,
    /// The longest since this was last asked, in microseconds.
    pub longest_us: u64,
}

#[derive(Default)]
pub(crate) struct Timings {
    count: AtomicU64,
    total_us: AtomicU64,
    longest_us: AtomicU64,
}

impl Timings {
    pub(crate) fn note(&self, took: Duration) {
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.count.fetch_add(1, Ordering::Relaxed);
        self.total_us.fetch_add(took, Ordering::Relaxed);
        self.longest_us.fetch_max(took, Ordering::Relaxed);
    }

    pub(crate) fn take(&self) -> SyncTimings {
        SyncTimings {
            count: self.count.load(Ordering::Relaxed),
            total_us: self.total_us.load(Ordering::Relaxed),
            longest_us: self.longest_us.swap(0, Ordering::Relaxed),
        }
    }
}
