//! The members' records: which data directory stands behind a number, and that a number stays taken when its node is gone.
//!
//! The leader writes them as it hears the nodes; everybody reads them as applied.

use crate::host;
use crate::inner::{Inner, Phase, leadership, metrics};
use crate::member::{NodeRecord, NodeRecordError};
use crate::members::is_settled;
use crate::propose;
use crate::raft_types::Raft;
use holdfast_machine::{Command, Put, SystemKey, Transaction, Unavailable, View as _, Write};
use holdfast_types::limits::NODES_MAX;
use holdfast_types::{StoreId, TxnId};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// Longest wait for one of them to be written.
const PROPOSE_WAIT: Duration = Duration::from_secs(5);
/// Wait between two looks at whether it was.
const PAUSE: Duration = Duration::from_millis(20);

/// The record of a node as applied here.
pub(crate) fn of(inner: &Inner, id: u64) -> Result<Option<NodeRecord>, Unavailable> {
    let record = read(inner, id)?.transpose();
    record.map_err(|error| Unavailable::Stopped(error.to_string()))
}

/// The same, also where it cannot be understood.
fn read(
    inner: &Inner,
    id: u64,
) -> Result<Option<Result<NodeRecord, NodeRecordError>>, Unavailable> {
    let row = inner.state.view().get(&SystemKey::Node(id).to_bytes());
    let row = row.map_err(|error| Unavailable::Stopped(error.to_string()))?;
    Ok(row.map(|row| NodeRecord::from_bytes(&row.value)))
}

/// Every node record as applied here, by number, with the index it was written at. `None`: it cannot be read, so a newer version
/// wrote it, and it is not ours to judge.
pub(crate) fn all(inner: &Inner) -> Result<BTreeMap<u64, (u64, Option<NodeRecord>)>, Unavailable> {
    let prefix = SystemKey::nodes_prefix();
    // Removed nodes keep their records; the limit is far above what one cluster sees in its life.
    let rows = inner.state.view().scan(&prefix, &prefix, NODES_MAX * 64);
    let mut records = BTreeMap::new();
    for (key, row) in rows.map_err(|error| Unavailable::Stopped(error.to_string()))? {
        let id = key
            .get(prefix.len()..)
            .and_then(|id| <[u8; 8]>::try_from(id).ok());
        if let Some(id) = id {
            let record = NodeRecord::from_bytes(&row.value).ok();
            records.insert(u64::from_be_bytes(id), (row.written_at, record));
        }
    }
    Ok(records)
}

/// The data directories that the numbers are tied to, as applied here, and whether these are all.
pub(crate) fn stores(inner: &Inner) -> Result<(BTreeMap<u64, StoreId>, bool), Unavailable> {
    let records = all(inner)?;
    let complete = records.values().all(|(_, record)| record.is_some());
    let tied = records
        .into_iter()
        .filter_map(|(id, (_, record))| Some((id, record?.tied_to()?)));
    Ok((tied.collect(), complete))
}

/// Whether the records as applied here, read after this, are all that this node's log tells of. After a crash the state is behind
/// the log and catches up while Raft starts; a node that does not take part never catches up.
pub(crate) fn are_all_applied(inner: &Inner) -> bool {
    let bounds = inner.log.bounds();
    let purged = bounds.purged.map(|purged| purged.index);
    let last = bounds.last.max(purged).unwrap_or(0);
    let takes_part = matches!(
        &*inner.phase.borrow(),
        Phase::Joining(_) | Phase::Running(_)
    );
    takes_part && inner.state.applied().position.index >= last
}

/// Writes the records that are missing or out of date, one transaction each; a conflict is looked at again next time.
pub(crate) async fn keep(inner: &Inner, raft: &Raft) {
    let Ok(records) = all(inner) else {
        return;
    };
    // After the records: who has one by now is not taken for gone because it became a member since.
    let metrics = metrics(raft);
    let settled = is_settled(&metrics);
    let membership = metrics.membership_config.membership();
    for (id, _) in membership.nodes() {
        let Some(record) = present(inner, *id) else {
            continue;
        };
        match records.get(id) {
            None => put(inner, *id, 0, &record).await,
            Some((_, Some(old))) if *old == record || old.removed => {}
            Some((written_at, Some(old)))
                if old.tied_to().is_none_or(|store| store == record.store_id) =>
            {
                put(inner, *id, *written_at, &record).await;
            }
            // Another data directory, or a newer version's: the record stands.
            Some(_) => {}
        }
    }
    for (id, (written_at, record)) in records {
        if let Some(record) = record.filter(|record| !record.removed)
            && settled
            && membership.get_node(&id).is_none()
        {
            let removed = NodeRecord {
                removed: true,
                ..record
            };
            put(inner, id, written_at, &removed).await;
        }
    }
}

/// Makes sure that a member's number is tied to its data directory before it gets a vote: one that votes, loses its disk and comes
/// back must be told from the one it was.
///
/// # Errors
/// When this node does not lead (any more), has stopped, or cannot read the record: it may be of nobody.
pub(crate) async fn tie(inner: &Inner, raft: &Raft, id: u64) -> Result<(), Unavailable> {
    while of(inner, id)?.is_none_or(|record| record.tied_to().is_none()) {
        if !leadership(raft).leads {
            return Err(Unavailable::NoLeader);
        }
        keep(inner, raft).await;
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// Makes sure that a member has a record before it goes: once it has gone nobody can write one, and its number would be free
/// for another node. One that is not heard for this long gets a record of nobody.
///
/// # Errors
/// When this node does not lead (any more), or has stopped.
pub(crate) async fn ensure(
    inner: &Inner,
    raft: &Raft,
    id: u64,
    patience: Duration,
) -> Result<(), Unavailable> {
    let until = Instant::now() + patience;
    // Be it one that only a newer version can read.
    while read(inner, id)?.is_none() {
        if !leadership(raft).leads {
            return Err(Unavailable::NoLeader);
        }
        let unheard = || (Instant::now() >= until).then(NodeRecord::of_nobody);
        if let Some(record) = present(inner, id).or_else(unheard) {
            put(inner, id, 0, &record).await;
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// A member's record as it presents itself, if it was heard.
fn present(inner: &Inner, id: u64) -> Option<NodeRecord> {
    if id == inner.node() {
        return Some(NodeRecord {
            store_id: inner.link.store_id,
            info: inner.me.clone(),
            version: inner.version.clone(),
            removed: false,
        });
    }
    let view = inner.peers.get(id)?;
    Some(NodeRecord {
        store_id: view.store_id,
        info: view.info,
        version: view.version,
        removed: false,
    })
}

pub(crate) async fn put(inner: &Inner, id: u64, replaces: u64, record: &NodeRecord) {
    put_bytes(inner, id, replaces, record.to_bytes()).await;
}

pub(crate) async fn put_bytes(inner: &Inner, id: u64, replaces: u64, value: Vec<u8>) {
    let mut txn_id = [0; 16];
    host::fill(&mut txn_id);
    let mut command = Command::Transaction(Transaction {
        txn_id: TxnId(txn_id),
        proposed_at_ms: 0,
        asserts: Vec::new(),
        writes: vec![Write::Put(Put {
            key: SystemKey::Node(id).to_bytes(),
            replaces,
            value,
        })],
    });
    propose::propose_here(inner, &mut command, PROPOSE_WAIT).await;
}
