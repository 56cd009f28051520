//! A table in memory.

use crate::batch::{Batch, Table};
use crate::command::Key;
use crate::port::StorageFault;
use std::collections::BTreeMap;
use std::ops::Bound;

/// Stored rows in a map.
#[derive(Clone, Default, Debug, PartialEq, Eq)]
pub struct MemoryTable {
    rows: BTreeMap<Key, Vec<u8>>,
}

impl MemoryTable {
    /// Writes a batch.
    pub fn write(&mut self, batch: &Batch) {
        for (key, row) in batch.iter() {
            match row {
                Some(row) => self.rows.insert(key.to_vec(), row.to_vec()),
                None => self.rows.remove(key),
            };
        }
    }

    /// Replaces stored bytes behind the machine's back, as a damaged or edited disk would.
    pub fn tamper(&mut self, key: &[u8], row: Vec<u8>) {
        self.rows.insert(key.to_vec(), row);
    }

    /// All stored bytes in key order.
    pub fn rows(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.rows
            .iter()
            .map(|(key, row)| (key.as_slice(), row.as_slice()))
    }

    /// All stored bytes, as [`crate::recompute`] wants them.
    pub fn scan_all(&self) -> impl Iterator<Item = Result<(Key, Vec<u8>), StorageFault>> {
        self.rows
            .iter()
            .map(|(key, row)| Ok((key.clone(), row.clone())))
    }

    /// Stored bytes from `from` on, in key order.
    pub fn rows_from(&self, from: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.rows
            .range::<[u8], _>((Bound::Included(from), Bound::Unbounded))
            .map(|(key, row)| (key.as_slice(), row.as_slice()))
    }
}

impl Table for MemoryTable {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageFault> {
        Ok(self.rows.get(key).cloned())
    }
}
