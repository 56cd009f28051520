//! The Raft log, the vote and the committed mark.

mod committer;
pub(crate) mod keys;
mod progress;
mod queue;
mod recover;
mod store;
mod tail;
mod timings;

pub use progress::Batches;
pub use store::LogStore;
pub use timings::SyncTimings;

pub(crate) use committer::Committer;
#[cfg(feature = "testing")]
pub(crate) use committer::Written;
pub(crate) use queue::{Op, Queue};
pub(crate) use recover::recover;

use bytes::Bytes;
use holdfast_machine::StorageFault;

/// Called when an operation is on disk, or will never be. It runs on the committer's thread (in a
/// simulation: its task) and must be brief.
pub type DurableCallback = Box<dyn FnOnce(Result<(), StorageFault>) + Send>;

/// What lies at the front of the log: everything up to here was purged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purged {
    /// Last purged index.
    pub index: u64,
    /// The caller's log id of that entry.
    pub log_id: Bytes,
}

/// The bounds of the log.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct LogBounds {
    /// What was purged, if anything was.
    pub purged: Option<Purged>,
    /// Index of the last entry present; `None` when there is none after the purged ones.
    pub last: Option<u64>,
}
