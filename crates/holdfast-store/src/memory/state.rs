//! The state's table: every row in as many versions as a view, a crash or nobody may still ask for.
//!
//! A version is numbered by its batch. A crash goes back to some batch at or after the last flush, so no version that was
//! newest then is dropped before the next flush.

use super::crash::{Choice, Loss};
use super::life::Life;
use super::log::{Edit, pieces};
use crate::disk::{Fill, Rows, StateTable, Visit};
use crate::fault::failed;
use bytes::Bytes;
use holdfast_machine::StorageFault;
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::Arc;

/// Batch and row, oldest first; `None` was removed.
type Versions = Vec<(u64, Option<Bytes>)>;

#[derive(Default)]
pub(super) struct StateRows {
    rows: BTreeMap<Vec<u8>, Versions>,
    /// The last batch.
    batch: u64,
    /// The last one that is durable.
    flushed: u64,
    /// Bytes written since.
    unflushed_bytes: usize,
    /// Batches that somebody reads at, and how many do.
    pinned: BTreeMap<u64, usize>,
    /// Keys that cannot be read.
    damaged: BTreeSet<Vec<u8>>,
}

fn at(versions: &Versions, batch: u64) -> Option<&Bytes> {
    let newer = versions.partition_point(|(number, _)| *number <= batch);
    versions[..newer].last()?.1.as_ref()
}

impl StateRows {
    fn write(&mut self, batch: Vec<Edit>) {
        self.batch += 1;
        self.unflushed_bytes += pieces(&batch).map(<[u8]>::len).sum::<usize>();
        for edit in batch {
            match edit {
                Edit::Put(key, value) => self.set(key, Some(value)),
                Edit::Delete(key) => self.set(key, None),
                Edit::DeleteRange(from, to) => {
                    let inside: Vec<_> =
                        self.rows.range(from..to).map(|(k, _)| k.clone()).collect();
                    inside.into_iter().for_each(|key| self.set(key, None));
                }
            }
        }
    }

    /// A new version of a row.
    fn set(&mut self, key: Vec<u8>, row: Option<Bytes>) {
        let needed = self.oldest_needed();
        let versions = self.rows.entry(key).or_default();
        versions.retain(|(number, _)| *number != self.batch);
        versions.push((self.batch, row));
        prune(versions, needed);
    }

    fn oldest_needed(&self) -> u64 {
        let read = self.pinned.keys().next().copied();
        read.map_or(self.flushed, |read| read.min(self.flushed))
    }

    fn flush(&mut self) {
        self.flushed = self.batch;
        self.unflushed_bytes = 0;
        let needed = self.oldest_needed();
        self.rows.retain(|_, versions| {
            prune(versions, needed);
            !matches!(versions.as_slice(), [(number, None)] if *number <= needed)
        });
    }

    fn get(&self, key: &[u8], batch: u64) -> Result<Option<Vec<u8>>, StorageFault> {
        self.readable(key)?;
        let versions = self.rows.get(key);
        Ok(versions
            .and_then(|versions| at(versions, batch))
            .map(|row| row.to_vec()))
    }

    fn readable(&self, key: &[u8]) -> Result<(), StorageFault> {
        if self.damaged.contains(key) {
            let text = "reading the state: simulated corruption";
            return Err(StorageFault(text.to_owned()));
        }
        Ok(())
    }

    /// The rows after some batch.
    pub(super) fn rows_at(&self, batch: u64) -> impl Iterator<Item = (&Vec<u8>, &Bytes)> {
        let rows = self.rows.iter();
        rows.filter_map(move |(key, versions)| Some((key, at(versions, batch)?)))
    }

    pub(super) const fn newest(&self) -> u64 {
        self.batch
    }

    pub(super) fn damage(&mut self, key: &[u8]) -> bool {
        let there = self
            .rows
            .get(key)
            .is_some_and(|row| at(row, u64::MAX).is_some());
        there && self.damaged.insert(key.to_vec())
    }

    /// Changes a row as if it had always been so.
    pub(super) fn forge(&mut self, key: &[u8], row: Option<Bytes>) {
        self.rows.insert(key.to_vec(), vec![(0, row)]);
    }

    pub(super) fn visit(&self, see: &mut dyn FnMut(&[u8])) {
        for (key, versions) in &self.rows {
            see(key);
            versions
                .iter()
                .filter_map(|(_, row)| row.as_ref())
                .for_each(|row| see(row));
        }
    }

