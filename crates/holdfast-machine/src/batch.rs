//! What the machine reads (a table) and what it wants written (a batch, which later entries of the batch see).

use crate::command::Key;
use crate::port::StorageFault;
use std::collections::BTreeMap;

/// Stored rows, as raw bytes. It does not change while a batch is being filled.
pub trait Table {
    /// The stored bytes under a key.
    ///
    /// # Errors
    /// When the disk fails.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageFault>;
}

/// Changes to make in one atomic write. The last change of a key wins.
#[derive(Default, Debug, PartialEq, Eq)]
pub struct Batch {
    changes: BTreeMap<Key, Option<Vec<u8>>>,
}

impl Batch {
    /// An empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The changes in key order: stored bytes, or `None` to remove.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        self.changes
            .iter()
            .map(|(key, row)| (key.as_slice(), row.as_deref()))
    }

    /// Stores `row` under `key`.
    pub(crate) fn put(&mut self, key: Key, row: Vec<u8>) {
        self.changes.insert(key, Some(row));
    }

    /// Removes `key`.
    pub(crate) fn delete(&mut self, key: Key) {
        self.changes.insert(key, None);
    }

    /// What is stored under `key` once this batch is written.
    pub(crate) fn read_through(
        &self,
        table: &impl Table,
        key: &[u8],
    ) -> Result<Option<Vec<u8>>, StorageFault> {
        match self.changes.get(key) {
            Some(change) => Ok(change.clone()),
            None => table.get(key),
        }
    }
}
