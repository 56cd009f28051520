//! RocksDB: the Raft log, the state, snapshots and the watermark.

mod log;
mod open;
mod options;
mod snapshot;
mod state;

pub use log::{DurableCallback, LogBounds, LogStore, Purged};
pub use open::{OpenError, Quarantine, Stores, open};
pub use options::{FaultHook, Options};
pub use snapshot::{
    ReceiveError, SNAPSHOT_CHUNK_BYTES_MAX, SnapshotChunk, SnapshotCursor, SnapshotFile,
    SnapshotHandle, SnapshotHeader, SnapshotReader, SnapshotWriter,
};
pub use state::{Applied, ApplyEntry, Payload, StateStore, StateView};
