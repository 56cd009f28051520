//! The one writer of the log.
//!
//! It is given everything that waits, makes one batch of it, writes it (synced if anything in it must be durable), promises
//! it in the watermark, and then answers in order. An operation is answered `Ok` only when the watermark speaks for it.
//! What waits for operations and drives it belongs to the disk: a thread, or a task of a simulation.

use super::keys;
use super::progress::Progress;
use super::queue::{Op, Queue};
use super::timings::Timings;
use super::{DurableCallback, Purged};
use crate::disk::{Edits, LogTable};
use crate::failpoint::step;
use crate::fault::{Faults, failed};
use crate::watermark::{Mark, Watermark};
use holdfast_machine::StorageFault;
use holdfast_mutant::Mutant;
use std::sync::Arc;
use std::time::Duration;

pub(crate) struct Committer {
    pub(super) table: Arc<dyn LogTable>,
    pub(super) queue: Arc<Queue>,
    pub(super) faults: Arc<Faults>,
    pub(super) watermark: Watermark,
    pub(super) extent: Extent,
    pub(super) timings: Arc<Timings>,
    pub(super) progress: Arc<Progress>,
}

/// What the table holds, as last written.
pub(super) struct Extent {
    pub(super) mark: Mark,
    /// Lowest entry.
    pub(super) first: u64,
}

/// What became of a batch.
pub(crate) struct Written {
    result: Result<(), StorageFault>,
    synced: bool,
}

impl Committer {
    pub(crate) const fn queue(&self) -> &Arc<Queue> {
        &self.queue
    }

    pub(crate) const fn faults(&self) -> &Arc<Faults> {
        &self.faults
    }

    /// Writes operations as one batch and promises it.
    pub(crate) fn write(&mut self, ops: &[Op]) -> Written {
        let synced = ops.iter().any(Op::must_be_durable);
        // Mutant: "durable" is said before it is. Without a promise too, or the watermark would notice.
        let synced = synced && !Mutant::AckBeforeSync.lives();
        let written = self.faults.check().and_then(|()| {
            self.commit(ops, synced)
                .map_err(|fault| self.faults.raise(fault))
        });
        Written {
            result: written,
            synced,
        }
    }

    fn commit(&mut self, ops: &[Op], sync: bool) -> Result<(), StorageFault> {
        self.extent.mark.batch += 1;
        let extent = &mut self.extent;
        step("write the log");
        self.table.write(
            &mut |batch| {
                for op in ops {
                    extent.collect(batch, op);
                }
                batch.put(keys::MARK, &keys::encode_mark(extent.mark));
            },
            sync,
        )?;
        if sync {
            self.watermark
                .promise(self.extent.mark)
                .map_err(|error| failed("writing the watermark", &error))?;
            self.progress.promised(self.extent.mark.batch);
            step("acknowledge");
        }
        Ok(())
    }

    /// Answers operations that were written, which took this long.
    pub(crate) fn answer(&mut self, ops: Vec<Op>, written: &Written, took: Duration) {
        let mut purged = false;
        let mut answers: Vec<DurableCallback> = Vec::new();
        let mut end = None;
        for op in ops {
            match op {
                Op::Append {
                    entries,
                    epoch,
                    done,
                } => {
                    end = entries.last().map(|(index, _)| (epoch, index + 1)).or(end);
                    answers.push(done);
                }
                Op::Vote { done, .. } => answers.push(done),
                Op::Purge { .. } => purged = true,
                Op::Truncate { .. } | Op::Committed { .. } => {}
            }
        }
        if written.result.is_ok() {
            if written.synced {
                self.timings.note(took);
            }
            if let Some((epoch, end)) = end {
                self.queue.lock().tail.on_written(epoch, end);
            }
        }
        for done in answers {
            done(written.result.clone());
        }
        if purged && written.result.is_ok() {
            let (from, to) = (keys::entry_key(0), keys::entry_key(self.extent.first));
            self.table.reclaim(&from, &to);
        }
    }
}

impl Extent {
    /// Adds one operation to the batch.
    fn collect(&mut self, batch: &mut dyn Edits, op: &Op) {
        match op {
            Op::Append { entries, .. } => {
                for (index, entry) in entries {
                    let stored = keys::encode_entry(*index, entry);
                    batch.put(&keys::entry_key(*index), &stored);
                    self.mark.end = index + 1;
                }
            }
            Op::Vote { vote, .. } => batch.put(keys::VOTE, vote),
            Op::Truncate { from } => {
                if *from < self.mark.end {
                    let (from_key, end_key) =
                        (keys::entry_key(*from), keys::entry_key(self.mark.end));
                    batch.delete_range(&from_key, &end_key);
                    self.mark.end = *from;
                }
            }
            Op::Purge { upto } => self.collect_purge(batch, upto),
            Op::Committed { committed } => match committed {
                Some(committed) => batch.put(keys::COMMITTED, committed),
                None => batch.delete(keys::COMMITTED),
            },
        }
    }

    fn collect_purge(&mut self, batch: &mut dyn Edits, upto: &Purged) {
        let first = upto.index + 1;
        let until = first.min(self.mark.end);
        if self.first < until {
            batch.delete_range(&keys::entry_key(self.first), &keys::entry_key(until));
        }
        batch.put(keys::PURGED, &keys::encode_purged(upto));
        self.first = first;
        self.mark.end = self.mark.end.max(first);
    }
}

#[cfg(test)]
mod tests {
    use crate::Options;
    use crate::disk::Disk;
    use crate::fault::Faults;
    use crate::local::Local;
    use crate::log::{Purged, recover};
    use crate::watermark::{Found, Mark, Watermark};
    use bytes::Bytes;
    use holdfast_types::StoreId;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, mpsc};

    /// The first write that fails is answered as such, told once, and nothing is written after it.
    #[test]
    fn a_failed_write_stops_the_log() {
        let dir = tempfile::tempdir().unwrap();
        let told = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&told);
        let options = Options::default();
        let disk: Arc<dyn Disk> = Arc::new(Local::new(&options));
        let lock = disk.lock(&dir.path().join("LOCK")).unwrap();
        let faults = Arc::new(Faults::new(lock));
        faults.on_first(Box::new(move |_| {
            counter.fetch_add(1, Ordering::SeqCst);
        }));
        let path = dir.path().join("watermark");
        drop(Watermark::create(&*disk, &path, StoreId([1; 16])).unwrap());
        let broken = Watermark::read_only(&*disk, &path, StoreId([1; 16]));
        let found = Found::Mark(broken, Mark::default());
        let place = dir.path().join("log");
        std::fs::create_dir(&place).unwrap();
        let log = recover(&disk, &place, &options, found, &faults)
            .unwrap()
            .log;
        let (sender, receiver) = mpsc::channel();
        for index in 0..3 {
            let sender = sender.clone();
            let done = Box::new(move |result: Result<(), _>| sender.send(result).unwrap());
            // Refused at the door once the fault is known, answered with it before.
            if let Err(fault) = log.append(vec![(index, Bytes::from_static(b"x"))], done) {
                assert!(told.load(Ordering::SeqCst) == 1, "{fault}");
            }
        }
        drop(sender);
        let answers: Vec<_> = receiver.iter().collect();
        assert!(!answers.is_empty());
        assert!(answers.iter().all(Result::is_err), "{answers:?}");
        assert_eq!(told.load(Ordering::SeqCst), 1);
        let upto = Purged {
            index: 0,
            log_id: Bytes::new(),
        };
        assert!(log.purge(upto).is_err());
        assert!(log.health().is_err());
    }
}
