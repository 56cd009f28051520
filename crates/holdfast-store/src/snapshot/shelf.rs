//! Where snapshots lie: `snapshots/ready-<n>` complete ones of this process, `snapshots/incoming-<hash of the header>`
//! partial ones, which outlive a restart.
//!
//! Invariant: a ready directory belongs to one handle and goes with its last clone.

use super::header::{SnapshotCursor, SnapshotFile, SnapshotHeader};
use super::reader::SnapshotReader;
use super::writer::{ReceiveError, SnapshotWriter};
use crate::fault::failed;
use crate::files;
use crate::state::Applied;
use bytes::Bytes;
use holdfast_machine::StorageFault;
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const READY: &str = "ready-";
const INCOMING: &str = "incoming-";

pub(crate) struct Shelf {
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
    header: SnapshotHeader,
    dir: PathBuf,
}

impl Drop for Ready {
    fn drop(&mut self) {
        if let Err(error) = files::remove_tree(&self.dir) {
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
    pub(crate) fn open(dir: &Path) -> io::Result<Self> {
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            if !entry.file_name().to_string_lossy().starts_with(INCOMING) {
                files::remove_tree(&entry.path())?;
            }
        }
        Ok(Self {
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
        let files = list(&dir).map_err(|error| failed("listing a snapshot", &error))?;
        let header = SnapshotHeader {
            index: applied.position.index,
            log_id: applied.log_id.as_ref().map(|id| id.to_vec()),
            membership: applied.membership.as_ref().map(|bytes| bytes.to_vec()),
            summary,
            files,
        };
        Ok(self.keep(handle(header, dir)))
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
            if dir.is_dir() {
                Ok(())
            } else {
                files::make_private_dir(&dir)
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
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with(INCOMING) && !receiving.contains(&name) {
                files::remove_tree(&entry.path())?;
            }
        }
        Ok(())
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
        files::sync_dir(dir)
            .and_then(|()| {
                crate::failpoint::step("rename a received snapshot");
                fs::rename(dir, &ready)
            })
            .and_then(|()| files::sync_dir(&self.shelf.dir))
            .map_err(|error| failed("finishing a snapshot", &error))?;
        Ok(handle(header, ready))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.shelf.receiving.lock().remove(&self.name);
    }
}

fn handle(header: SnapshotHeader, dir: PathBuf) -> SnapshotHandle {
    SnapshotHandle {
        ready: Arc::new(Ready { header, dir }),
    }
}

fn list(dir: &Path) -> io::Result<Vec<SnapshotFile>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        found.push(SnapshotFile {
            name: entry.file_name().to_string_lossy().into_owned(),
            len: entry.metadata()?.len(),
        });
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}
