//! What readers hold: rows and the position they belong to.

use super::apply::Applied;
use super::generation::Pinned;
use crate::fault::Faults;
use holdfast_machine::{Key, Position, Row, StorageFault, View};
use std::sync::Arc;

/// A consistent view of the state, cheap to make and to clone; valid even after a snapshot replaced the state.
#[derive(Clone)]
pub struct StateView {
    pub(crate) pinned: Arc<Pinned>,
    pub(crate) applied: Arc<Applied>,
    pub(crate) faults: Arc<Faults>,
}

impl StateView {
    /// The applied position, log id and membership this view stands at.
    #[must_use]
    pub fn applied(&self) -> &Applied {
        &self.applied
    }
}

impl View for StateView {
    fn position(&self) -> Position {
        self.applied.position
    }

    fn get(&self, key: &[u8]) -> Result<Option<Row>, StorageFault> {
        let read = self.pinned.rows.get(key);
        read.and_then(|row| row.map(|row| Row::decode(&row)).transpose())
            .map_err(|fault| self.faults.raise(fault))
    }

    fn scan(
        &self,
        prefix: &[u8],
        from: &[u8],
        limit: usize,
    ) -> Result<Vec<(Key, Row)>, StorageFault> {
        let mut found = Vec::new();
        if limit == 0 {
            return Ok(found);
        }
        self.pinned
            .rows
            .walk(prefix, from, &mut |key, row| {
                found.push((key.to_vec(), Row::decode(row)?));
                Ok(found.len() < limit)
            })
            .map_err(|fault| self.faults.raise(fault))?;
        Ok(found)
    }

    fn scan_keys(
        &self,
        prefix: &[u8],
        from: &[u8],
        limit: usize,
    ) -> Result<Vec<Key>, StorageFault> {
        let mut found = Vec::new();
        if limit == 0 {
            return Ok(found);
        }
        self.pinned
            .rows
            .walk(prefix, from, &mut |key, _| {
                found.push(key.to_vec());
                Ok(found.len() < limit)
            })
            .map_err(|fault| self.faults.raise(fault))?;
        Ok(found)
    }
}
