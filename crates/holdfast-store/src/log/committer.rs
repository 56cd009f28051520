//! The one thread that writes the log.
//!
//! It takes everything that waits, makes one batch of it, writes it (synced if anything in it must be durable), promises it
//! in the watermark, and then answers in order. An operation is answered `Ok` only when the watermark speaks for it.

use super::keys;
use super::queue::{Op, Queue};
use super::timings::Timings;
use super::{DurableCallback, Purged};
use crate::failpoint::step;
use crate::fault::{Faults, failed};
use crate::watermark::{Mark, Watermark};
use holdfast_machine::StorageFault;
use rocksdb::{DB, Range, WriteBatch, WriteOptions};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

pub(crate) struct Committer {
    pub(crate) db: Arc<DB>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) faults: Arc<Faults>,
    pub(crate) watermark: Watermark,
    /// As last written.
    pub(crate) mark: Mark,
    /// Lowest entry on disk.
    pub(crate) first: u64,
    pub(crate) timings: Arc<Timings>,
    pub(crate) reclaim_bytes: u64,
    pub(crate) reclaiming: Option<JoinHandle<()>>,
}

impl Committer {
    /// Runs until the queue is closed and empty.
    pub(crate) fn run(mut self) {
        let guard = Guard {
            queue: Arc::clone(&self.queue),
            faults: Arc::clone(&self.faults),
        };
        while let Some(ops) = self.queue.take() {
            let result = self
                .faults
                .check()
                .and_then(|()| self.commit(&ops).map_err(|fault| self.faults.raise(fault)));
            self.finish(ops, &result);
        }
        self.queue.close();
        drop(guard);
        if let Some(reclaiming) = self.reclaiming.take() {
            let _panicked = reclaiming.join();
        }
    }

    fn commit(&mut self, ops: &[Op]) -> Result<(), StorageFault> {
        let mut batch = WriteBatch::default();
        let mut sync = false;
        for op in ops {
            sync |= self.collect(&mut batch, op);
        }
        self.mark.batch += 1;
        batch.put(keys::MARK, keys::encode_mark(self.mark));
        let mut how = WriteOptions::default();
        how.set_sync(sync);
        let begun = Instant::now();
        step("write the log");
        self.db
            .write_opt(batch, &how)
            .map_err(|error| failed("writing the log", &error))?;
        if sync {
            self.watermark
                .promise(self.mark)
                .map_err(|error| failed("writing the watermark", &error))?;
            step("acknowledge");
            self.timings.note(begun.elapsed());
        }
        Ok(())
    }

    /// Adds one operation to the batch; whether it must be durable.
    fn collect(&mut self, batch: &mut WriteBatch, op: &Op) -> bool {
        match op {
            Op::Append { entries, .. } => {
                for (index, entry) in entries {
                    batch.put(keys::entry_key(*index), keys::encode_entry(*index, entry));
                    self.mark.end = index + 1;
                }
                true
            }
            Op::Vote { vote, .. } => {
                batch.put(keys::VOTE, vote);
                true
            }
            Op::Truncate { from } => {
                if *from < self.mark.end {
                    batch.delete_range(keys::entry_key(*from), keys::entry_key(self.mark.end));
                    self.mark.end = *from;
                }
                false
            }
            Op::Purge { upto } => {
                self.collect_purge(batch, upto);
                false
            }
            Op::Committed { committed } => {
                match committed {
                    Some(committed) => batch.put(keys::COMMITTED, committed),
                    None => batch.delete(keys::COMMITTED),
                }
                false
            }
        }
    }

    fn collect_purge(&mut self, batch: &mut WriteBatch, upto: &Purged) {
        let first = upto.index + 1;
        let until = first.min(self.mark.end);
        if self.first < until {
            batch.delete_range(keys::entry_key(self.first), keys::entry_key(until));
        }
        batch.put(keys::PURGED, keys::encode_purged(upto));
        self.first = first;
        self.mark.end = self.mark.end.max(first);
    }

    fn finish(&mut self, ops: Vec<Op>, result: &Result<(), StorageFault>) {
        let mut purged = false;
        let mut answers: Vec<DurableCallback> = Vec::new();
        let mut written = None;
        for op in ops {
            match op {
                Op::Append {
                    entries,
                    epoch,
                    done,
                } => {
                    written = entries
                        .last()
                        .map(|(index, _)| (epoch, index + 1))
                        .or(written);
                    answers.push(done);
                }
                Op::Vote { done, .. } => answers.push(done),
                Op::Purge { .. } => purged = true,
                Op::Truncate { .. } | Op::Committed { .. } => {}
            }
        }
        if let (Some((epoch, end)), Ok(())) = (written, result) {
            self.queue.lock().tail.on_written(epoch, end);
        }
        for done in answers {
            done(result.clone());
        }
        if purged && result.is_ok() {
            self.reclaim();
        }
    }

    /// Gives purged space back once enough of it is held, on a thread of its own: compaction must not delay a vote.
    fn reclaim(&mut self) {
        if self
            .reclaiming
            .as_ref()
            .is_some_and(|thread| !thread.is_finished())
        {
            return;
        }
        let (from, to) = (keys::entry_key(0), keys::entry_key(self.first));
        let held = self.db.get_approximate_sizes(&[Range::new(&from, &to)]);
        if held.iter().sum::<u64>() < self.reclaim_bytes {
            return;
        }
        let (db, faults) = (Arc::clone(&self.db), Arc::clone(&self.faults));
        let thread = std::thread::Builder::new().name("log-reclaim".to_owned());
        let spawned = thread.spawn(move || {
            if let Err(error) = db.flush() {
                faults.raise(failed("flushing the log", &error));
                return;
            }
            db.compact_range(Some(from), Some(to));
        });
        match spawned {
            Ok(thread) => self.reclaiming = Some(thread),
            Err(error) => tracing::warn!(%error, "the log's space is not given back now"),
        }
    }
}

/// Should a callback panic, what waits is answered and the node stops instead of hanging.
struct Guard {
    queue: Arc<Queue>,
    faults: Arc<Faults>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let fault = StorageFault("the log's committer panicked".to_owned());
        let fault = self.faults.raise(fault);
        self.queue.close();
        while let Some(ops) = self.queue.take() {
            for op in ops {
                if let Op::Append { done, .. } | Op::Vote { done, .. } = op {
                    done(Err(fault.clone()));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::fault::Faults;
    use crate::log::{Purged, recover};
    use crate::watermark::{Found, Mark, Watermark};
    use crate::{Options, state};
    use bytes::Bytes;
    use holdfast_machine::StorageFault;
    use holdfast_types::StoreId;
    use std::fs::File;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, mpsc};

    /// The first write that fails is answered as such, told once, and nothing is written after it.
    #[test]
    fn a_failed_write_stops_the_log() {
        let dir = tempfile::tempdir().unwrap();
        let told = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&told);
        let hook = Arc::new(move |_: &StorageFault| {
            counter.fetch_add(1, Ordering::SeqCst);
        });
        let options = Options::default();
        let lock = File::create(dir.path().join("LOCK")).unwrap();
        let faults = Arc::new(Faults::new(hook, lock));
        let path = dir.path().join("watermark");
        drop(Watermark::create(&path, StoreId([1; 16])).unwrap());
        let broken = Watermark::read_only(&path, StoreId([1; 16]));
        let found = Found::Mark(broken, Mark::default());
        let place = dir.path().join("log");
        std::fs::create_dir(&place).unwrap();
        let cache = state::shared_cache(&options);
        let log = recover(&place, &options, &cache, found, &faults)
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
