//! Snapshots: checkpoints of the state database, read and received in chunks of bounded size.

mod header;
mod reader;
mod shelf;
mod writer;

pub use header::{
    SNAPSHOT_CHUNK_BYTES_MAX, SnapshotChunk, SnapshotCursor, SnapshotFile, SnapshotHeader,
};
pub use reader::SnapshotReader;
pub use shelf::SnapshotHandle;
pub use writer::{ReceiveError, SnapshotWriter};

pub(crate) use shelf::Shelf;
