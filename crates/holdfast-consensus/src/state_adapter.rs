//! The state as openraft sees it, over [`holdfast_store::StateStore`].
//!
//! Entries are applied in batches of bounded size on a blocking thread; each waiting proposer gets its entry's answer, and
//! the applied index is published for readers and watchers.

use crate::applied::AppliedIndex;
use crate::codec;
use crate::host;
use crate::raft_types::{
    Answer, Entry, LogId, Payload, SnapshotMeta, StoredMembership, TypeConfig,
};
use futures::{Stream, StreamExt};
use holdfast_store::{ApplyEntry, SnapshotHandle, StateStore};
use holdfast_types::limits::APPEND_BYTES_MAX;
use openraft::entry::RaftEntry as _;
use openraft::storage::{ApplyResponder, EntryResponder, RaftStateMachine, Snapshot};
use openraft::{OptionalSend, RaftSnapshotBuilder};
use std::io;
use std::sync::Arc;

/// Most entries of one batch: enough to make the fixed cost of a batch small.
const BATCH_ENTRIES_MAX: usize = 512;

type SnapshotOf = openraft::alias::SnapshotOf<TypeConfig, SnapshotHandle>;

/// The state of this node.
#[derive(Clone)]
pub(crate) struct StateAdapter {
    state: Arc<StateStore>,
    applied: Arc<AppliedIndex>,
}

impl StateAdapter {
    pub(crate) fn new(state: Arc<StateStore>, applied: Arc<AppliedIndex>) -> Self {
        Self { state, applied }
    }

    async fn apply_batch(&self, batch: Batch) -> io::Result<()> {
        let state = Arc::clone(&self.state);
        let outcomes = blocking(move || state.apply(batch.entries)).await?;
        if let Some((last, _)) = batch.waiting.last() {
            self.applied.advance(*last);
        }
        for ((index, responder), outcome) in batch.waiting.into_iter().zip(outcomes) {
            if let Some(responder) = responder {
                responder.send(Answer { index, outcome });
            }
        }
        Ok(())
    }
}

/// Entries on their way to the state, and who waits for them.
#[derive(Default)]
struct Batch {
    entries: Vec<ApplyEntry>,
    waiting: Vec<(u64, Option<ApplyResponder<TypeConfig>>)>,
    bytes: usize,
}

impl Batch {
    fn push(
        &mut self,
        entry: Entry,
        responder: Option<ApplyResponder<TypeConfig>>,
    ) -> io::Result<()> {
        let id = entry.log_id();
        let payload = match entry.payload {
            Payload::Blank => holdfast_store::Payload::Blank,
            Payload::Normal(command) => {
                self.bytes += command.0.len();
                let command = postcard::from_bytes(&command.0)
                    .map_err(|_| io::Error::other("a committed command cannot be decoded"))?;
                holdfast_store::Payload::Command(command)
            }
            Payload::Membership(membership) => {
                let stored = StoredMembership::new(Some(id), membership);
                holdfast_store::Payload::Membership(codec::stored_membership(&stored))
            }
        };
        self.entries.push(ApplyEntry {
            index: id.index,
            log_id: codec::log_id_bytes(&id),
            payload,
        });
        self.waiting.push((id.index, responder));
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.entries.len() >= BATCH_ENTRIES_MAX || self.bytes >= APPEND_BYTES_MAX
    }
}

/// Runs work that waits for the disk where it may block.
async fn blocking<T: Send + 'static, E: std::error::Error + Send + Sync + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> io::Result<T> {
    match host::blocking(work).await {
        Ok(result) => result.map_err(io::Error::other),
        Err(lost) => Err(io::Error::other(lost)),
    }
}

fn snapshot(handle: SnapshotHandle) -> io::Result<SnapshotOf> {
    Ok(Snapshot {
        meta: codec::snapshot_meta(handle.header()).map_err(io::Error::other)?,
        snapshot: handle,
    })
}

impl RaftSnapshotBuilder<TypeConfig> for StateAdapter {
    type SnapshotData = SnapshotHandle;

    async fn build_snapshot(&mut self) -> io::Result<SnapshotOf> {
        let state = Arc::clone(&self.state);
        snapshot(blocking(move || state.build_snapshot()).await?)
    }
}

impl RaftStateMachine<TypeConfig> for StateAdapter {
    type SnapshotData = SnapshotHandle;
    type SnapshotBuilder = Self;

    async fn applied_state(&mut self) -> io::Result<(Option<LogId>, StoredMembership)> {
        let applied = self.state.applied();
        let last = applied
            .log_id
            .map(|bytes| codec::to_log_id_bytes(&bytes))
            .transpose()
            .map_err(io::Error::other)?;
        let membership = match applied.membership {
            Some(bytes) => codec::to_stored_membership(&bytes).map_err(io::Error::other)?,
            None => StoredMembership::default(),
        };
        Ok((last, membership))
    }

    async fn apply<Strm>(&mut self, mut entries: Strm) -> io::Result<()>
    where
        Strm: Stream<Item = io::Result<EntryResponder<TypeConfig>>> + Unpin + OptionalSend,
    {
        let mut batch = Batch::default();
        while let Some(next) = entries.next().await {
            let (entry, responder) = next?;
            batch.push(entry, responder)?;
            if batch.is_full() {
                self.apply_batch(std::mem::take(&mut batch)).await?;
            }
        }
        if batch.entries.is_empty() {
            return Ok(());
        }
        self.apply_batch(batch).await
    }

    async fn get_snapshot_builder(&mut self) -> Self {
        self.clone()
    }

    async fn install_snapshot(
        &mut self,
        meta: &SnapshotMeta,
        handle: SnapshotHandle,
    ) -> io::Result<()> {
        let state = Arc::clone(&self.state);
        blocking(move || state.install(&handle)).await?;
        if let Some(id) = &meta.last_log_id {
            self.applied.advance(id.index);
        }
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> io::Result<Option<SnapshotOf>> {
        self.state.current_snapshot().map(snapshot).transpose()
    }
}
