//! One stopped node's data directory, read through the store's own door.

use super::hunt::Hunter;
use anyhow::Context;
use bytes::Bytes;
use holdfast_check::{LogRecord, NodeLog, Payload};
use holdfast_consensus::{EntryPayload, LogEntry, read_entry, read_log_id};
use holdfast_machine::{Command, Space, View, Write};
use holdfast_store::{Options, Stores};
use holdfast_types::RecordHeader;
use std::path::Path;

/// Bytes of entries read at once.
const BATCH_BYTES: usize = 8 << 20;
/// Rows read at once.
const BATCH_ROWS: usize = 4096;

/// What a node left behind.
pub struct NodeData {
    /// Its log.
    pub log: NodeLog,
    /// Its state's digests: at checkpoints, and the last one at the last transaction applied, since nothing else changes it.
    pub digests: Vec<(u64, String)>,
    /// Whether a full scan of the state arrives at the digest that is kept.
    pub digest_holds: bool,
    /// Every sealed record in log and state.
    pub records: Vec<RecordSeen>,
    /// Why it may not vote, if so.
    pub quarantine: Option<String>,
}

/// A sealed record that was stored somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordSeen {
    /// The namespace, which has a key of its own.
    pub namespace: [u8; 16],
    /// Term of the key that sealed it.
    pub key_term: u32,
    /// Its nonce.
    pub nonce: [u8; 24],
    /// Hash of the whole record: equal nonces must mean equal records.
    pub hash: [u8; 32],
}

/// Reads a stopped node's directory and looks for canaries in every key and value on the way: on disk they may be compressed.
///
/// # Errors
/// When it cannot be opened or read. A node that was damaged on purpose may be refused here, rightly.
pub fn read(node: u64, dir: &Path, hunter: &mut Hunter) -> anyhow::Result<NodeData> {
    let stores = holdfast_store::open(dir, &Options::default())
        .with_context(|| format!("opening the data of node {node}"))?;
    let mut records = Vec::new();
    let mut log = read_log(node, &stores, &mut records, hunter)?;
    read_state(node, &stores, &mut records, hunter)?;
    let applied = stores.state.applied().position.index;
    log.committed = log.committed.max(applied);
    let mut digests: Vec<(u64, String)> = stores
        .state
        .checkpoints()
        .iter()
        .map(|mark| (mark.index, hex::encode(mark.summary)))
        .collect();
    let changes = |record: &&LogRecord| {
        record.index <= applied && matches!(record.payload, Payload::Transaction { .. })
    };
    if let Some(last) = log.records.iter().rev().find(changes) {
        digests.push((last.index, hex::encode(stores.state.digest().hash())));
    }
    let data = NodeData {
        log,
        digests,
        digest_holds: stores.state.verify_digest().is_ok(),
        records,
        quarantine: stores.quarantine.as_ref().map(|why| why.what.clone()),
    };
    stores.log.close();
    Ok(data)
}

fn read_log(
    node: u64,
    stores: &Stores,
    records: &mut Vec<RecordSeen>,
    hunter: &mut Hunter,
) -> anyhow::Result<NodeLog> {
    let bounds = stores.log.bounds();
    let purged = bounds.purged.as_ref().map_or(0, |purged| purged.index);
    let committed = stores.log.committed();
    let committed = committed.map(|mark| read_log_id(&mark)).transpose()?;
    let mut log = NodeLog {
        node,
        purged,
        committed: committed.map_or(0, |(index, _, _)| index),
        records: Vec::new(),
    };
    let end = bounds.last.map_or(0, |last| last + 1);
    let mut next = if bounds.purged.is_some() {
        purged + 1
    } else {
        0
    };
    while next < end {
        let batch = stores.log.read(next, end, BATCH_BYTES)?;
        if batch.is_empty() {
            break;
        }
        for (index, stored) in batch {
            hunter.bytes(|| format!("log of node {node}, entry {index}"), &stored);
            log.records.push(record(stored, records)?);
            next = index + 1;
        }
    }
    Ok(log)
}

/// An entry as the checkers see it.
fn record(stored: Bytes, records: &mut Vec<RecordSeen>) -> anyhow::Result<LogRecord> {
    let hash = blake3::hash(&stored).to_hex().to_string();
    let LogEntry {
        index,
        term,
        leader,
        payload,
    } = read_entry(stored)?;
    let payload = match payload {
        EntryPayload::Blank => Payload::Blank,
        EntryPayload::Membership => Payload::Membership,
        EntryPayload::Command(Command::Tick { .. }) => Payload::Tick,
        EntryPayload::Command(Command::Checkpoint { .. }) => Payload::Checkpoint,
        EntryPayload::Command(Command::Transaction(transaction)) => {
            for write in &transaction.writes {
                if let Write::Put(put) = write {
                    see(&put.key, &put.value, records);
                }
            }
            Payload::Transaction {
                id: hex::encode(transaction.txn_id.0),
                writes: u64::try_from(transaction.writes.len()).unwrap_or(u64::MAX),
            }
        }
    };
    Ok(LogRecord {
        index,
        term,
        leader,
        hash,
        payload,
    })
}

fn read_state(
    node: u64,
    stores: &Stores,
    records: &mut Vec<RecordSeen>,
    hunter: &mut Hunter,
) -> anyhow::Result<()> {
    let view = stores.state.view();
    for space in [Space::Record, Space::System] {
        let prefix = [space as u8];
        let mut from = prefix.to_vec();
        loop {
            let rows = view.scan(&prefix, &from, BATCH_ROWS)?;
            let Some((last, _)) = rows.last() else {
                break;
            };
            from.clone_from(last);
            from.push(0);
            for (key, row) in &rows {
                hunter.bytes(|| format!("a key in the state of node {node}"), key);
                hunter.bytes(
                    || format!("a value in the state of node {node}"),
                    &row.value,
                );
                see(key, &row.value, records);
            }
        }
    }
    Ok(())
}

/// Notes a sealed record.
fn see(key: &[u8], value: &[u8], records: &mut Vec<RecordSeen>) {
    if key.first() != Some(&(Space::Record as u8)) {
        return;
    }
    let namespace = key.get(1..17).and_then(|id| id.try_into().ok());
    if let Ok(header) = RecordHeader::parse(value) {
        records.push(RecordSeen {
            namespace: namespace.unwrap_or_default(),
            key_term: header.term,
            nonce: header.nonce,
            hash: *blake3::hash(value).as_bytes(),
        });
    }
}
