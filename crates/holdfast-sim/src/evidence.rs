//! What is gathered when a run is over, and the judgement of it.

use crate::client::Desk;
use crate::cluster::Cluster;
use crate::ledger::Ledger;
use crate::observe::hex;
use bytes::Bytes;
use holdfast_check::{
    Canaries, Claims, History, Judge, LivenessBounds, LogRecord, NodeLog, Nonces, Payload, Verdict,
    judge_all, liveness,
};
use holdfast_consensus::{EntryPayload, read_entry, read_log_id};
use holdfast_machine::{Command, Row, Space, Write};
use holdfast_types::RecordHeader;

/// Answers without which a run proves nothing.
const OPERATIONS_MIN: u64 = 100;

/// Least throughput at the end, in percent of that at the beginning.
const THROUGHPUT_PERCENT: u64 = 30;

/// The logs of all nodes, from their disks, and what was seen committed while they still held it.
pub(crate) fn logs(cluster: &Cluster, ledger: &Ledger) -> Vec<NodeLog> {
    let nodes = cluster.nodes.lock();
    let stored = nodes.values().map(|node| {
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
    });
    stored.chain([ledger.log()]).collect()
}

/// An entry as the checkers see it.
pub(crate) fn record((_, bytes): (u64, Bytes)) -> Option<LogRecord> {
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
    ledger: &Ledger,
    end: Result<(), String>,
) -> Vec<Verdict> {
    let claims = Claims {
        operations: OPERATIONS_MIN,
        ..Claims::default()
    };
    let bounds = LivenessBounds {
        // Clients ask sealed, quarantined and new nodes as readily as others, and there are few of them.
        throughput_percent: THROUGHPUT_PERCENT,
        ..LivenessBounds::default()
    };
    let mut verdicts = judge_all(history, &claims, bounds);
    // Clients ask quarantined nodes too, and nobody expects them to write. Before it was healed they wrote like others, and so
    // did nodes that have been taken out since.
    let (fit, here) = (cluster.fit(), cluster.ids());
    let healed_ns = history.healed_ns.unwrap_or_default();
    let mut of_fit = history.clone();
    of_fit
        .operations
        .retain(|entry| entry.invoked_ns < healed_ns || fit.contains(&entry.node));
    of_fit.samples.retain(|sample| here.contains(&sample.node));
    for verdict in &mut verdicts {
        if verdict.checker == "liveness" {
            *verdict = liveness(&of_fit, bounds);
        }
    }
    verdicts.push(canaries(cluster, desk, ledger));
    verdicts.push(nonces(cluster, ledger));
    verdicts.push(answers(&cluster.reports.lock(), history.operations.len()));
    verdicts.push(processes(&cluster.deaths.lock(), here.len()));
    verdicts.push(quarantine(&cluster.unnoticed.lock(), here.len()));
    verdicts.push(recovery(end));
    verdicts
}

/// Looks for everything secret in every byte that lies on any disk, and in every entry that was ever committed.
fn canaries(cluster: &Cluster, desk: &Desk, ledger: &Ledger) -> Verdict {
    let mut canaries =
        Canaries::new(&desk.canaries()).expect("every canary is longer than the shortest allowed");
    for node in cluster.nodes.lock().values() {
        let place = format!("the disk of node {}", node.id);
        // Pieces are whole files, keys and values; what was split over two would not be found, and nothing is split.
        node.disk.visit_bytes(|bytes| {
            canaries.scan(&place, bytes);
            canaries.end_place();
        });
    }
    ledger.search(&mut canaries);
    canaries.verdict()
}

/// Looks at the nonce of every record that was ever committed, or stands in any log or state.
fn nonces(cluster: &Cluster, ledger: &Ledger) -> Verdict {
    let mut nonces = Nonces::new();
    ledger.show(&mut nonces);
    for node in cluster.nodes.lock().values() {
        for (key, row) in node.disk.state_rows() {
            if let Ok(row) = Row::decode(&row) {
                see(&mut nonces, &key, &row.value);
            }
        }
        for (_, bytes) in node.disk.durable_log().entries {
            see_entry(&mut nonces, bytes);
        }
    }
    nonces.verdict()
}

/// Looks at the records that an entry writes.
pub(crate) fn see_entry(nonces: &mut Nonces, bytes: Bytes) {
    let Ok(entry) = read_entry(bytes) else {
        return;
    };
    if let EntryPayload::Command(Command::Transaction(txn)) = entry.payload {
        for write in txn.writes {
            if let Write::Put(put) = write {
                see(nonces, &put.key, &put.value);
            }
        }
    }
}

/// Records have a key of their own in each namespace, which stands in the key of the row.
fn see(nonces: &mut Nonces, key: &[u8], value: &[u8]) {
    let namespace = key.get(1..17).unwrap_or_default();
    if key.first() == Some(&(Space::Record as u8))
        && let Ok(header) = RecordHeader::parse(value)
    {
        let hash = blake3::hash(value);
        nonces.see(header.term, namespace, &header.nonce, hash.as_bytes());
    }
}

/// Whether nobody was told that something is broken inside.
fn answers(reports: &[String], asked: usize) -> Verdict {
    let summary = "no answer said that something is broken inside";
    verdict("answers", asked, summary, reports)
}

/// Whether no process ended by itself whose disk was left alone.
fn processes(deaths: &[String], nodes: usize) -> Verdict {
    let summary = "no process ended by itself whose disk nothing had been done to";
    verdict("processes", nodes, summary, deaths)
}

/// Whether no node worked on whose disk was put back to an older image.
fn quarantine(unnoticed: &[String], nodes: usize) -> Verdict {
    let summary = "no node worked on whose disk was put back to an older image";
    verdict("quarantine", nodes, summary, unnoticed)
}

/// Whether the cluster came back after healing, and every node does its work.
fn recovery(end: Result<(), String>) -> Verdict {
    let summary = "after healing the nodes are one cluster again, and each reads and writes";
    verdict("recovery", 1, summary, end.err().as_slice())
}

fn verdict(checker: &'static str, checked: usize, held: &str, found: &[String]) -> Verdict {
    let mut judge = Judge::new(checker);
    judge.checked(checked);
    for what in found {
        judge.blame(what.clone().into());
    }
    judge.finish(held)
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdfast_check::Ruling;

    #[test]
    fn what_a_cluster_tells_of_itself_is_judged() {
        let broken = "node 2 told client 3 that it is broken inside".to_owned();
        let told = answers(&[broken.clone(), broken.clone()], 9);
        assert_eq!((told.ruling, told.checked), (Ruling::Violation, 9));
        assert!(told.summary.starts_with(&broken), "{}", told.summary);
        let ended = processes(&["node 1 ended".to_owned()], 3);
        assert_eq!(ended.ruling, Ruling::Violation);
        assert_eq!(ended.summary, "node 1 ended");
        let unnoticed = quarantine(&["node 1 noticed nothing".to_owned()], 3);
        assert_eq!(unnoticed.ruling, Ruling::Violation);
        assert_eq!(unnoticed.summary, "node 1 noticed nothing");
        let apart = recovery(Err("they stayed apart".to_owned()));
        assert_eq!(apart.ruling, Ruling::Violation);
        assert_eq!(apart.summary, "they stayed apart");
        let held = [
            answers(&[], 9),
            processes(&[], 3),
            quarantine(&[], 3),
            recovery(Ok(())),
        ];
        for held in held {
            assert_eq!(held.ruling, Ruling::Ok);
        }
    }
}
