//! The log's table: rows as readers see them, rows as a power cut would leave them, and the batches between the two.

use super::crash::{Choice, Loss};
use super::life::Life;
use crate::disk::{Edits, Fill, LogTable, Visit};
use crate::fault::failed;
use bytes::Bytes;
use holdfast_machine::StorageFault;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) type Stored = BTreeMap<Vec<u8>, Bytes>;

/// One change of a batch.
pub(super) enum Edit {
    Put(Vec<u8>, Bytes),
    Delete(Vec<u8>),
    DeleteRange(Vec<u8>, Vec<u8>),
}

impl Edit {
    fn apply(&self, rows: &mut Stored) {
        match self {
            Self::Put(key, value) => {
                rows.insert(key.clone(), value.clone());
            }
            Self::Delete(key) => {
                rows.remove(key);
            }
            Self::DeleteRange(from, to) => {
                let gone: Vec<_> = between(rows, from, to)
                    .map(|(key, _)| key.clone())
                    .collect();
                for key in gone {
                    rows.remove(&key);
                }
            }
        }
    }
}

impl Edits for Vec<Edit> {
    fn put(&mut self, key: &[u8], value: &[u8]) {
        self.push(Edit::Put(key.to_vec(), Bytes::copy_from_slice(value)));
    }

    fn delete(&mut self, key: &[u8]) {
        self.push(Edit::Delete(key.to_vec()));
    }

    fn delete_range(&mut self, from: &[u8], to: &[u8]) {
        self.push(Edit::DeleteRange(from.to_vec(), to.to_vec()));
    }
}

/// The pieces that a batch writes.
pub(super) fn pieces(batch: &[Edit]) -> impl Iterator<Item = &[u8]> {
    batch.iter().flat_map(|edit| match edit {
        Edit::Put(key, value) => [key.as_slice(), value],
        Edit::Delete(key) => [key.as_slice(), &[]],
        Edit::DeleteRange(from, to) => [from.as_slice(), to],
    })
}

fn between<'a>(
    rows: &'a Stored,
    from: &[u8],
    to: &[u8],
) -> impl DoubleEndedIterator<Item = (&'a Vec<u8>, &'a Bytes)> {
    // A range that ends before it begins is empty, as in RocksDB.
    rows.range(from.to_vec()..to.max(from).to_vec())
}

#[derive(Default)]
pub(super) struct LogRows {
    now: Stored,
    synced: Stored,
    /// From `synced` to `now`.
    unsynced: Vec<Vec<Edit>>,
}

impl LogRows {
    pub(super) fn write(&mut self, batch: Vec<Edit>) {
        batch.iter().for_each(|edit| edit.apply(&mut self.now));
        self.unsynced.push(batch);
    }

    /// A batch that failed: nobody sees it, and a crash may bring it up.
    fn leave(&mut self, batch: Vec<Edit>) {
        self.unsynced.push(batch);
    }

    fn sync(&mut self) {
        for batch in self.unsynced.drain(..) {
            batch.iter().for_each(|edit| edit.apply(&mut self.synced));
        }
    }

    pub(super) const fn synced(&self) -> &Stored {
        &self.synced
    }

    /// Flips a bit of a row, wherever it lies.
    pub(super) fn flip(&mut self, key: &[u8]) -> bool {
        let damage = |value: &Bytes| {
            let mut damaged = value.to_vec();
            if let Some(last) = damaged.last_mut() {
                *last ^= 1;
            }
            Bytes::from(damaged)
        };
        let mut there = false;
        for rows in [&mut self.now, &mut self.synced] {
            if let Some(value) = rows.get_mut(key) {
                *value = damage(value);
                there = true;
            }
        }
        for edit in self.unsynced.iter_mut().flatten() {
            if let Edit::Put(at, value) = edit
                && at == key
            {
                *value = damage(value);
            }
        }
        there
    }

    pub(super) fn visit(&self, see: &mut dyn FnMut(&[u8])) {
        for (key, value) in self.now.iter().chain(&self.synced) {
            see(key);
            see(value);
        }
        for batch in &self.unsynced {
            pieces(batch).for_each(&mut *see);
        }
    }

    pub(super) fn survivor(&self, loss: Loss, choice: &mut Choice) -> Self {
        let kept = match loss {
            Loss::Power => choice.up_to(self.unsynced.len()),
            Loss::Process => self.unsynced.len(),
        };
        let mut left = self.synced.clone();
        for edit in self.unsynced[..kept].iter().flatten() {
            edit.apply(&mut left);
        }
        Self {
            now: left.clone(),
            // Opening replays the batches and writes them anew; after a power cut nothing is in a cache any more.
            synced: left,
            unsynced: Vec::new(),
        }
    }
}

/// The log of one life.
pub(super) struct MemoryLog {
    pub(super) life: Arc<Life>,
    pub(super) rows: Arc<Mutex<LogRows>>,
}

impl LogTable for MemoryLog {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageFault> {
        Ok(self.rows.lock().now.get(key).map(|value| value.to_vec()))
    }

    fn walk(&self, from: &[u8], to: &[u8], visit: Visit<'_>) -> Result<(), StorageFault> {
        let rows = self.rows.lock();
        for (key, value) in between(&rows.now, from, to) {
            if !visit(key, value)? {
                break;
            }
        }
        Ok(())
    }

    fn ends(&self, from: &[u8], to: &[u8]) -> Result<Option<[Vec<u8>; 2]>, StorageFault> {
        let rows = self.rows.lock();
        let mut inside = between(&rows.now, from, to).map(|(key, _)| key.clone());
        let first = inside.next();
        let last = inside.next_back().or_else(|| first.clone());
        Ok(first.zip(last).map(|(first, last)| [first, last]))
    }

    fn write(&self, fill: Fill<'_>, sync: bool) -> Result<(), StorageFault> {
        let mut batch = Vec::new();
        fill(&mut batch);
        let mut rows = self.rows.lock();
        if let Err(error) = self.life.on_write(pieces(&batch)) {
            rows.leave(batch);
            return Err(failed("writing the log", &error));
        }
        rows.write(batch);
        if sync && !self.life.lies().log {
            rows.sync();
        }
        Ok(())
    }

    fn reclaim(&self, _from: &[u8], _to: &[u8]) {}
}
