//! What is gathered when a run is over, and the judgement of it.

use crate::client::Desk;
use crate::cluster::Cluster;
use crate::observe::hex;
use bytes::Bytes;
use holdfast_check::{History, LogRecord, NodeLog, Payload, Ruling, Verdict, Violation};
use holdfast_consensus::{EntryPayload, read_entry, read_log_id};
use holdfast_machine::Command;

/// The logs of all nodes, from their disks.
pub(crate) fn logs(cluster: &Cluster) -> Vec<NodeLog> {
    let nodes = cluster.nodes.lock();
    nodes
        .values()
        .map(|node| {
            let durable = node.disk.durable_log();
            let committed = durable.committed.as_deref();
            let committed = committed.and_then(|bytes| read_log_id(bytes).ok());
            let committed = committed.map_or(0, |(index, ..)| index);
            // What is committed is marked now and then and never synced for it.
            let running = node
                .running
                .as_ref()
                .map_or(0, |node| node.glance().committed);
            NodeLog {
                node: node.id,
                purged: durable.purged.map_or(0, |purged| purged.index),
                committed: committed.max(running),
                records: durable.entries.into_iter().filter_map(record).collect(),
            }
        })
        .collect()
}

fn record((_, bytes): (u64, Bytes)) -> Option<LogRecord> {
    let hash = hex(&blake3::hash(&bytes).as_bytes()[..16]);
    let entry = read_entry(bytes).ok()?;
    let payload = match entry.payload {
        EntryPayload::Blank => Payload::Blank,
        EntryPayload::Membership => Payload::Membership,
        EntryPayload::Command(Command::Tick { .. }) => Payload::Tick,
        EntryPayload::Command(Command::Checkpoint { .. }) => Payload::Checkpoint,
        EntryPayload::Command(Command::Transaction(txn)) => Payload::Transaction {
            id: hex(&txn.txn_id.0),
            writes: txn.writes.len() as u64,
        },
    };
    Some(LogRecord {
        index: entry.index,
        term: entry.term,
        leader: entry.leader,
        hash,
        payload,
    })
}

/// Everything that is judged when a run is over.
pub(crate) fn judge(
    cluster: &Cluster,
    desk: &Desk,
    history: &History,
    end: Result<(), String>,
) -> Vec<Verdict> {
    let _ = (cluster, desk.canaries(), history);
    vec![recovery(end)]
}

/// Whether the cluster came back after healing, and every node does its work.
fn recovery(end: Result<(), String>) -> Verdict {
    let violations = end.err().map(|what| Violation {
        what,
        at_ns: None,
        operations: Vec::new(),
        nodes: Vec::new(),
    });
    let violations: Vec<Violation> = violations.into_iter().collect();
    Verdict {
        checker: "recovery".to_owned(),
        ruling: if violations.is_empty() {
            Ruling::Ok
        } else {
            Ruling::Violation
        },
        checked: 1,
        summary: "after healing the nodes are one cluster again, and each reads and writes"
            .to_owned(),
        violations,
    }
}
