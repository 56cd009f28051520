//! The state: rows, applied position, membership, digest; no log of its own.

use crate::snapshot::{ReceiveError, SnapshotHandle, SnapshotHeader, SnapshotWriter};
use bytes::Bytes;
use holdfast_machine::{Command, Key, Outcome, Position, Row, StorageFault, View};

/// One committed entry.
pub struct ApplyEntry {
    /// Its index.
    pub index: u64,
    /// The caller's log id, stored as the applied one.
    pub log_id: Bytes,
    /// What it does.
    pub payload: Payload,
}

/// What an entry does to the state.
pub enum Payload {
    /// Nothing but move the applied position.
    Blank,
    /// Stores the caller's membership.
    Membership(Bytes),
    /// A command to the machine.
    Command(Command),
}

/// How far the state has come.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Applied {
    /// The caller's log id of the last entry applied.
    pub log_id: Option<Bytes>,
    /// The caller's last membership applied.
    pub membership: Option<Bytes>,
    /// Index and clock.
    pub position: Position,
}

/// The state database.
pub struct StateStore {}

/// A consistent view of the state, cheap to make and to clone; valid even after a snapshot replaced the state.
#[derive(Clone)]
pub struct StateView {}

impl View for StateView {
    fn position(&self) -> Position {
        Position::default()
    }

    fn get(&self, _key: &[u8]) -> Result<Option<Row>, StorageFault> {
        Err(unbuilt())
    }

    fn scan(&self, _: &[u8], _: &[u8], _: usize) -> Result<Vec<(Key, Row)>, StorageFault> {
        Err(unbuilt())
    }
}

impl StateStore {
    /// Applies consecutive entries in one batch; one outcome per entry, `None` for entries without a command. Blocks on the
    /// disk; one caller at a time. Readable when it returns; not durable before a flush (it is replayed from the log).
    ///
    /// # Errors
    /// When the disk fails or a row is corrupt; the store then refuses everything.
    pub fn apply(&self, entries: Vec<ApplyEntry>) -> Result<Vec<Option<Outcome>>, StorageFault> {
        drop(entries);
        Err(unbuilt())
    }

    /// How far the state has come.
    #[must_use]
    pub fn applied(&self) -> Applied {
        Applied::default()
    }

    /// A view at the last applied batch.
    #[must_use]
    pub fn view(&self) -> StateView {
        StateView {}
    }

    /// Makes a snapshot at the applied position and keeps it as the current one. Blocks; applying waits meanwhile.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn build_snapshot(&self) -> Result<SnapshotHandle, StorageFault> {
        Err(unbuilt())
    }

    /// The last snapshot built or installed since start, if any.
    #[must_use]
    pub fn current_snapshot(&self) -> Option<SnapshotHandle> {
        None
    }

    /// Starts or resumes receiving a snapshot.
    ///
    /// # Errors
    /// When the header is malformed, the same snapshot is being received already, or the disk fails.
    pub fn receive(&self, header: SnapshotHeader) -> Result<SnapshotWriter, ReceiveError> {
        drop(header);
        Err(ReceiveError::Disk(unbuilt()))
    }

    /// Replaces the whole state by a snapshot, durably, and keeps it as the current one. Views made before stay valid.
    ///
    /// # Errors
    /// When the disk fails or the snapshot is not a state; the old state then stands.
    pub fn install(&self, snapshot: &SnapshotHandle) -> Result<(), StorageFault> {
        let _ = snapshot;
        Err(unbuilt())
    }
}

fn unbuilt() -> StorageFault {
    StorageFault("the state is not built yet".to_owned())
}
