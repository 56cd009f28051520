//! The disk of a server: RocksDB for the tables, the operating system's files for the rest, a thread for the committer.

mod log;
mod permissions;
mod state;
mod thread;
mod tuning;

use crate::disk::{Access, Disk, DiskFile, Driver, Listed, Lock, LogTable, StateTable};
use crate::fault::Faults;
use crate::log::Committer;
use crate::open::OpenError;
use crate::options::Options;
use holdfast_machine::StorageFault;
use holdfast_types::StoreId;
use rocksdb::Cache;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileExt, OpenOptionsExt as _};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The process before this one may still be ending.
const LOCK_WAIT: Duration = Duration::from_millis(500);

pub(crate) struct Local {
    options: Options,
    /// One for both databases, so that memory has one bound.
    cache: Cache,
}

impl Local {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            options: options.clone(),
            cache: Cache::new_lru_cache(options.block_cache_bytes),
        }
    }
}

impl Disk for Local {
    fn lock(&self, path: &Path) -> Result<Lock, OpenError> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)?;
        let deadline = Instant::now() + LOCK_WAIT;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Box::new(file)),
                Err(TryLockError::Error(error)) => return Err(error.into()),
                Err(TryLockError::WouldBlock) if Instant::now() > deadline => {
                    return Err(OpenError::InUse);
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_WAIT / 20),
            }
        }
    }

    fn make_or_check_dir(&self, dir: &Path) -> Result<(), OpenError> {
        permissions::make_or_check_dir(self, dir)
    }

    fn check_private(&self, path: &Path) -> Result<(), OpenError> {
        permissions::check_private(path)
    }

    fn new_store_id(&self) -> Result<StoreId, OpenError> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|error| OpenError::Io(error.to_string()))?;
        Ok(StoreId(bytes))
    }

    fn make_dir(&self, dir: &Path) -> io::Result<()> {
        DirBuilder::new().mode(0o700).create(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }

    fn file(&self, path: &Path, access: Access) -> io::Result<Box<dyn DiskFile>> {
        let create = access == Access::Create;
        let file = OpenOptions::new()
            .read(true)
            .write(access != Access::Read)
            .create(create)
            .truncate(create)
            .mode(0o600)
            .open(path)?;
        Ok(Box::new(file))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_tree(&self, dir: &Path) -> io::Result<()> {
        fs::remove_dir_all(dir)
    }

    fn exists(&self, path: &Path) -> bool {
        path.exists()
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<Listed>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            found.push(Listed {
                name: entry.file_name().to_string_lossy().into_owned(),
                len: entry.metadata()?.len(),
            });
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    fn look_at_log(&self, dir: &Path) -> Result<Arc<dyn LogTable>, StorageFault> {
        log::look_at(dir, &self.options, &self.cache)
    }

    fn open_log(
        &self,
        dir: &Path,
        faults: &Arc<Faults>,
    ) -> Result<Arc<dyn LogTable>, StorageFault> {
        log::open(dir, &self.options, &self.cache, faults)
    }

    fn open_state(&self, dir: &Path, create: bool) -> Result<Arc<dyn StateTable>, StorageFault> {
        state::open(dir, &self.options, &self.cache, create)
    }

    fn may_wait(&self) -> bool {
        true
    }

    fn drive(&self, committer: Committer) -> io::Result<Box<dyn Driver>> {
        thread::start(committer)
    }
}

impl DiskFile for File {
    fn read_exact_at(&self, buffer: &mut [u8], at: u64) -> io::Result<()> {
        FileExt::read_exact_at(self, buffer, at)
    }

    fn write_all_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        FileExt::write_all_at(self, bytes, at)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        Self::set_len(self, len)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data() // flushes the length too: what is needed to read the content back
    }
}
