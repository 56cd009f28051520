//! A state that reached the disk before its log did.

use crate::applied::AppliedIndex;
use crate::log_adapter::LogAdapter;
use crate::raft_types::{Entry, LeaderId, LogId};
use crate::reconcile::reconcile;
use crate::state_adapter::StateAdapter;
use holdfast_store::Stores;
use openraft::StorageHelper;
use openraft::entry::RaftEntry as _;
use openraft::storage::{RaftLogStorageExt as _, RaftStateMachine as _};
use std::sync::Arc;

const fn id(term: u64, node_id: u64, index: u64) -> LogId {
    LogId {
        leader_id: LeaderId { term, node_id },
        index,
    }
}

/// Stores whose log holds `logged` and whose state has applied `applied`, in the form of a node.
async fn stores(dir: &std::path::Path, logged: &[LogId], applied: &[LogId]) -> Stores {
    let stores = holdfast_store::open(dir, &holdfast_store::Options::default()).unwrap();
    let entries =
        |ids: &[LogId]| -> Vec<Entry> { ids.iter().copied().map(Entry::new_blank).collect() };
    let (mut log, mut state) = adapters(&stores);
    log.blocking_append(entries(logged)).await.unwrap();
    let entries = entries(applied).into_iter().map(|entry| Ok((entry, None)));
    state.apply(futures::stream::iter(entries)).await.unwrap();
    stores
}

fn adapters(stores: &Stores) -> (LogAdapter, StateAdapter) {
    let log = LogAdapter::new(Arc::clone(&stores.log));
    let applied = Arc::new(AppliedIndex::new(0));
    (log, StateAdapter::new(Arc::clone(&stores.state), applied))
}

/// Where a node would start from.
async fn taken_up(stores: &Stores) -> Result<Option<LogId>, String> {
    let (mut log, mut state) = adapters(stores);
    let mut helper = StorageHelper::new(&mut log, &mut state).with_id(2);
    let initial = helper.get_initial_state().await;
    initial
        .map(|state| state.log_ids.last().copied())
        .map_err(|error| error.to_string())
}

fn common() -> Vec<LogId> {
    vec![id(0, 0, 0), id(1, 1, 1), id(3, 2, 2)]
}

#[tokio::test]
async fn entries_that_were_replaced_before_they_were_applied_are_removed() {
    // The log's end is one entry long, or longer than what was applied.
    for stale in [1, 3] {
        let dir = tempfile::tempdir().unwrap();
        let old = (3..3 + stale).map(|index| id(3, 2, index));
        let logged: Vec<_> = common().into_iter().chain(old).collect();
        let applied: Vec<_> = common().into_iter().chain([id(4, 1, 3)]).collect();
        let stores = stores(dir.path(), &logged, &applied).await;
        let refused = taken_up(&stores).await.unwrap_err();
        assert!(refused.contains("inverted log order"), "{refused}");
        reconcile(&stores.log, &stores.state).unwrap();
        assert_eq!(taken_up(&stores).await, Ok(Some(id(4, 1, 3))));
    }
}

#[tokio::test]
async fn a_log_that_fits_or_is_behind_is_left_alone() {
    let longer: Vec<_> = common().into_iter().chain([id(3, 2, 3)]).collect();
    let cases = [
        (longer.clone(), common(), id(3, 2, 3)),
        (common(), longer.clone(), id(3, 2, 3)),
        (longer.clone(), longer, id(3, 2, 3)),
    ];
    for (logged, applied, last) in cases {
        let dir = tempfile::tempdir().unwrap();
        let stores = stores(dir.path(), &logged, &applied).await;
        let before = stores.log.bounds();
        reconcile(&stores.log, &stores.state).unwrap();
        assert_eq!(stores.log.bounds(), before);
        assert_eq!(taken_up(&stores).await, Ok(Some(last)));
    }
}

#[tokio::test]
async fn an_applied_entry_that_a_later_one_replaced_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let logged: Vec<_> = common().into_iter().chain([id(5, 1, 3)]).collect();
    let applied: Vec<_> = common().into_iter().chain([id(4, 1, 3)]).collect();
    let stores = stores(dir.path(), &logged, &applied).await;
    let refused = reconcile(&stores.log, &stores.state).unwrap_err();
    assert!(
        refused.contains("T4-N1.3") && refused.contains("T5-N1.3"),
        "{refused}"
    );
}
