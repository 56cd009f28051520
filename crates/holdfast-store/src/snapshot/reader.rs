//! Reading a snapshot in order, one chunk at a time.

use super::header::{SNAPSHOT_CHUNK_BYTES_MAX, SnapshotChunk, SnapshotCursor};
use super::shelf::SnapshotHandle;
use crate::disk::{Access, Disk, DiskFile};
use crate::fault::failed;
use crate::files;
use holdfast_machine::StorageFault;
use std::io;
use std::path::Path;

/// Reads a snapshot in order, in bounded memory. Blocks on the disk.
pub struct SnapshotReader {
    snapshot: SnapshotHandle,
    at: SnapshotCursor,
    open: Option<Open>,
}

struct Open {
    file: Box<dyn DiskFile>,
    hasher: blake3::Hasher,
}

impl SnapshotReader {
    pub(crate) fn open(snapshot: SnapshotHandle, at: SnapshotCursor) -> Result<Self, StorageFault> {
        let header = snapshot.header();
        let inside = match header.file(at.file) {
            Some(file) => at.offset < file.len || at.offset == 0,
            None => at.offset == 0 && usize::try_from(at.file) == Ok(header.files.len()),
        };
        if !inside {
            let text = "a snapshot was asked for from outside its files".to_owned();
            return Err(StorageFault(text));
        }
        Ok(Self {
            snapshot,
            at,
            open: None,
        })
    }

    /// The next chunk; `None` at the end.
    ///
    /// # Errors
    /// When the disk fails or a file is shorter than it was.
    pub fn next_chunk(&mut self) -> Result<Option<SnapshotChunk>, StorageFault> {
        self.read()
            .map_err(|error| failed("reading a snapshot", &error))
    }

    fn read(&mut self) -> io::Result<Option<SnapshotChunk>> {
        let Some(file) = self.snapshot.header().file(self.at.file) else {
            return Ok(None);
        };
        let left = file.len - self.at.offset;
        let size = left.min(SNAPSHOT_CHUNK_BYTES_MAX as u64);
        let mut open = match self.open.take() {
            Some(open) => open,
            None => {
                let path = self.snapshot.dir().join(&file.name);
                start(self.snapshot.disk(), &path, self.at.offset)?
            }
        };
        let mut bytes = vec![0; usize::try_from(size).map_err(io::Error::other)?];
        open.file.read_exact_at(&mut bytes, self.at.offset)?;
        open.hasher.update(&bytes);
        let at = self.at;
        let file_hash = if size == left {
            self.at = SnapshotCursor {
                file: at.file + 1,
                offset: 0,
            };
            Some(*open.hasher.finalize().as_bytes())
        } else {
            self.at.offset += size;
            self.open = Some(open);
            None
        };
        Ok(Some(SnapshotChunk {
            at,
            bytes,
            file_hash,
        }))
    }
}

/// Opens a file at an offset, its beginning hashed.
fn start(disk: &dyn Disk, path: &Path, offset: u64) -> io::Result<Open> {
    let file = disk.file(path, Access::Read)?;
    let hasher = files::hash_start(&*file, offset)?;
    Ok(Open { file, hasher })
}
