//! The Raft log, the vote and the committed mark.

use bytes::Bytes;
use holdfast_machine::StorageFault;

/// Called when an operation is on disk, or will never be.
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

/// The log. All writes go through one thread, in the order of the calls.
pub struct LogStore {}

impl LogStore {
    /// Appends consecutive entries. They are readable when this returns; `on_durable` is called when they are on disk.
    /// Blocks while the queue is full.
    ///
    /// # Errors
    /// When the store has failed or is quarantined, or the entries do not follow the last one; the callback is then dropped.
    pub fn append(
        &self,
        entries: Vec<(u64, Bytes)>,
        on_durable: DurableCallback,
    ) -> Result<(), StorageFault> {
        drop((entries, on_durable));
        Err(unbuilt())
    }

    /// Saves the vote; it is answered by [`LogStore::vote`] at once and durable when the callback is called.
    ///
    /// # Errors
    /// When the store has failed or is quarantined; the callback is then dropped.
    pub fn save_vote(&self, vote: Bytes, on_durable: DurableCallback) -> Result<(), StorageFault> {
        drop((vote, on_durable));
        Err(unbuilt())
    }

    /// Removes every entry after `index` (all of them for `None`). In order with appends; not synced by itself.
    ///
    /// # Errors
    /// When the store has failed or is quarantined.
    pub fn truncate_after(&self, index: Option<u64>) -> Result<(), StorageFault> {
        let _ = index;
        Err(unbuilt())
    }

    /// Removes every entry up to and including `upto.index`, which may lie beyond the last one. Not synced by itself.
    ///
    /// # Errors
    /// When the store has failed or is quarantined.
    pub fn purge(&self, upto: Purged) -> Result<(), StorageFault> {
        drop(upto);
        Err(unbuilt())
    }

    /// Writes the committed mark. Never synced: after a crash an older one may be found.
    ///
    /// # Errors
    /// When the store has failed or is quarantined.
    pub fn save_committed(&self, committed: Option<Bytes>) -> Result<(), StorageFault> {
        drop(committed);
        Err(unbuilt())
    }

    /// The entries present in `from..to`, consecutive, cut once `max_bytes` are reached (the first is always given).
    ///
    /// # Errors
    /// When the disk fails or an entry is corrupt or missing.
    pub fn read(
        &self,
        from: u64,
        to: u64,
        max_bytes: usize,
    ) -> Result<Vec<(u64, Bytes)>, StorageFault> {
        let _ = (from, to, max_bytes);
        Err(unbuilt())
    }

    /// The bounds, entries not yet durable included.
    #[must_use]
    pub fn bounds(&self) -> LogBounds {
        LogBounds::default()
    }

    /// The last vote saved.
    #[must_use]
    pub fn vote(&self) -> Option<Bytes> {
        None
    }

    /// The last committed mark saved.
    #[must_use]
    pub fn committed(&self) -> Option<Bytes> {
        None
    }

    /// Writes what is queued, stops the committer and refuses everything afterwards. Blocks.
    pub fn close(&self) {}
}

fn unbuilt() -> StorageFault {
    StorageFault("the log is not built yet".to_owned())
}
