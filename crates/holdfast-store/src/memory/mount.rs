//! The store's way to one life of the disk.

use super::life::Life;
use super::log::MemoryLog;
use super::names::{Content, Node};
use super::state::MemoryState;
use super::task;
use crate::disk::{Access, Disk, DiskFile, Driver, Listed, Lock, LogTable, StateTable};
use crate::fault::Faults;
use crate::log::Committer;
use crate::open::OpenError;
use crate::options::Options;
use holdfast_machine::{BoxFuture, StorageFault};
use holdfast_types::StoreId;
use parking_lot::Mutex;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(super) type Spawn = Box<dyn Fn(BoxFuture<'static, ()>) + Send + Sync>;

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

    fn log(&self, dir: &Path) -> MemoryLog {
        MemoryLog {
            life: Arc::clone(&self.life),
            rows: self.life.log(dir),
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
        self.0.release();
    }
}

impl Disk for Mount {
    fn lock(&self, _path: &Path) -> Result<Lock, OpenError> {
        if !self.life.seize() {
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
        Ok(Arc::new(self.log(dir)))
    }

    fn open_log(
        &self,
        dir: &Path,
        _faults: &Arc<Faults>,
    ) -> Result<Arc<dyn LogTable>, StorageFault> {
        Ok(Arc::new(self.log(dir)))
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
