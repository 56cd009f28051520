//! Opening the log database and judging it by the watermark.
//!
//! It is opened read-only first: a log that has lost something is left as it was found, for diagnosis.

use super::committer::Committer;
use super::keys;
use super::queue::Queue;
use super::store::LogStore;
use super::tail::Tail;
use crate::engine;
use crate::fault::{Faults, failed};
use crate::open::{OpenError, Quarantine};
use crate::options::Options;
use crate::watermark::{self, Mark};
use bytes::Bytes;
use holdfast_machine::StorageFault;
use rocksdb::{Cache, DB};
use std::path::Path;
use std::sync::Arc;

/// An open log and what was found.
pub(crate) struct Recovered {
    pub(crate) log: LogStore,
    pub(crate) quarantine: Option<Quarantine>,
    /// Nothing was ever written.
    pub(crate) pristine: bool,
}

/// Opens the log in `dir`, which was made before. `found` is what the watermark says.
pub(crate) fn recover(
    dir: &Path,
    options: &Options,
    cache: &Cache,
    found: watermark::Found,
    faults: &Arc<Faults>,
) -> Result<Recovered, OpenError> {
    let tuning = engine::log_options(options, cache);
    let corrupt = |error: rocksdb::Error| OpenError::Corrupt(format!("the log: {error}"));
    let exists = dir.join("CURRENT").exists();
    let looked_at = if exists {
        let db = DB::open_for_read_only(&tuning, dir, false).map_err(corrupt)?;
        load(&db).map(|loaded| (db, loaded))
    } else {
        let db = DB::open(&tuning, dir).map_err(corrupt)?;
        load(&db).map(|loaded| (db, loaded))
    };
    let (db, loaded) = looked_at.map_err(|fault| OpenError::Corrupt(fault.0))?;
    let pristine = loaded.mark.batch == 0;
    let quarantine = judge(&found, loaded.mark);
    let mut tail = Tail::new(loaded.purged, loaded.mark.end, options.log_tail_bytes);
    tail.vote = loaded.vote;
    tail.committed = loaded.committed;
    let first = tail.first();
    let queue = Arc::new(Queue::new(tail, options.log_queue_bytes));
    let (db, committer) = match (found, &quarantine) {
        (watermark::Found::Mark(watermark, _), None) => {
            drop(db);
            let db = Arc::new(DB::open(&tuning, dir).map_err(corrupt)?);
            let committer = Committer {
                db: Arc::clone(&db),
                queue: Arc::clone(&queue),
                faults: Arc::clone(faults),
                watermark,
                mark: loaded.mark,
                first,
                timings: Arc::default(),
                reclaim_bytes: options.log_reclaim_bytes,
                reclaiming: None,
            };
            (db, Some(committer))
        }
        _ => (Arc::new(db), None),
    };
    let log = LogStore::start(db, queue, Arc::clone(faults), committer)
        .map_err(|error| OpenError::Io(error.to_string()))?;
    Ok(Recovered {
        log,
        quarantine,
        pristine,
    })
}

fn judge(found: &watermark::Found, mark: Mark) -> Option<Quarantine> {
    let what = match found {
        watermark::Found::Mark(_, promised) if promised.batch <= mark.batch => return None,
        watermark::Found::Mark(_, promised) => format!(
            "write {} of the log was acknowledged with entries up to {}, but the log on disk ends at write {} with entries up to {}",
            promised.batch,
            last_of(promised.end),
            mark.batch,
            last_of(mark.end)
        ),
        watermark::Found::Nothing => "the watermark file is missing".to_owned(),
        watermark::Found::Unreadable => "the watermark file is damaged".to_owned(),
    };
    Some(Quarantine { what })
}

fn last_of(end: u64) -> String {
    end.checked_sub(1)
        .map_or_else(|| "none".to_owned(), |last| last.to_string())
}

struct Loaded {
    mark: Mark,
    purged: Option<super::Purged>,
    vote: Option<Bytes>,
    committed: Option<Bytes>,
}

fn load(db: &DB) -> Result<Loaded, StorageFault> {
    let get = |key: &[u8]| {
        db.get(key)
            .map_err(|error| failed("reading the log", &error))
    };
    let decoded = |what: &str| StorageFault(format!("the log's {what} is corrupt"));
    let mark = match get(keys::MARK)? {
        Some(stored) => keys::decode_mark(&stored).ok_or_else(|| decoded("mark"))?,
        None => Mark::default(),
    };
    let purged = match get(keys::PURGED)? {
        Some(stored) => Some(keys::decode_purged(&stored).ok_or_else(|| decoded("purge mark"))?),
        None => None,
    };
    let first = purged.as_ref().map_or(0, |purged| purged.index + 1);
    check_ends(db, first, mark.end)?;
    Ok(Loaded {
        mark,
        purged,
        vote: get(keys::VOTE)?.map(Bytes::from),
        committed: get(keys::COMMITTED)?.map(Bytes::from),
    })
}

/// The first and the last entry are where the marks say. What lies between is checked when it is read.
fn check_ends(db: &DB, first: u64, end: u64) -> Result<(), StorageFault> {
    let mut how = rocksdb::ReadOptions::default();
    how.set_iterate_lower_bound(keys::entry_key(first));
    how.set_iterate_upper_bound(keys::ENTRIES_END);
    let mut cursor = db.raw_iterator_opt(how);
    let mut at = |last: bool| {
        if last {
            cursor.seek_to_last();
        } else {
            cursor.seek_to_first();
        }
        cursor
            .status()
            .map_err(|error| failed("reading the log", &error))?;
        Ok(cursor.key().and_then(keys::entry_index))
    };
    let expected = (end > first).then(|| (first, end - 1));
    if end < first || at(false)?.zip(at(true)?) != expected {
        return Err(StorageFault(format!(
            "the log's entries are not those from {first} to {}",
            last_of(end)
        )));
    }
    Ok(())
}
