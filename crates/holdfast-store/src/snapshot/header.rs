//! What travels: a header, then chunks. The hash of a file travels with its last chunk, so that neither building nor
//! sending a snapshot reads tens of gigabytes twice.

use serde::{Deserialize, Serialize};

/// Largest chunk, in bytes.
pub const SNAPSHOT_CHUNK_BYTES_MAX: usize = 1024 * 1024;
/// Most files of a snapshot: tables of 64 MiB make this 6 TiB.
const FILES_MAX: usize = 100_000;
const NAME_BYTES_MAX: usize = 64;
/// Most bytes of a log id or membership in a header.
const OPAQUE_BYTES_MAX: usize = 1 << 20;

/// What a snapshot is, sent ahead of its chunks.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SnapshotHeader {
    /// Index of the last entry in it; 0 also when nothing was applied.
    pub index: u64,
    /// The caller's log id of that entry; `None` when nothing was applied.
    pub log_id: Option<Vec<u8>>,
    /// The caller's membership, if any was applied.
    pub membership: Option<Vec<u8>>,
    /// Summary of the machine (digest, clock, counts), compared before it is installed.
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

impl SnapshotHeader {
    /// Total bytes of its files.
    #[must_use]
    pub fn total_bytes(&self) -> u64 {
        self.files
            .iter()
            .fold(0, |sum, file| sum.saturating_add(file.len))
    }

    /// The file at a cursor.
    pub(crate) fn file(&self, at: u32) -> Option<&SnapshotFile> {
        self.files.get(usize::try_from(at).ok()?)
    }

    /// Limits, and names that cannot leave their directory or name a file of ours.
    pub(crate) fn is_well_formed(&self) -> bool {
        let opaque = [&self.log_id, &self.membership];
        let mut names: Vec<&str> = self.files.iter().map(|file| file.name.as_str()).collect();
        names.sort_unstable();
        !names.is_empty()
            && names.len() <= FILES_MAX
            && names.iter().all(|name| is_plain(name))
            && names.windows(2).all(|pair| pair[0] != pair[1])
            && opaque
                .iter()
                .all(|bytes| bytes.as_ref().is_none_or(|b| b.len() <= OPAQUE_BYTES_MAX))
    }
}

fn is_plain(name: &str) -> bool {
    name.len() <= NAME_BYTES_MAX
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
        && !name.ends_with(super::writer::PART)
}
