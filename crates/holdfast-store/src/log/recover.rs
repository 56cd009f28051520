//! Opening the log database and judging it by the watermark.
//!
//! It is opened read-only first: a log that has lost something is left as it was found, for diagnosis.

use super::committer::{Committer, Extent};
use super::keys;
use super::progress::{Batches, Progress};
use super::queue::Queue;
use super::store::LogStore;
use super::tail::Tail;
use crate::disk::{Disk, LogTable};
use crate::fault::Faults;
use crate::open::{OpenError, Quarantine};
use crate::options::Options;
use crate::watermark::{self, Mark};
use bytes::Bytes;
use holdfast_machine::StorageFault;
use holdfast_mutant::Mutant;
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
    disk: &Arc<dyn Disk>,
    dir: &Path,
    options: &Options,
    found: watermark::Found,
    faults: &Arc<Faults>,
) -> Result<Recovered, OpenError> {
    let corrupt = |fault: StorageFault| OpenError::Corrupt(fault.0);
    let table = disk.look_at_log(dir).map_err(corrupt)?;
    let loaded = load(&*table).map_err(corrupt)?;
    let pristine = loaded.mark.batch == 0;
    let quarantine = judge(&found, loaded.mark);
    let promised = match &found {
        watermark::Found::Mark(_, promised) => promised.batch,
        watermark::Found::Nothing | watermark::Found::Unreadable => 0,
    };
    let progress = Arc::new(Progress::new(Batches {
        found: loaded.mark.batch,
        promised,
    }));
    let mut tail = Tail::new(loaded.purged, loaded.mark.end, options.log_tail_bytes);
    tail.vote = loaded.vote;
    tail.committed = loaded.committed;
    let first = tail.first();
    let queue = Arc::new(Queue::new(tail, options.log_queue_bytes, disk.may_wait()));
    let (table, committer) = match (found, &quarantine) {
        (watermark::Found::Mark(watermark, _), None) => {
            drop(table);
            let table = disk.open_log(dir, faults).map_err(corrupt)?;
            let committer = Committer {
                table: Arc::clone(&table),
                queue: Arc::clone(&queue),
                faults: Arc::clone(faults),
                watermark,
                extent: Extent {
                    mark: loaded.mark,
                    first,
                },
                timings: Arc::default(),
                progress: Arc::clone(&progress),
            };
            (table, Some(committer))
        }
        _ => (table, None),
    };
    let log = LogStore::start(
        &**disk,
        (table, queue, progress),
        Arc::clone(faults),
        committer,
    )
    .map_err(|error| OpenError::Io(error.to_string()))?;
    Ok(Recovered {
        log,
        quarantine,
        pristine,
    })
}

fn judge(found: &watermark::Found, mark: Mark) -> Option<Quarantine> {
    let what = match found {
        // Mutant: what was promised is not held against what is there.
        watermark::Found::Mark(..) if Mutant::WatermarkIgnored.lives() => return None,
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

fn load(table: &dyn LogTable) -> Result<Loaded, StorageFault> {
    let decoded = |what: &str| StorageFault(format!("the log's {what} is corrupt"));
    let mark = match table.get(keys::MARK)? {
        Some(stored) => keys::decode_mark(&stored).ok_or_else(|| decoded("mark"))?,
        None => Mark::default(),
    };
    let purged = match table.get(keys::PURGED)? {
        Some(stored) => Some(keys::decode_purged(&stored).ok_or_else(|| decoded("purge mark"))?),
        None => None,
    };
    let first = purged.as_ref().map_or(0, |purged| purged.index + 1);
    check_ends(table, first, mark.end)?;
    Ok(Loaded {
        mark,
        purged,
        vote: table.get(keys::VOTE)?.map(Bytes::from),
        committed: table.get(keys::COMMITTED)?.map(Bytes::from),
    })
}

/// The first and the last entry are where the marks say. What lies between is checked when it is read.
fn check_ends(table: &dyn LogTable, first: u64, end: u64) -> Result<(), StorageFault> {
    let found = table.ends(&keys::entry_key(first), &keys::ENTRIES_END)?;
    let found = found.map(|ends| ends.map(|key| keys::entry_index(&key)));
    let expected = (end > first).then(|| [Some(first), Some(end - 1)]);
    if end < first || found != expected {
        return Err(StorageFault(format!(
            "the log's entries are not those from {first} to {}",
            last_of(end)
        )));
    }
    Ok(())
}
