//! Receiving a snapshot. Each file grows under a temporary name, is compared with its sender's hash, synced, and only then
//! given its name; so after a crash a file with its own name is whole, and a partial one goes on where it stopped.

use super::header::{
    SNAPSHOT_CHUNK_BYTES_MAX, SnapshotChunk, SnapshotCursor, SnapshotFile, SnapshotHeader,
};
use super::shelf::{Lease, SnapshotHandle};
use crate::disk::{Access, Disk, DiskFile};
use crate::failpoint::step;
use crate::fault::failed;
use crate::files;
use holdfast_machine::StorageFault;
use std::io;
use std::path::{Path, PathBuf};

/// Ends the name of a file that is not whole.
pub(crate) const PART: &str = ".part";

/// Why a snapshot cannot be received.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiveError {
    /// The header names no files, too many, or one that is not a plain name.
    #[error("the snapshot's header is malformed")]
    Header,
    /// This snapshot is being received by another transfer now.
    #[error("this snapshot is being received already")]
    Busy,
    /// A chunk does not continue where the transfer stands, or is too large or empty.
    #[error("the chunk does not continue the transfer")]
    OutOfOrder,
    /// A file is not what its sender said; it is received again from its beginning.
    #[error("a file of the snapshot arrived damaged")]
    Damaged,
    /// Not all files are there yet.
    #[error("the snapshot is not complete")]
    Incomplete,
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] StorageFault),
}

/// Receives a snapshot. Dropping it keeps what has arrived, to be resumed by `StateStore::receive` with the same header.
pub struct SnapshotWriter {
    lease: Lease,
    dir: PathBuf,
    header: SnapshotHeader,
    at: SnapshotCursor,
    part: Option<Part>,
}

struct Part {
    file: Box<dyn DiskFile>,
    hasher: blake3::Hasher,
}

impl SnapshotWriter {
    pub(crate) fn resume(
        lease: Lease,
        dir: PathBuf,
        header: SnapshotHeader,
    ) -> Result<Self, ReceiveError> {
        let mut writer = Self {
            lease,
            dir,
            header,
            at: SnapshotCursor::default(),
            part: None,
        };
        writer.find_place().map_err(disk)?;
        Ok(writer)
    }

    /// Where the sender should go on.
    #[must_use]
    pub const fn cursor(&self) -> SnapshotCursor {
        self.at
    }

    /// Writes the next chunk. Blocks on the disk.
    ///
    /// # Errors
    /// When the chunk does not continue the transfer, a file is damaged (ask `cursor` anew), or the disk fails.
    pub fn write(&mut self, chunk: &SnapshotChunk) -> Result<(), ReceiveError> {
        let Some(file) = self.header.file(self.at.file).cloned() else {
            return Err(ReceiveError::OutOfOrder);
        };
        let len = chunk.bytes.len() as u64;
        let fits = chunk.at == self.at
            && chunk.bytes.len() <= SNAPSHOT_CHUNK_BYTES_MAX
            && len <= file.len - self.at.offset
            && (len > 0 || file.len == 0);
        if !fits {
            return Err(ReceiveError::OutOfOrder);
        }
        self.append(&file, &chunk.bytes).map_err(disk)?;
        if self.at.offset < file.len {
            return Ok(());
        }
        self.complete(&file, chunk.file_hash)
    }

    /// The complete snapshot, durable.
    ///
    /// # Errors
    /// When files are missing or the disk fails.
    pub fn finish(self) -> Result<SnapshotHandle, ReceiveError> {
        if self.header.file(self.at.file).is_some() {
            return Err(ReceiveError::Incomplete);
        }
        Ok(self.lease.finish(&self.dir, self.header)?)
    }

    /// Skips the files that are whole and measures the one that is not.
    fn find_place(&mut self) -> io::Result<()> {
        for file in &self.header.files {
            if !self.lease.disk().exists(&self.dir.join(&file.name)) {
                break;
            }
            self.at.file += 1;
        }
        if let Some(file) = self.header.file(self.at.file) {
            let path = self.part_path(file);
            if self.lease.disk().exists(&path) {
                let (part, offset) = reopen(self.lease.disk(), &path, file.len)?;
                self.part = Some(part);
                self.at.offset = offset;
            }
        }
        Ok(())
    }

    fn append(&mut self, file: &SnapshotFile, bytes: &[u8]) -> io::Result<()> {
        if self.part.is_none() {
            self.part = Some(create(self.lease.disk(), &self.part_path(file))?);
        }
        if let Some(part) = &mut self.part {
            step("write a chunk");
            part.file.write_all_at(bytes, self.at.offset)?;
            part.hasher.update(bytes);
        }
        self.at.offset += bytes.len() as u64;
        Ok(())
    }

    fn complete(
        &mut self,
        file: &SnapshotFile,
        hash: Option<[u8; 32]>,
    ) -> Result<(), ReceiveError> {
        let Some(part) = self.part.take() else {
            return Err(ReceiveError::OutOfOrder);
        };
        self.at.offset = 0;
        if hash != Some(*part.hasher.finalize().as_bytes()) {
            self.lease
                .disk()
                .remove_file(&self.part_path(file))
                .map_err(disk)?;
            return Err(ReceiveError::Damaged);
        }
        part.file.sync().map_err(disk)?;
        step("name a received file");
        let (part_path, whole_path) = (self.part_path(file), self.dir.join(&file.name));
        self.lease
            .disk()
            .rename(&part_path, &whole_path)
            .map_err(disk)?;
        self.at.file += 1;
        Ok(())
    }

    fn part_path(&self, file: &SnapshotFile) -> PathBuf {
        self.dir.join(format!("{}{PART}", file.name))
    }
}

fn create(disk: &dyn Disk, path: &Path) -> io::Result<Part> {
    Ok(Part {
        file: disk.file(path, Access::Create)?,
        hasher: blake3::Hasher::new(),
    })
}

/// Opens a partial file at its end. One that has all its bytes lost its last chunk's hash in a crash: that chunk is asked
/// for again.
fn reopen(disk: &dyn Disk, path: &Path, len: u64) -> io::Result<(Part, u64)> {
    let file = disk.file(path, Access::Write)?;
    let mut offset = file.len()?;
    if offset >= len {
        offset = len.saturating_sub(SNAPSHOT_CHUNK_BYTES_MAX as u64);
        file.set_len(offset)?;
    }
    let hasher = files::hash_start(&*file, offset)?;
    Ok((Part { file, hasher }, offset))
}

fn disk(error: io::Error) -> ReceiveError {
    ReceiveError::Disk(failed("receiving a snapshot", &error))
}
