//! One life of a disk, from one crash to the next: what lies on it.

use super::crash::{Choice, Loss};
use super::knobs::{DiskOp, Knobs, Lies};
use super::log::LogRows;
use super::names::{Content, Names, Node};
use super::state::StateRows;
use crate::fault::failed;
use holdfast_machine::StorageFault;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The one file of a checkpoint.
const ROWS_FILE: &str = "rows.sst";

/// What is on the disk, until the next crash.
pub(super) struct Life {
    knobs: Arc<Mutex<Knobs>>,
    over: AtomicBool,
    in_use: AtomicBool,
    pub(super) names: Mutex<Names>,
    /// By directory.
    pub(super) logs: Mutex<BTreeMap<PathBuf, Arc<Mutex<LogRows>>>>,
    pub(super) states: Mutex<BTreeMap<PathBuf, Arc<Mutex<StateRows>>>>,
}

impl Life {
    pub(super) fn new(knobs: Arc<Mutex<Knobs>>) -> Self {
        Self {
            knobs,
            over: AtomicBool::new(false),
            in_use: AtomicBool::new(false),
            names: Mutex::default(),
            logs: Mutex::default(),
            states: Mutex::default(),
        }
    }

    /// What the next life begins with. It shares nothing with this one that can change.
    pub(super) fn survivor(&self, loss: Loss, choice: &mut Choice) -> Self {
        let names = self.names.lock().survivor(loss, choice);
        let mut logs = BTreeMap::new();
        for (dir, rows) in &*self.logs.lock() {
            if names.get(dir).is_some() {
                let left = rows.lock().survivor(loss, choice);
                logs.insert(dir.clone(), Arc::new(Mutex::new(left)));
            }
        }
        let mut states = BTreeMap::new();
        for (dir, rows) in &*self.states.lock() {
            if names.get(dir).is_some() {
                let left = rows.lock().survivor(loss, choice);
                states.insert(dir.clone(), Arc::new(Mutex::new(left)));
            }
        }
        Self {
            names: Mutex::new(names),
            logs: Mutex::new(logs),
            states: Mutex::new(states),
            ..Self::new(Arc::clone(&self.knobs))
        }
    }

    /// Nothing done in this life counts any more.
    pub(super) fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// Takes the directory; false while somebody has it.
    pub(super) fn seize(&self) -> bool {
        !self.in_use.swap(true, Ordering::SeqCst)
    }

    pub(super) fn release(&self) {
        self.in_use.store(false, Ordering::SeqCst);
    }

    /// A write is about to happen, of these pieces.
    pub(super) fn on_write<'a>(
        &self,
        pieces: impl IntoIterator<Item = &'a [u8]>,
    ) -> io::Result<()> {
        if self.is_over() {
            return Ok(());
        }
        self.knobs.lock().on_write(pieces)
    }

    pub(super) fn lies(&self) -> Lies {
        self.knobs.lock().lies
    }

    pub(super) fn latency(&self, op: DiskOp) -> Duration {
        let latency = self.knobs.lock().latency.clone();
        latency.map_or(Duration::ZERO, |latency| latency(op))
    }

    pub(super) fn make_checkpoint(&self, dir: &Path, file: Vec<u8>) -> io::Result<()> {
        self.on_write([file.as_slice()])?;
        let file = Arc::new(file);
        let content = Content {
            written: Arc::clone(&file),
            synced: file,
        };
        let mut names = self.names.lock();
        names.make_dir(dir)?;
        names.set(
            &dir.join(ROWS_FILE),
            Node::File(Arc::new(Mutex::new(content))),
        );
        names.sync();
        Ok(())
    }

    pub(super) fn log(&self, dir: &Path) -> Arc<Mutex<LogRows>> {
        Arc::clone(self.logs.lock().entry(dir.to_owned()).or_default())
    }

    /// The state in a directory; made of a checkpoint's file at its first opening.
    pub(super) fn state(
        &self,
        dir: &Path,
        create: bool,
    ) -> Result<Arc<Mutex<StateRows>>, StorageFault> {
        let mut states = self.states.lock();
        if let Some(rows) = states.get(dir) {
            return Ok(Arc::clone(rows));
        }
        let names = self.names.lock();
        let rows = match names.file(&dir.join(ROWS_FILE)) {
            Ok(file) => StateRows::decode(&file.lock().written)
                .ok_or_else(|| StorageFault("opening the state: it is corrupt".to_owned()))?,
            Err(_) if create => StateRows::default(),
            Err(error) => return Err(failed("opening the state", &error)),
        };
        let rows = Arc::new(Mutex::new(rows));
        states.insert(dir.to_owned(), Arc::clone(&rows));
        Ok(rows)
    }
}
