//! One life of a disk, from one crash to the next, and the store's way to it.

use super::crash::{Choice, Loss};
use super::knobs::{DiskOp, Knobs, Lies};
use super::log::{LogRows, MemoryLog};
use super::names::{Content, Names, Node};
use super::state::{MemoryState, StateRows};
use super::task;
use crate::disk::{Access, Disk, DiskFile, Driver, Listed, Lock, LogTable, StateTable};
use crate::fault::Faults;
use crate::log::Committer;
use crate::open::OpenError;
use crate::options::Options;
use holdfast_machine::{BoxFuture, StorageFault};
use holdfast_types::StoreId;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The one file of a checkpoint.
const ROWS_FILE: &str = "rows.sst";

pub(super) type Spawn = Box<dyn Fn(BoxFuture<'static, ()>) + Send + Sync>;

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

    fn log(self: &Arc<Self>, dir: &Path) -> Arc<dyn LogTable> {
        let rows = Arc::clone(self.logs.lock().entry(dir.to_owned()).or_default());
        Arc::new(MemoryLog {
            life: Arc::clone(self),
            rows,
        })
    }

    fn state(&self, dir: &Path, create: bool) -> Result<Arc<Mutex<StateRows>>, StorageFault> {
        let mut states = self.states.lock();
        if let Some(rows) = states.get(dir) {
            return Ok(Arc::clone(rows));
        }
        let names = self.names.lock();
        let rows = match names.file(&dir.join(ROWS_FILE)) {
            Ok(file) => StateRows::decode(&file.lock().written)
                .ok_or_else(|| StorageFault("opening the state: it is corrupt".to_owned()))?,
            Err(_) if create => StateRows::default(),
            Err(error) => return Err(crate::fault::failed("opening the state", &error)),
        };
        let rows = Arc::new(Mutex::new(rows));
        states.insert(dir.to_owned(), Arc::clone(&rows));
        Ok(rows)
    }
}

/// A disk in one life, as the store sees it.
pub(super) struct Mount {
    life: Arc<Life>,
    store_id: StoreId,
    state_buffer_bytes: usize,
    spawn: Spawn,
}

impl Mount {
    pub(super) fn new(life: Arc<Life>, store_id: StoreId, options: &Options, spawn: Spawn) -> Self {
        Self {
            life,
            store_id,
            state_buffer_bytes: options.state_write_buffer_bytes,
            spawn,
        }
    }

    pub(super) fn share(self) -> Arc<dyn Disk> {
        Arc::new(self)
    }
}

/// The directory is in use until this is dropped.
struct InUse(Arc<Life>);

impl Drop for InUse {
    fn drop(&mut self) {
        self.0.in_use.store(false, Ordering::SeqCst);
    }
}

impl Disk for Mount {
    fn lock(&self, _path: &Path) -> Result<Lock, OpenError> {
        if self.life.in_use.swap(true, Ordering::SeqCst) {
            return Err(OpenError::InUse);
        }
        Ok(Box::new(InUse(Arc::clone(&self.life))))
    }

    fn make_or_check_dir(&self, dir: &Path) -> Result<(), OpenError> {
        let mut names = self.life.names.lock();
        if names.get(dir).is_none() {
            names.make_dir(dir)?;
            names.sync();
        }
        Ok(())
    }

    fn check_private(&self, _path: &Path) -> Result<(), OpenError> {
        Ok(())
    }

    fn new_store_id(&self) -> Result<StoreId, OpenError> {
        Ok(self.store_id)
    }

    fn make_dir(&self, dir: &Path) -> io::Result<()> {
        self.life.on_write([])?;
        self.life.names.lock().make_dir(dir)
    }

    fn sync_dir(&self, _dir: &Path) -> io::Result<()> {
        self.life.names.lock().sync();
        Ok(())
    }

    fn file(&self, path: &Path, access: Access) -> io::Result<Box<dyn DiskFile>> {
        let mut names = self.life.names.lock();
        if access == Access::Create {
            self.life.on_write([])?;
            names.set(path, Node::File(Arc::default()));
        }
        Ok(Box::new(MemoryFile {
            life: Arc::clone(&self.life),
            path: path.to_owned(),
            content: Arc::clone(names.file(path)?),
        }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.life.on_write([])?;
        self.life.names.lock().rename(from, to)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.life.on_write([])?;
        let mut names = self.life.names.lock();
        let file = Arc::clone(names.file(from)?);
        names.set(to, Node::File(file));
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.life.names.lock().remove(path)
    }

    fn remove_tree(&self, dir: &Path) -> io::Result<()> {
        self.life.states.lock().remove(dir);
        self.life.names.lock().remove(dir)
    }

    fn exists(&self, path: &Path) -> bool {
        self.life.names.lock().get(path).is_some()
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<Listed>> {
        let names = self.life.names.lock();
        let listed = names.list(dir)?.into_iter().map(|(path, len)| Listed {
            name: path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default(),
            len,
        });
        Ok(listed.collect())
    }

    fn look_at_log(&self, dir: &Path) -> Result<Arc<dyn LogTable>, StorageFault> {
        Ok(self.life.log(dir))
    }

    fn open_log(
        &self,
        dir: &Path,
        _faults: &Arc<Faults>,
    ) -> Result<Arc<dyn LogTable>, StorageFault> {
        Ok(self.life.log(dir))
    }

    fn open_state(&self, dir: &Path, create: bool) -> Result<Arc<dyn StateTable>, StorageFault> {
        Ok(Arc::new(MemoryState {
            life: Arc::clone(&self.life),
            rows: self.life.state(dir, create)?,
            buffer_bytes: self.state_buffer_bytes,
        }))
    }

    fn may_wait(&self) -> bool {
        false
    }

    fn drive(&self, committer: Committer) -> io::Result<Box<dyn Driver>> {
        let (driver, task) = task::start(committer, Arc::clone(&self.life));
        (self.spawn)(task);
        Ok(driver)
    }
}

struct MemoryFile {
    life: Arc<Life>,
    path: PathBuf,
    content: Arc<Mutex<Content>>,
}

fn place(at: u64) -> usize {
    usize::try_from(at).expect("a file fits in memory")
}

impl DiskFile for MemoryFile {
    fn read_exact_at(&self, buffer: &mut [u8], at: u64) -> io::Result<()> {
        let content = self.content.lock();
        let from = content.written.get(place(at)..).unwrap_or_default();
        let wanted = from.get(..buffer.len());
        buffer.copy_from_slice(wanted.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_all_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.life.on_write([bytes])?;
        let mut content = self.content.lock();
        let written = Arc::make_mut(&mut content.written);
        let end = place(at) + bytes.len();
        if written.len() < end {
            written.resize(end, 0);
        }
        written[place(at)..end].copy_from_slice(bytes);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.life.on_write([])?;
        Arc::make_mut(&mut self.content.lock().written).resize(place(len), 0);
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.content.lock().written.len() as u64)
    }

    fn sync(&self) -> io::Result<()> {
        if self.life.lies().watermark && self.path.ends_with("watermark") {
            return Ok(());
        }
        let mut content = self.content.lock();
        content.synced = Arc::clone(&content.written);
        Ok(())
    }
}
