//! What the store stands on: files, two kinds of tables, and something that drives the log's committer.
//!
//! Everything that decides (what is written in which order, what is synced before what, what a directory that comes back is
//! worth) lies above these traits and runs unchanged over each disk: `local` is RocksDB and the operating system's files,
//! `memory` is the simulated one. Below them is only what RocksDB and a file system do.

use crate::fault::Faults;
use crate::log::Committer;
use crate::open::OpenError;
use holdfast_machine::StorageFault;
use holdfast_types::StoreId;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// Keeps others out of a directory until it is dropped.
pub(crate) type Lock = Box<dyn Send + Sync>;

/// Fills a batch.
pub(crate) type Fill<'a> = &'a mut dyn FnMut(&mut dyn Edits);

/// Sees a row; false ends the walk.
pub(crate) type Visit<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> Result<bool, StorageFault>;

/// Where a data directory lies.
pub(crate) trait Disk: Send + Sync {
    fn lock(&self, path: &Path) -> Result<Lock, OpenError>;
    /// Makes a private directory, takes over an empty one of ours, or checks the one that is there.
    fn make_or_check_dir(&self, dir: &Path) -> Result<(), OpenError>;
    /// Checks owner and mode of a file or directory, if it is there.
    fn check_private(&self, path: &Path) -> Result<(), OpenError>;
    /// An identity that no other directory has.
    fn new_store_id(&self) -> Result<StoreId, OpenError>;

    /// Makes a private directory; its parent must exist.
    fn make_dir(&self, dir: &Path) -> io::Result<()>;
    /// Makes the entries of a directory durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    fn file(&self, path: &Path, access: Access) -> io::Result<Box<dyn DiskFile>>;
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// A second name of the same file.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;
    fn remove_file(&self, path: &Path) -> io::Result<()>;
    fn remove_tree(&self, dir: &Path) -> io::Result<()>;
    fn exists(&self, path: &Path) -> bool;
    /// What lies directly in a directory, by name.
    fn list(&self, dir: &Path) -> io::Result<Vec<Listed>>;

    /// The log as it was found, unchanged if anything was; a new one is made.
    fn look_at_log(&self, dir: &Path) -> Result<Arc<dyn LogTable>, StorageFault>;
    /// The log, to be written.
    fn open_log(&self, dir: &Path, faults: &Arc<Faults>)
    -> Result<Arc<dyn LogTable>, StorageFault>;
    fn open_state(&self, dir: &Path, create: bool) -> Result<Arc<dyn StateTable>, StorageFault>;

    /// Whether a caller may be made to wait for the committer.
    fn may_wait(&self) -> bool;
    /// Lets a committer work until its queue is closed and empty.
    fn drive(&self, committer: Committer) -> io::Result<Box<dyn Driver>>;
}

/// How a file is opened.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
    /// To be written, private and empty.
    Create,
}

/// An entry of a directory.
pub(crate) struct Listed {
    pub(crate) name: String,
    /// Bytes of a file.
    pub(crate) len: u64,
}

/// An open file.
pub(crate) trait DiskFile: Send + Sync {
    fn read_exact_at(&self, buffer: &mut [u8], at: u64) -> io::Result<()>;
    fn write_all_at(&self, bytes: &[u8], at: u64) -> io::Result<()>;
    fn set_len(&self, len: u64) -> io::Result<()>;
    fn len(&self) -> io::Result<u64>;
    /// Makes the content durable, and the length.
    fn sync(&self) -> io::Result<()>;
}

/// Changes of one atomic write.
pub(crate) trait Edits {
    fn put(&mut self, key: &[u8], value: &[u8]);
    fn delete(&mut self, key: &[u8]);
    /// Removes `from..to`.
    fn delete_range(&mut self, from: &[u8], to: &[u8]);
}

/// The log's rows, with a write-ahead log: a crash leaves the end of some batch, at or after the last synced one.
pub(crate) trait LogTable: Send + Sync {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageFault>;
    /// Walks `from..to` in order.
    fn walk(&self, from: &[u8], to: &[u8], visit: Visit<'_>) -> Result<(), StorageFault>;
    /// First and last key of `from..to`.
    fn ends(&self, from: &[u8], to: &[u8]) -> Result<Option<[Vec<u8>; 2]>, StorageFault>;
    fn write(&self, fill: Fill<'_>, sync: bool) -> Result<(), StorageFault>;
    /// `from..to` was removed; its space may be given back, in the background.
    fn reclaim(&self, from: &[u8], to: &[u8]);
}

/// The state's rows, without a log: a crash leaves the end of some batch, at or after the last flush.
pub(crate) trait StateTable: Send + Sync {
    /// The newest stored row.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageFault>;
    fn write(&self, fill: Fill<'_>) -> Result<(), StorageFault>;
    /// The rows as they are now.
    fn pin(self: Arc<Self>) -> Box<dyn Rows>;
    fn flush(&self) -> Result<(), StorageFault>;
    /// Flushes and makes a directory of files from which the table can be opened again.
    fn checkpoint(&self, dir: &Path) -> Result<(), StorageFault>;
}

/// Rows that no longer change.
pub(crate) trait Rows: Send + Sync {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageFault>;
    /// Walks the rows from `from` on whose keys begin with `prefix`, and never ends early without an error.
    fn walk(&self, prefix: &[u8], from: &[u8], visit: Visit<'_>) -> Result<(), StorageFault>;
}

/// What runs a committer.
pub(crate) trait Driver: Send {
    /// The queue was closed: returns once everything in it is written and answered.
    fn close(&mut self);
}
