//! The state's door: one writer, views for everybody.
//!
//! After each applied batch its rows are pinned once and published; all views until the next batch share them, so making
//! a view costs a read lock and no call into the disk, and position and rows can never disagree.

use super::apply::{Applied, Applier, ApplyEntry};
use super::generation::Pinned;
use super::view::StateView;
use crate::disk::Disk;
use crate::fault::Faults;
use crate::snapshot::{ReceiveError, Shelf, SnapshotHandle, SnapshotHeader, SnapshotWriter};
use holdfast_machine::{CheckpointMark, Digest, Machine, Outcome, StorageFault};
use parking_lot::{Mutex, RwLock};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The state database.
pub struct StateStore {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) root: PathBuf,
    pub(super) faults: Arc<Faults>,
    pub(super) applier: Mutex<Applier>,
    pub(super) published: RwLock<StateView>,
    pub(super) shelf: Arc<Shelf>,
}

/// The rows are not those that were applied: the disk was edited, rolled back or has decayed, or applying went wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the state's digest is {stored} and its rows give {recomputed}, at index {index}")]
pub struct DigestMismatch {
    /// Where it was checked.
    pub index: u64,
    /// Digest kept while applying.
    pub stored: Digest,
    /// Digest of a full scan.
    pub recomputed: Digest,
}

/// Why the state could not be verified.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// It was, and it is wrong.
    #[error(transparent)]
    Mismatch(#[from] DigestMismatch),
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] StorageFault),
}

impl StateStore {
    pub(crate) fn new(
        disk: &Arc<dyn Disk>,
        root: &Path,
        faults: &Arc<Faults>,
        applier: Applier,
        shelf: Shelf,
    ) -> Self {
        let published = view_of(&applier, faults);
        Self {
            disk: Arc::clone(disk),
            root: root.to_owned(),
            faults: Arc::clone(faults),
            applier: Mutex::new(applier),
            published: RwLock::new(published),
            shelf: Arc::new(shelf),
        }
    }

    /// Applies consecutive entries in one batch; one outcome per entry, `None` for entries without a command. Blocks on the
    /// disk; one caller at a time. Readable when it returns; not durable before a flush (it is replayed from the log).
    ///
    /// # Errors
    /// When the disk fails, a row is corrupt or entries do not follow; the store then refuses everything.
    pub fn apply(&self, entries: Vec<ApplyEntry>) -> Result<Vec<Option<Outcome>>, StorageFault> {
        let mut applier = self.applier.lock();
        self.faults.check()?;
        let outcomes = applier
            .apply(entries)
            .map_err(|fault| self.faults.raise(fault))?;
        self.publish(&applier);
        Ok(outcomes)
    }

    pub(super) fn publish(&self, applier: &Applier) {
        let view = view_of(applier, &self.faults);
        let before = std::mem::replace(&mut *self.published.write(), view);
        drop(before); // outside the lock: releasing the last view of an old state removes its directory
    }

    /// How far the state has come.
    #[must_use]
    pub fn applied(&self) -> Applied {
        (*self.published.read().applied).clone()
    }

    /// A view at the last applied batch.
    #[must_use]
    pub fn view(&self) -> StateView {
        self.published.read().clone()
    }

    /// The digest of all rows. Waits for a batch being applied.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.applier.lock().machine.digest().clone()
    }

    /// The latest checkpoints applied, oldest first, to compare with other nodes'. Waits for a batch being applied.
    #[must_use]
    pub fn checkpoints(&self) -> Vec<CheckpointMark> {
        self.applier.lock().machine.checkpoints().to_vec()
    }

    /// Recomputes the digest by scanning every row of a view; applying goes on meanwhile. Takes about 3 s a million rows.
    ///
    /// # Errors
    /// When the rows are not those that were applied, or the disk fails.
    pub fn verify_digest(&self) -> Result<Digest, VerifyError> {
        let view = self.view();
        let machine = Machine::load(&*view.pinned)?;
        let mut recomputed = Digest::empty();
        let walked = view.pinned.rows.walk(&[], &[], &mut |key, row| {
            recomputed.absorb(key, row);
            Ok(true)
        });
        walked.map_err(|fault| self.faults.raise(fault))?;
        if recomputed != *machine.digest() {
            return Err(VerifyError::Mismatch(DigestMismatch {
                index: view.applied.position.index,
                stored: machine.digest().clone(),
                recomputed,
            }));
        }
        Ok(recomputed)
    }

    /// Makes a snapshot at the applied position and keeps it as the current one. Blocks; applying waits for the last part.
    /// It flushes, so everything up to its position is durable when it returns.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn build_snapshot(&self) -> Result<SnapshotHandle, StorageFault> {
        self.faults.check()?;
        let generation = Arc::clone(&self.applier.lock().generation);
        // Most of the work without the lock; the checkpoint then flushes what came meanwhile.
        generation
            .table
            .flush()
            .map_err(|fault| self.faults.raise(fault))?;
        drop(generation);
        let dir = self.shelf.next_dir();
        let applier = self.applier.lock();
        let applied = applier.applied.clone();
        let summary = applier.machine.summary();
        crate::failpoint::step("make a checkpoint");
        applier
            .generation
            .table
            .checkpoint(&dir)
            .map_err(|fault| self.faults.raise(fault))?;
        drop(applier);
        self.shelf.keep_built(dir, &applied, summary)
    }

    /// The last snapshot built or installed since start, if any.
    #[must_use]
    pub fn current_snapshot(&self) -> Option<SnapshotHandle> {
        self.shelf.current()
    }

    /// Starts or resumes receiving a snapshot.
    ///
    /// # Errors
    /// When the header is malformed, the same snapshot is being received already, or the disk fails.
    pub fn receive(&self, header: SnapshotHeader) -> Result<SnapshotWriter, ReceiveError> {
        self.faults.check()?;
        Shelf::receive(&self.shelf, header)
    }
}

pub(crate) fn view_of(applier: &Applier, faults: &Arc<Faults>) -> StateView {
    StateView {
        pinned: Arc::new(Pinned::take(&applier.generation)),
        applied: Arc::new(applier.applied.clone()),
        faults: Arc::clone(faults),
    }
}