    pub(super) fn survivor(&self, _loss: Loss, choice: &mut Choice) -> Self {
        let lost = usize::try_from(self.batch - self.flushed).expect("batches fit in memory");
        let left = self.flushed + choice.up_to(lost) as u64;
        let rows = self.rows_at(left);
        Self {
            rows: rows
                .map(|(key, row)| (key.clone(), vec![(0, Some(row.clone()))]))
                .collect(),
            damaged: self.damaged.clone(),
            ..Self::default()
        }
    }

    /// The rows as one file: length and bytes of each key and each row.
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (key, row) in self.rows_at(self.batch) {
            for piece in [key.as_slice(), row] {
                out.extend_from_slice(&(piece.len() as u64).to_be_bytes());
                out.extend_from_slice(piece);
            }
        }
        out
    }

    pub(super) fn decode(mut file: &[u8]) -> Option<Self> {
        let mut rows = BTreeMap::new();
        let mut piece = || {
            let (len, rest) = file.split_first_chunk::<8>()?;
            let len = usize::try_from(u64::from_be_bytes(*len)).ok()?;
            let (piece, rest) = rest.split_at_checked(len)?;
            file = rest;
            Some(piece)
        };
        while let Some(key) = piece() {
            rows.insert(
                key.to_vec(),
                vec![(0, Some(Bytes::copy_from_slice(piece()?)))],
            );
        }
        file.is_empty().then(|| Self {
            rows,
            ..Self::default()
        })
    }
}

/// Drops the versions that no reader at or after `needed` can see.
fn prune(versions: &mut Versions, needed: u64) {
    let seen = versions.partition_point(|(number, _)| *number <= needed);
    versions.drain(..seen.saturating_sub(1));
}

/// A state of one life.
pub(super) struct MemoryState {
    pub(super) life: Arc<Life>,
    pub(super) rows: Arc<Mutex<StateRows>>,
    /// Bytes after which it flushes by itself.
    pub(super) buffer_bytes: usize,
}

impl StateTable for MemoryState {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageFault> {
        self.rows.lock().get(key, u64::MAX)
    }

    fn write(&self, fill: Fill<'_>) -> Result<(), StorageFault> {
        let mut batch = Vec::new();
        fill(&mut batch);
        self.life
            .on_write(pieces(&batch))
            .map_err(|error| failed("writing the state", &error))?;
        let mut rows = self.rows.lock();
        rows.write(batch);
        if rows.unflushed_bytes >= self.buffer_bytes {
            rows.flush();
        }
        Ok(())
    }

    fn pin(self: Arc<Self>) -> Box<dyn Rows> {
        let mut rows = self.rows.lock();
        let batch = rows.batch;
        *rows.pinned.entry(batch).or_default() += 1;
        drop(rows);
        Box::new(Pinned { state: self, batch })
    }

    fn flush(&self) -> Result<(), StorageFault> {
        let nothing = std::iter::empty::<&[u8]>();
        self.life
            .on_write(nothing)
            .map_err(|error| failed("flushing the state", &error))?;
        self.rows.lock().flush();
        Ok(())
    }

    fn checkpoint(&self, dir: &Path) -> Result<(), StorageFault> {
        self.flush()?;
        let file = self.rows.lock().encode();
        let made: io::Result<()> = self.life.make_checkpoint(dir, file);
        made.map_err(|error| failed("making a checkpoint", &error))
    }
}

/// Closing flushes, as RocksDB does without a write-ahead log.
impl Drop for MemoryState {
    fn drop(&mut self) {
        let _nothing_more_to_tell = StateTable::flush(self);
    }
}

/// The rows after some batch.
struct Pinned {
    state: Arc<MemoryState>,
    batch: u64,
}

impl Rows for Pinned {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageFault> {
        self.state.rows.lock().get(key, self.batch)
    }

    fn walk(&self, prefix: &[u8], from: &[u8], visit: Visit<'_>) -> Result<(), StorageFault> {
        let rows = self.state.rows.lock();
        let inside = rows.rows.range(from.max(prefix).to_vec()..);
        for (key, versions) in inside.take_while(|(key, _)| key.starts_with(prefix)) {
            rows.readable(key)?;
            let Some(row) = at(versions, self.batch) else {
                continue;
            };
            if !visit(key, row)? {
                break;
            }
        }
        Ok(())
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        let mut rows = self.state.rows.lock();
        if let Some(readers) = rows.pinned.get_mut(&self.batch) {
            *readers -= 1;
            if *readers == 0 {
                rows.pinned.remove(&self.batch);
            }
        }
    }
}
