//! The Raft log, the state, snapshots and the watermark, over RocksDB. The only crate that knows RocksDB.
//!
//! # Caller contract
//! 1. Log ids, votes and memberships are the caller's bytes; this crate orders by index and never looks inside.
//! 2. An append or a vote counts when its callback says `Ok`, not before. After an error its fate is unknown.
//! 3. `purge` reaches at most the position of a snapshot built or installed, or of a state that was flushed: the state has no
//!    log of its own.
//! 4. After the first [`holdfast_machine::StorageFault`] of a write everything is refused; the process restarts.
//! 5. A node whose directory opens in quarantine must not vote, nor promise anything else.
//! 6. Calls block on the disk unless they say otherwise: not for async tasks.

#[cfg(test)]
mod crash;
mod disk;
mod failpoint;
mod fault;
mod files;
mod local;
mod log;
#[cfg(feature = "testing")]
pub mod memory;
mod open;
mod options;
mod snapshot;
mod state;
mod watermark;

pub use fault::FaultHook;
pub use log::{Batches, DurableCallback, LogBounds, LogStore, Purged, SyncTimings};
pub use open::{OpenError, Quarantine, Stores, open};
pub use options::Options;
pub use snapshot::{
    ReceiveError, SNAPSHOT_CHUNK_BYTES_MAX, SnapshotChunk, SnapshotCursor, SnapshotFile,
    SnapshotHandle, SnapshotHeader, SnapshotReader, SnapshotWriter,
};
pub use state::{Applied, ApplyEntry, DigestMismatch, Payload, StateStore, StateView, VerifyError};
