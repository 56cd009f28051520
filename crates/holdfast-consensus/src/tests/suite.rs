//! openraft's own conformance suite against the real stores.
//!
//! The suite begins some logs and states in the middle (at index 1, 2 or 3), which the stores rightly refuse: a log that
//! begins with a hole has lost something. [`Filled`] puts blank entries there first and passes everything else on.

use crate::applied::AppliedIndex;
use crate::log_adapter::LogAdapter;
use crate::raft_types::{Entry, LeaderId, LogId, SnapshotMeta, StoredMembership, TypeConfig, Vote};
use crate::state_adapter::StateAdapter;
use futures::{Stream, StreamExt};
use holdfast_store::{LogStore, SnapshotHandle, StateStore};
use openraft::entry::RaftEntry as _;
use openraft::storage::{EntryResponder, IOFlushed, LogState, RaftLogStorage, RaftStateMachine};
use openraft::testing::log::{StoreBuilder, Suite};
use openraft::{OptionalSend, StorageError};
use std::io;
use std::sync::Arc;
use tempfile::TempDir;

/// An adapter and the store behind it.
struct Filled<A, S> {
    adapter: A,
    store: Arc<S>,
}

type Log = Filled<LogAdapter, LogStore>;
type State = Filled<StateAdapter, StateStore>;

fn blanks(from: u64, to: u64) -> impl Iterator<Item = Entry> + Send {
    let leader_id = LeaderId {
        term: 0,
        node_id: 0,
    };
    (from..to).map(move |index| Entry::new_blank(LogId { leader_id, index }))
}

impl RaftLogStorage<TypeConfig> for Log {
    type LogReader = LogAdapter;

    async fn get_log_state(&mut self) -> io::Result<LogState<TypeConfig>> {
        self.adapter.get_log_state().await
    }

    async fn get_log_reader(&mut self) -> LogAdapter {
        self.adapter.get_log_reader().await
    }

    async fn save_vote(&mut self, vote: &Vote) -> io::Result<()> {
        self.adapter.save_vote(vote).await
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> io::Result<()> {
        self.adapter.save_committed(committed).await
    }

    async fn read_committed(&mut self) -> io::Result<Option<LogId>> {
        self.adapter.read_committed().await
    }

    async fn append<I>(&mut self, entries: I, callback: IOFlushed<TypeConfig>) -> io::Result<()>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let entries: Vec<Entry> = entries.into_iter().collect();
        let bounds = self.store.bounds();
        let begins = bounds.last.is_none() && bounds.purged.is_none();
        let first = entries.first().map_or(0, |entry| entry.index());
        let fill = blanks(0, if begins { first } else { 0 });
        let all: Vec<Entry> = fill.chain(entries).collect();
        self.adapter.append(all, callback).await
    }

    async fn truncate_after(&mut self, last: Option<LogId>) -> io::Result<()> {
        self.adapter.truncate_after(last).await
    }

    async fn purge(&mut self, upto: LogId) -> io::Result<()> {
        self.adapter.purge(upto).await
    }
}

impl RaftStateMachine<TypeConfig> for State {
    type SnapshotData = SnapshotHandle;
    type SnapshotBuilder = StateAdapter;

    async fn applied_state(&mut self) -> io::Result<(Option<LogId>, StoredMembership)> {
        self.adapter.applied_state().await
    }

    async fn apply<Strm>(&mut self, entries: Strm) -> io::Result<()>
    where
        Strm: Stream<Item = io::Result<EntryResponder<TypeConfig>>> + Unpin + OptionalSend,
    {
        let entries: Vec<_> = entries.collect().await;
        let next = match self.store.applied() {
            applied if applied.log_id.is_some() => applied.position.index + 1,
            _ => 0,
        };
        let first = match entries.first() {
            Some(Ok((entry, _))) => entry.index(),
            _ => next,
        };
        let fill = blanks(next, first).map(|entry| Ok((entry, None)));
        self.adapter
            .apply(futures::stream::iter(fill.chain(entries)))
            .await
    }

    async fn get_snapshot_builder(&mut self) -> StateAdapter {
        self.adapter.get_snapshot_builder().await
    }

    async fn install_snapshot(
        &mut self,
        meta: &SnapshotMeta,
        handle: SnapshotHandle,
    ) -> io::Result<()> {
        self.adapter.install_snapshot(meta, handle).await
    }

    async fn get_current_snapshot(
        &mut self,
    ) -> io::Result<Option<openraft::alias::SnapshotOf<TypeConfig, SnapshotHandle>>> {
        self.adapter.get_current_snapshot().await
    }
}

struct Builder;

impl StoreBuilder<TypeConfig, Log, State, TempDir> for Builder {
    async fn build(&self) -> Result<(TempDir, Log, State), StorageError<TypeConfig>> {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let stores = holdfast_store::open(dir.path(), &holdfast_store::Options::default());
        let stores = stores.expect("an empty directory opens");
        let applied = Arc::new(AppliedIndex::new(0));
        let log = Filled {
            adapter: LogAdapter::new(Arc::clone(&stores.log)),
            store: stores.log,
        };
        let state = Filled {
            adapter: StateAdapter::new(Arc::clone(&stores.state), applied),
            store: stores.state,
        };
        Ok((dir, log, state))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn openraft_suite() {
    Suite::test_all(Builder).await.expect("the suite passes");
}
