//! Looking at a disk without opening it, and damaging it behind the store's back.

use super::ROOT;
use super::life::Life;
use super::log::Stored;
use super::state::StateRows;
use crate::log::{Purged, keys};
use bytes::Bytes;
use parking_lot::Mutex;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The watermark's copies of its promise lie this far apart; see `watermark.rs`.
const WATERMARK_COPY_BYTES: usize = 2048;

/// What a log would certainly hold after a crash; the caller's bytes, as in `LogStore`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DurableLog {
    /// Indexes and entries, in order; a damaged entry is left out.
    pub entries: Vec<(u64, Bytes)>,
    /// The last vote.
    pub vote: Option<Bytes>,
    /// The last committed mark.
    pub committed: Option<Bytes>,
    /// What was purged.
    pub purged: Option<Purged>,
    /// Number of the last batch; 0 before the first.
    pub batch: u64,
}

impl Life {
    pub(super) fn durable_log(&self, indexes: Range<u64>) -> DurableLog {
        let logs = self.logs.lock();
        let Some(rows) = logs.get(&log_dir()) else {
            return DurableLog::default();
        };
        let rows = rows.lock();
        let synced: &Stored = rows.synced();
        let (from, to) = (keys::entry_key(indexes.start), keys::entry_key(indexes.end));
        let within = synced.range(from.to_vec()..to.to_vec());
        let entries = within.filter_map(|(key, stored)| {
            let index = keys::entry_index(key)?;
            Some((index, keys::decode_entry(index, stored)?))
        });
        DurableLog {
            entries: entries.collect(),
            vote: synced.get(keys::VOTE).cloned(),
            committed: synced.get(keys::COMMITTED).cloned(),
            purged: synced
                .get(keys::PURGED)
                .and_then(|stored| keys::decode_purged(stored)),
            batch: synced
                .get(keys::MARK)
                .and_then(|stored| keys::decode_mark(stored))
                .map_or(0, |mark| mark.batch),
        }
    }

    pub(super) fn flip_log_entry(&self, index: u64) -> bool {
        let logs = self.logs.lock();
        logs.get(&log_dir())
            .is_some_and(|rows| rows.lock().flip(&keys::entry_key(index)))
    }

    pub(super) fn state_rows(&self) -> Vec<(Vec<u8>, Bytes)> {
        let Some(rows) = self.current_state() else {
            return Vec::new();
        };
        let rows = rows.lock();
        rows.rows_at(rows.newest())
            .map(|(key, row)| (key.clone(), row.clone()))
            .collect()
    }

    pub(super) fn damage_row(&self, key: &[u8]) -> bool {
        self.current_state()
            .is_some_and(|rows| rows.lock().damage(key))
    }

    pub(super) fn forge_row(&self, key: &[u8], stored: Option<&[u8]>) {
        if let Some(rows) = self.current_state() {
            rows.lock().forge(key, stored.map(Bytes::copy_from_slice));
        }
    }

    pub(super) fn flip_watermark(&self) -> bool {
        let names = self.names.lock();
        let Ok(file) = names.file(&Path::new(ROOT).join("watermark")) else {
            return false;
        };
        file.lock().flip_every(WATERMARK_COPY_BYTES);
        true
    }

    pub(super) fn visit_bytes(&self, see: &mut dyn FnMut(&[u8])) {
        for (_, file) in self.names.lock().files() {
            let file = file.lock();
            see(&file.written);
            see(&file.synced);
        }
        for rows in self.logs.lock().values() {
            rows.lock().visit(see);
        }
        for rows in self.states.lock().values() {
            rows.lock().visit(see);
        }
    }

    /// The state that the file `current` names.
    fn current_state(&self) -> Option<Arc<Mutex<StateRows>>> {
        let root = Path::new(ROOT).join("state");
        let named = Arc::clone(
            &self
                .names
                .lock()
                .file(&root.join("current"))
                .ok()?
                .lock()
                .written,
        );
        let dir = root.join(std::str::from_utf8(&named).ok()?);
        self.states.lock().get(&dir).cloned()
    }
}

fn log_dir() -> PathBuf {
    Path::new(ROOT).join("log")
}
