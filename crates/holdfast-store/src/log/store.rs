//! The log's door: calls are checked, take effect in memory at once, and are queued for the committer.

use super::committer::Committer;
use super::keys;
use super::progress::{Batches, Progress};
use super::queue::{Op, Queue};
use super::tail::Source;
use super::timings::{SyncTimings, Timings};
use super::{DurableCallback, LogBounds, Purged};
use crate::disk::{Disk, Driver, LogTable};
use crate::fault::{FaultHook, Faults};
use bytes::Bytes;
use holdfast_machine::StorageFault;
use parking_lot::Mutex;
use std::sync::Arc;

/// The log. All writes go through one committer, in the order of the calls.
pub struct LogStore {
    table: Arc<dyn LogTable>,
    queue: Arc<Queue>,
    faults: Arc<Faults>,
    timings: Arc<Timings>,
    progress: Arc<Progress>,
    driver: Mutex<Option<Box<dyn Driver>>>,
}

impl LogStore {
    /// With a committer, or without one when nothing may be written.
    pub(crate) fn start(
        disk: &dyn Disk,
        (table, queue, progress): (Arc<dyn LogTable>, Arc<Queue>, Arc<Progress>),
        faults: Arc<Faults>,
        committer: Option<Committer>,
    ) -> std::io::Result<Self> {
        let timings = committer
            .as_ref()
            .map(|committer| Arc::clone(&committer.timings));
        let driver = committer
            .map(|committer| disk.drive(committer))
            .transpose()?;
        Ok(Self {
            table,
            queue,
            faults,
            timings: timings.unwrap_or_default(),
            progress,
            driver: Mutex::new(driver),
        })
    }

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
        self.faults.check()?;
        self.queue.push(|tail| {
            if !tail.accepts(&entries) {
                let end = tail.end();
                return Err(StorageFault(format!(
                    "appended entries do not follow: the next index is {end}"
                )));
            }
            tail.append(&entries);
            Ok(Op::Append {
                entries,
                epoch: tail.epoch(),
                done: on_durable,
            })
        })
    }

    /// Saves the vote; it is answered by [`LogStore::vote`] at once and durable when the callback is called.
    ///
    /// # Errors
    /// When the store has failed or is quarantined; the callback is then dropped.
    pub fn save_vote(&self, vote: Bytes, on_durable: DurableCallback) -> Result<(), StorageFault> {
        self.faults.check()?;
        self.queue.push(|tail| {
            tail.vote = Some(vote.clone());
            Ok(Op::Vote {
                vote,
                done: on_durable,
            })
        })
    }

    /// Removes every entry after `index` (all of them for `None`). In order with appends; not synced by itself.
    ///
    /// # Errors
    /// When the store has failed or is quarantined.
    pub fn truncate_after(&self, index: Option<u64>) -> Result<(), StorageFault> {
        self.faults.check()?;
        self.queue.push(|tail| {
            let keep = index.map_or(0, |index| index.saturating_add(1));
            tail.truncate(keep);
            // Truncating to the end removes nothing, on disk as in memory.
            Ok(Op::Truncate { from: tail.end() })
        })
    }

    /// Removes every entry up to and including `upto.index`, which may lie beyond the last one. Not synced by itself.
    /// Purging less than is purged already does nothing.
    ///
    /// # Errors
    /// When the store has failed or is quarantined.
    pub fn purge(&self, upto: Purged) -> Result<(), StorageFault> {
        self.faults.check()?;
        if upto.index < self.queue.lock().tail.first() {
            return Ok(());
        }
        self.queue.push(|tail| {
            tail.purge(upto.clone());
            Ok(Op::Purge { upto })
        })
    }

    /// Writes the committed mark. Never synced: after a crash an older one may be found.
    ///
    /// # Errors
    /// When the store has failed or is quarantined.
    pub fn save_committed(&self, committed: Option<Bytes>) -> Result<(), StorageFault> {
        self.faults.check()?;
        self.queue.push(|tail| {
            tail.committed.clone_from(&committed);
            Ok(Op::Committed { committed })
        })
    }

    /// Calls the hook with the first fault of log or state, once, on the thread that meets it; at once if there was one.
    /// Some writes are answered to nobody: the hook is the only one to hear that they failed.
    pub fn on_fault(&self, hook: FaultHook) {
        self.faults.on_first(hook);
    }

    /// The entries present in `from..to`, consecutive, cut once `max_bytes` are reached (the first is always given).
    ///
    /// # Errors
    /// When the disk fails or an entry is corrupt or missing; the store then refuses everything.
    pub fn read(
        &self,
        from: u64,
        to: u64,
        max_bytes: usize,
    ) -> Result<Vec<(u64, Bytes)>, StorageFault> {
        'again: loop {
            let mut found: Vec<(u64, Bytes)> = Vec::new();
            let mut left = max_bytes;
            let mut next = from;
            let epoch = self.queue.lock().tail.epoch();
            loop {
                let source = self.queue.lock().tail.locate(next, to, left);
                let part = match source {
                    Source::End => Vec::new(),
                    Source::Memory(part) => part,
                    Source::Disk { from, upto } => {
                        let read = self.read_disk(from, upto, left);
                        let inner = self.queue.lock();
                        // What was truncated or purged meanwhile may be gone from the disk, rightly.
                        if inner.tail.epoch() != epoch || inner.tail.first() > from {
                            drop(inner);
                            continue 'again;
                        }
                        drop(inner);
                        read.map_err(|fault| self.faults.raise(fault))?
                    }
                };
                let before = found.len();
                for (index, entry) in part {
                    if !found.is_empty() && (entry.len() > left || index != next) {
                        return Ok(found);
                    }
                    left = left.saturating_sub(entry.len());
                    next = index + 1;
                    found.push((index, entry));
                }
                if found.len() == before {
                    return Ok(found);
                }
                if self.queue.lock().tail.epoch() != epoch {
                    continue 'again;
                }
            }
        }
    }

    fn read_disk(
        &self,
        from: u64,
        upto: u64,
        max_bytes: usize,
    ) -> Result<Vec<(u64, Bytes)>, StorageFault> {
        let missing = |index| StorageFault(format!("log entry {index} is missing"));
        let (mut next, mut bytes, mut full) = (from, 0, false);
        let mut found = Vec::new();
        self.table.walk(
            &keys::entry_key(from),
            &keys::entry_key(upto),
            &mut |key, value| {
                if keys::entry_index(key) != Some(next) {
                    return Err(missing(next));
                }
                let entry = keys::decode_entry(next, value)
                    .ok_or_else(|| StorageFault(format!("log entry {next} is corrupt")))?;
                full = !found.is_empty() && bytes + entry.len() > max_bytes;
                if full {
                    return Ok(false);
                }
                bytes += entry.len();
                found.push((next, entry));
                next += 1;
                Ok(true)
            },
        )?;
        if !full && next < upto {
            return Err(missing(next));
        }
        Ok(found)
    }

    /// The bounds, entries not yet durable included.
    #[must_use]
    pub fn bounds(&self) -> LogBounds {
        self.queue.lock().tail.bounds()
    }

    /// The last vote saved.
    #[must_use]
    pub fn vote(&self) -> Option<Bytes> {
        self.queue.lock().tail.vote.clone()
    }

    /// The last committed mark saved.
    #[must_use]
    pub fn committed(&self) -> Option<Bytes> {
        self.queue.lock().tail.committed.clone()
    }

    /// How far the log has come.
    #[must_use]
    pub fn batches(&self) -> Batches {
        self.progress.batches()
    }

    /// How long durable writes took; asking begins a new search for the longest.
    #[must_use]
    pub fn sync_timings(&self) -> SyncTimings {
        self.timings.take()
    }

    /// Whether a fault has stopped this store, and which.
    ///
    /// # Errors
    /// The first fault, or the reason of the quarantine.
    pub fn health(&self) -> Result<(), StorageFault> {
        self.faults.check()
    }

    /// Writes what is queued, stops the committer and refuses everything afterwards. Blocks.
    pub fn close(&self) {
        self.queue.close();
        if let Some(mut driver) = self.driver.lock().take() {
            driver.close();
        }
    }
}

impl Drop for LogStore {
    fn drop(&mut self) {
        self.close();
    }
}
