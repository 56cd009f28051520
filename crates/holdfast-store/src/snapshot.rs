//! Snapshots: checkpoints of the state database, read and received in chunks of bounded size.

use bytes::Bytes;
use holdfast_machine::StorageFault;
use serde::{Deserialize, Serialize};

/// What a snapshot is, sent ahead of its chunks.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SnapshotHeader {
    /// Index of the last entry in it.
    pub index: u64,
    /// The caller's log id of that entry.
    #[serde(with = "serde_bytes")]
    pub log_id: Vec<u8>,
    /// The caller's membership, if any was applied.
    pub membership: Option<Vec<u8>>,
    /// Summary of the machine (digest, clock, counts), compared after installing.
    pub summary: [u8; 32],
    /// The files, in the order in which they are sent.
    pub files: Vec<SnapshotFile>,
}

/// One file of a snapshot.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SnapshotFile {
    /// Plain file name.
    pub name: String,
    /// Length in bytes.
    pub len: u64,
}

/// Where a transfer stands: this file, from this byte on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct SnapshotCursor {
    /// Index into the header's files; their number when all are there.
    pub file: u32,
    /// Byte offset in that file.
    pub offset: u64,
}

/// Part of a file, at most [`SNAPSHOT_CHUNK_BYTES_MAX`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SnapshotChunk {
    /// Where it belongs.
    pub at: SnapshotCursor,
    /// The bytes; empty only for an empty file.
    #[serde(with = "serde_bytes")]
    pub bytes: Vec<u8>,
    /// BLAKE3 of the whole file, with its last chunk.
    pub file_hash: Option<[u8; 32]>,
}

/// Largest chunk, in bytes.
pub const SNAPSHOT_CHUNK_BYTES_MAX: usize = 1024 * 1024;

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

/// A snapshot on disk. Cloning shares it; its files are removed when the last clone is dropped.
#[derive(Clone)]
pub struct SnapshotHandle {
    header: std::sync::Arc<SnapshotHeader>,
}

impl SnapshotHandle {
    /// What it is.
    #[must_use]
    pub fn header(&self) -> &SnapshotHeader {
        &self.header
    }

    /// The caller's log id of the last entry in it.
    #[must_use]
    pub fn log_id(&self) -> Bytes {
        Bytes::copy_from_slice(&self.header.log_id)
    }

    /// Reads it in chunks from `from` on.
    ///
    /// # Errors
    /// When the cursor is outside or the disk fails.
    pub fn read_from(&self, from: SnapshotCursor) -> Result<SnapshotReader, StorageFault> {
        let _ = from;
        Err(StorageFault("snapshots are not built yet".to_owned()))
    }
}

/// Reads a snapshot in order, in bounded memory. Blocks on the disk.
pub struct SnapshotReader {}

impl SnapshotReader {
    /// The next chunk; `None` at the end.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn next_chunk(&mut self) -> Result<Option<SnapshotChunk>, StorageFault> {
        Ok(None)
    }
}

/// Receives a snapshot. Dropping it keeps what has arrived, to be resumed by `StateStore::receive` with the same header.
pub struct SnapshotWriter {}

impl SnapshotWriter {
    /// Where the sender should go on.
    #[must_use]
    pub fn cursor(&self) -> SnapshotCursor {
        SnapshotCursor::default()
    }

    /// Writes the next chunk. Blocks on the disk.
    ///
    /// # Errors
    /// When the chunk does not continue the transfer, a file is damaged (ask `cursor` anew), or the disk fails.
    pub fn write(&mut self, chunk: &SnapshotChunk) -> Result<(), ReceiveError> {
        let _ = chunk;
        Err(ReceiveError::OutOfOrder)
    }

    /// The complete snapshot, durable.
    ///
    /// # Errors
    /// When files are missing or the disk fails.
    pub fn finish(self) -> Result<SnapshotHandle, ReceiveError> {
        Err(ReceiveError::Incomplete)
    }
}
