//! Where snapshots lie: `snapshots/ready-<n>` complete ones of this process, `snapshots/incoming-<hash of the header>`
//! partial ones, which outlive a restart.
//!
//! Invariant: a ready directory belongs to one handle and goes with its last clone.

use super::header::{SnapshotCursor, SnapshotFile, SnapshotHeader};
use super::reader::SnapshotReader;
use super::writer::{ReceiveError, SnapshotWriter};
use crate::disk::{Disk, Listed};
use crate::fault::failed;
use crate::files;
use crate::state::Applied;
use bytes::Bytes;
use holdfast_machine::StorageFault;
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const READY: &str = "ready-";
const INCOMING: &str = "incoming-";

pub(crate) struct Shelf {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    next: AtomicU64,
    current: Mutex<Option<SnapshotHandle>>,
    /// Names of the incoming directories that have a writer.
    receiving: Mutex<BTreeSet<String>>,
}

/// A snapshot on disk. Cloning shares it; its files are removed when the last clone is dropped.
#[derive(Clone)]
pub struct SnapshotHandle {
    ready: Arc<Ready>,
}

struct Ready {
    disk: Arc<dyn Disk>,
    header: SnapshotHeader,
    dir: PathBuf,
}

impl Drop for Ready {
    fn drop(&mut self) {
        if let Err(error) = files::remove_tree(&*self.disk, &self.dir) {
            tracing::warn!(%error, "a snapshot was not removed; the next start will");
        }
    }
}

impl SnapshotHandle {
    /// What it is.
    #[must_use]
    pub fn header(&self) -> &SnapshotHeader {
        &self.ready.header
    }

    /// The caller's log id of the last entry in it.
    #[must_use]
    pub fn log_id(&self) -> Option<Bytes> {
        let log_id = self.ready.header.log_id.as_ref();
        log_id.map(|log_id| Bytes::copy_from_slice(log_id))
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.ready.dir
    }

    pub(crate) fn disk(&self) -> &dyn Disk {
        &*self.ready.disk
    }

    /// Reads it in chunks from `from` on.
    ///
    /// # Errors
    /// When the cursor is outside or the disk fails.
    pub fn read_from(&self, from: SnapshotCursor) -> Result<SnapshotReader, StorageFault> {
        SnapshotReader::open(self.clone(), from)
    }
}

impl Shelf {
    /// Takes over the directory, made before, and removes what no process can want any more.
    pub(crate) fn open(disk: &Arc<dyn Disk>, dir: &Path) -> io::Result<Self> {
        for entry in disk.list(dir)? {
            if !entry.name.starts_with(INCOMING) {
                files::remove_tree(&**disk, &dir.join(entry.name))?;
            }
        }
        Ok(Self {
            disk: Arc::clone(disk),
            dir: dir.to_owned(),
            next: AtomicU64::new(1),
            current: Mutex::new(None),
            receiving: Mutex::new(BTreeSet::new()),
        })
    }

    /// Where the next complete snapshot goes; nothing is there yet.
    pub(crate) fn next_dir(&self) -> PathBuf {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.dir.join(format!("{READY}{number}"))
    }

    /// Takes charge of a checkpoint just made.
    pub(crate) fn keep_built(
        &self,
        dir: PathBuf,
        applied: &Applied,
        summary: [u8; 32],
    ) -> Result<SnapshotHandle, StorageFault> {
        let files = self
            .list(&dir)
            .map_err(|error| failed("listing a snapshot", &error))?;
        let header = SnapshotHeader {
            index: applied.position.index,
            log_id: applied.log_id.as_ref().map(|id| id.to_vec()),
            membership: applied.membership.as_ref().map(|bytes| bytes.to_vec()),
            summary,
            files,
        };
        Ok(self.keep(self.handle(header, dir)))
    }

    /// Makes a snapshot the current one.
    pub(crate) fn keep(&self, snapshot: SnapshotHandle) -> SnapshotHandle {
        let before = self.current.lock().replace(snapshot.clone());
        drop(before); // outside the lock: it may remove files
        snapshot
    }

    pub(crate) fn current(&self) -> Option<SnapshotHandle> {
        self.current.lock().clone()
    }

    /// Starts or resumes receiving. Partial snapshots that nobody receives any more make room.
    pub(crate) fn receive(
        shelf: &Arc<Self>,
        header: SnapshotHeader,
    ) -> Result<SnapshotWriter, ReceiveError> {
        if !header.is_well_formed() {
            return Err(ReceiveError::Header);
        }
        let encoded = postcard::to_allocvec(&header).map_err(|_| ReceiveError::Header)?;
        let name = format!("{INCOMING}{}", blake3::hash(&encoded).to_hex());
        let mut receiving = shelf.receiving.lock();
        if !receiving.insert(name.clone()) {
            return Err(ReceiveError::Busy);
        }
        let dir = shelf.dir.join(&name);
        let swept = shelf.sweep_incoming(&receiving).and_then(|()| {
            if shelf.disk.exists(&dir) {
                Ok(())
            } else {
                files::make_private_dir(&*shelf.disk, &dir)
            }
        });
        drop(receiving);
        let lease = Lease {
            shelf: Arc::clone(shelf),
            name,
        };
        swept.map_err(|error| failed("making room for a snapshot", &error))?;
        SnapshotWriter::resume(lease, dir, header)
    }

    fn sweep_incoming(&self, receiving: &BTreeSet<String>) -> io::Result<()> {
        for entry in self.disk.list(&self.dir)? {
            if entry.name.starts_with(INCOMING) && !receiving.contains(&entry.name) {
                files::remove_tree(&*self.disk, &self.dir.join(entry.name))?;
            }
        }
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<SnapshotFile>> {
        let listed = self.disk.list(dir)?;
        let file = |entry: Listed| SnapshotFile {
            name: entry.name,
            len: entry.len,
        };
        Ok(listed.into_iter().map(file).collect())
    }

    fn handle(&self, header: SnapshotHeader, dir: PathBuf) -> SnapshotHandle {
        SnapshotHandle {
            ready: Arc::new(Ready {
                disk: Arc::clone(&self.disk),
                header,
                dir,
            }),
        }
    }
}

/// The right to write one incoming directory.
pub(crate) struct Lease {
    shelf: Arc<Shelf>,
    name: String,
}

impl Lease {
    /// Turns the finished incoming directory into a ready one.
    pub(crate) fn finish(
        &self,
        dir: &Path,
        header: SnapshotHeader,
    ) -> Result<SnapshotHandle, StorageFault> {
        let ready = self.shelf.next_dir();
        let disk = self.disk();
        files::sync_dir(disk, dir)
            .and_then(|()| {
                crate::failpoint::step("rename a received snapshot");
                disk.rename(dir, &ready)
            })
            .and_then(|()| files::sync_dir(disk, &self.shelf.dir))
            .map_err(|error| failed("finishing a snapshot", &error))?;
        Ok(self.shelf.handle(header, ready))
    }

    pub(crate) fn disk(&self) -> &dyn Disk {
        &*self.shelf.disk
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.shelf.receiving.lock().remove(&self.name);
    }
}
