//! A RocksDB snapshot that owns its database, and scans that never end early without saying so.
#![expect(
    clippy::mem_forget,
    reason = "the macro's own guard against panics while it builds the cell"
)]

use super::generation::Generation;
use crate::fault::failed;
use holdfast_machine::{StorageFault, Table};
use rocksdb::{DB, ReadOptions, SnapshotWithThreadMode};
use self_cell::self_cell;
use std::sync::Arc;

type Snapshot<'a> = SnapshotWithThreadMode<'a, DB>;

self_cell!(
    /// A RocksDB snapshot together with the database it reads, which it keeps open.
    pub(crate) struct Pinned {
        owner: Arc<Generation>,
        #[not_covariant]
        dependent: Snapshot,
    }
);

impl Pinned {
    pub(crate) fn take(generation: &Arc<Generation>) -> Self {
        Self::new(Arc::clone(generation), |generation| {
            generation.db.snapshot()
        })
    }

    pub(crate) fn get_stored(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageFault> {
        self.with_dependent(|_, snapshot| snapshot.get(key))
            .map_err(|error| failed("reading the state", &error))
    }

    /// Calls `visit` with stored rows from `from` on whose keys begin with `prefix`, until it answers false.
    pub(crate) fn walk(
        &self,
        prefix: &[u8],
        from: &[u8],
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<bool, StorageFault>,
    ) -> Result<(), StorageFault> {
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

impl Table for Pinned {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageFault> {
        self.get_stored(key)
    }
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
