//! How far the log has come, in batches: what others can hold this directory to when its disk, watermark and all, is put back
//! to an older image.

use std::sync::atomic::{AtomicU64, Ordering};

/// Numbers of batches of the log. In one data directory they only ever rise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batches {
    /// The last one there was when the directory was opened.
    pub found: u64,
    /// The last one that is promised durable: found again, or the disk has lost it.
    pub promised: u64,
}

/// Kept by the committer, read by whoever asks.
pub(crate) struct Progress {
    found: u64,
    promised: AtomicU64,
}

impl Progress {
    pub(crate) const fn new(batches: Batches) -> Self {
        Self {
            found: batches.found,
            promised: AtomicU64::new(batches.promised),
        }
    }

    /// The batch is durable, and the watermark says so.
    pub(crate) fn promised(&self, batch: u64) {
        self.promised.fetch_max(batch, Ordering::Release);
    }

    pub(crate) fn batches(&self) -> Batches {
        Batches {
            found: self.found,
            promised: self.promised.load(Ordering::Acquire),
        }
    }
}
