//! The log's table in RocksDB.

use super::tuning;
use crate::disk::{Edits, Fill, LogTable, Visit};
use crate::fault::{Faults, failed};
use crate::options::Options;
use holdfast_machine::StorageFault;
use parking_lot::Mutex;
use rocksdb::{Cache, DB, Range, ReadOptions, WriteBatch, WriteOptions};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

struct RocksLog {
    db: Arc<DB>,
    reclaims: Option<Reclaims>,
}

/// Gives purged space back on a thread of its own: compaction must not delay a vote.
struct Reclaims {
    /// Less than this is not worth it.
    bytes_min: u64,
    faults: Arc<Faults>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// Opens the log without changing it, unless there is none.
pub(super) fn look_at(
    dir: &Path,
    options: &Options,
    cache: &Cache,
) -> Result<Arc<dyn LogTable>, StorageFault> {
    let tuning = tuning::log_options(options, cache);
    let db = if dir.join("CURRENT").exists() {
        DB::open_for_read_only(&tuning, dir, false)
    } else {
        DB::open(&tuning, dir)
    };
    let db = db.map_err(|error| failed("the log", &error))?;
    Ok(Arc::new(RocksLog {
        db: Arc::new(db),
        reclaims: None,
    }))
}

/// Opens the log to write it.
pub(super) fn open(
    dir: &Path,
    options: &Options,
    cache: &Cache,
    faults: &Arc<Faults>,
) -> Result<Arc<dyn LogTable>, StorageFault> {
    let tuning = tuning::log_options(options, cache);
    let db = DB::open(&tuning, dir).map_err(|error| failed("the log", &error))?;
    Ok(Arc::new(RocksLog {
        db: Arc::new(db),
        reclaims: Some(Reclaims {
            bytes_min: options.log_reclaim_bytes,
            faults: Arc::clone(faults),
            thread: Mutex::new(None),
        }),
    }))
}

impl LogTable for RocksLog {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageFault> {
        self.db.get(key).map_err(|error| reading(&error))
    }

    fn walk(&self, from: &[u8], to: &[u8], visit: Visit<'_>) -> Result<(), StorageFault> {
        let mut how = bounded(from, to);
        how.fill_cache(false);
        let mut cursor = self.db.raw_iterator_opt(how);
        cursor.seek(from);
        while let Some((key, value)) = cursor.item() {
            if !visit(key, value)? {
                return Ok(());
            }
            cursor.next();
        }
        cursor.status().map_err(|error| reading(&error))
    }

    fn ends(&self, from: &[u8], to: &[u8]) -> Result<Option<[Vec<u8>; 2]>, StorageFault> {
        let mut cursor = self.db.raw_iterator_opt(bounded(from, to));
        cursor.seek_to_first();
        cursor.status().map_err(|error| reading(&error))?;
        let first = cursor.key().map(<[u8]>::to_vec);
        cursor.seek_to_last();
        cursor.status().map_err(|error| reading(&error))?;
        let last = cursor.key().map(<[u8]>::to_vec);
        Ok(first.zip(last).map(|(first, last)| [first, last]))
    }

    fn write(&self, fill: Fill<'_>, sync: bool) -> Result<(), StorageFault> {
        let mut batch = WriteBatch::default();
        fill(&mut batch);
        let mut how = WriteOptions::default();
        how.set_sync(sync);
        self.db
            .write_opt(batch, &how)
            .map_err(|error| failed("writing the log", &error))
    }

    fn reclaim(&self, from: &[u8], to: &[u8]) {
        let Some(reclaims) = &self.reclaims else {
            return;
        };
        let mut thread = reclaims.thread.lock();
        if thread.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return;
        }
        let held = self.db.get_approximate_sizes(&[Range::new(from, to)]);
        if held.iter().sum::<u64>() < reclaims.bytes_min {
            return;
        }
        let (db, faults) = (Arc::clone(&self.db), Arc::clone(&reclaims.faults));
        let (from, to) = (from.to_vec(), to.to_vec());
        let named = std::thread::Builder::new().name("log-reclaim".to_owned());
        let spawned = named.spawn(move || {
            if let Err(error) = db.flush() {
                faults.raise(failed("flushing the log", &error));
                return;
            }
            db.compact_range(Some(from), Some(to));
        });
        match spawned {
            Ok(spawned) => *thread = Some(spawned),
            Err(error) => tracing::warn!(%error, "the log's space is not given back now"),
        }
    }
}

impl Drop for RocksLog {
    fn drop(&mut self) {
        let reclaiming = self.reclaims.as_ref();
        if let Some(thread) = reclaiming.and_then(|reclaims| reclaims.thread.lock().take()) {
            let _panicked = thread.join();
        }
    }
}

fn bounded(from: &[u8], to: &[u8]) -> ReadOptions {
    let mut how = ReadOptions::default();
    how.set_iterate_lower_bound(from);
    how.set_iterate_upper_bound(to);
    how
}

fn reading(error: &rocksdb::Error) -> StorageFault {
    failed("reading the log", error)
}

impl Edits for WriteBatch {
    fn put(&mut self, key: &[u8], value: &[u8]) {
        Self::put(self, key, value);
    }

    fn delete(&mut self, key: &[u8]) {
        Self::delete(self, key);
    }

    fn delete_range(&mut self, from: &[u8], to: &[u8]) {
        Self::delete_range(self, from, to);
    }
}
