//! The state's table in RocksDB: snapshots that own their database, and scans that never end early without saying so.
#![expect(
    clippy::mem_forget,
    reason = "the macro's own guard against panics while it builds the cell"
)]

use super::tuning;
use crate::disk::{Fill, Rows, StateTable, Visit};
use crate::fault::failed;
use crate::options::Options;
use holdfast_machine::StorageFault;
use rocksdb::checkpoint::Checkpoint;
use rocksdb::{Cache, DB, ReadOptions, SnapshotWithThreadMode, WriteBatch, WriteOptions};
use self_cell::self_cell;
use std::path::Path;
use std::sync::Arc;

struct RocksState {
    db: DB,
}

type Snapshot<'a> = SnapshotWithThreadMode<'a, DB>;

self_cell!(
    /// A RocksDB snapshot together with the database it reads, which it keeps open.
    struct Pinned {
        owner: Arc<RocksState>,
        #[not_covariant]
        dependent: Snapshot,
    }
);

/// Opens the state in `dir`.
pub(super) fn open(
    dir: &Path,
    options: &Options,
    cache: &Cache,
    create: bool,
) -> Result<Arc<dyn StateTable>, StorageFault> {
    let mut tuning = tuning::state_options(options, cache);
    tuning.create_if_missing(create);
    let db = DB::open(&tuning, dir).map_err(|error| failed("opening the state", &error))?;
    Ok(Arc::new(RocksState { db }))
}

impl StateTable for RocksState {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageFault> {
        self.db.get(key).map_err(|error| reading(&error))
    }

    fn write(&self, fill: Fill<'_>) -> Result<(), StorageFault> {
        let mut batch = WriteBatch::default();
        fill(&mut batch);
        let mut how = WriteOptions::default();
        // What a crash takes is applied again from the Raft log.
        how.disable_wal(true);
        self.db
            .write_opt(batch, &how)
            .map_err(|error| failed("writing the state", &error))
    }

    fn pin(self: Arc<Self>) -> Box<dyn Rows> {
        Box::new(Pinned::new(self, |state| state.db.snapshot()))
    }

    fn flush(&self) -> Result<(), StorageFault> {
        self.db
            .flush()
            .map_err(|error| failed("flushing the state", &error))
    }

    fn checkpoint(&self, dir: &Path) -> Result<(), StorageFault> {
        Checkpoint::new(&self.db)
            .and_then(|checkpoint| checkpoint.create_checkpoint(dir))
            .map_err(|error| failed("making a checkpoint", &error))
    }
}

impl Rows for Pinned {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageFault> {
        self.with_dependent(|_, snapshot| snapshot.get(key))
            .map_err(|error| reading(&error))
    }

    fn walk(&self, prefix: &[u8], from: &[u8], visit: Visit<'_>) -> Result<(), StorageFault> {
        let mut how = ReadOptions::default();
        if let Some(upper) = end_of(prefix) {
            how.set_iterate_upper_bound(upper);
        }
        self.with_dependent(|_, snapshot| {
            let mut cursor = snapshot.raw_iterator_opt(how);
            cursor.seek(from.max(prefix));
            while let Some((key, row)) = cursor.item() {
                if !visit(key, row)? {
                    return Ok(());
                }
                cursor.next();
            }
            // A damaged block ends an iteration just as the last row does; only the status tells them apart.
            cursor
                .status()
                .map_err(|error| failed("scanning the state", &error))
        })
    }
}

fn reading(error: &rocksdb::Error) -> StorageFault {
    failed("reading the state", error)
}

/// The first key after all that begin with `prefix`; `None` when there is none.
fn end_of(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            return Some(end);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::end_of;

    #[test]
    fn the_end_of_a_prefix() {
        assert_eq!(end_of(&[1, 2]), Some(vec![1, 3]));
        assert_eq!(end_of(&[1, 0xff, 0xff]), Some(vec![2]));
        assert_eq!(end_of(&[0xff]), None);
        assert_eq!(end_of(&[]), None);
    }
}
