//! Every entry that was ever seen committed, and whether nodes hold it.
//!
//! Nodes purge their logs; here everything stays, so that what was acknowledged can be looked up when a run is over.

use crate::evidence;
use crate::node::{Running, stored_entries};
use bytes::Bytes;
use holdfast_check::{Canaries, NodeLog, Nonces};
use std::collections::BTreeMap;

/// Committed entries that a new leader's log is held against.
const LEADER_ENTRIES: u64 = 256;
/// How long a node that installs a snapshot may hold entries of its own, nanoseconds.
const DOUBT_NS: u64 = 1_000_000_000;

/// Hashes of committed entries by index, with the term in which they were first seen committed.
#[derive(Default)]
pub(crate) struct Ledger {
    committed: BTreeMap<u64, ([u8; 32], u64)>,
    entries: BTreeMap<u64, Bytes>,
    doubts: Vec<Doubt>,
}

/// Under which the ledger's log stands among those of the nodes.
const LEDGER: u64 = 0;

/// A node seen with another entry at an index than the committed one. For a moment that is right: a node that installs a
/// snapshot knows what is committed before it has dropped its own entries.
struct Doubt {
    node: u64,
    life: u64,
    index: u64,
    hash: [u8; 32],
    until_ns: u64,
}

/// Which life of which node.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Who {
    pub(crate) node: u64,
    pub(crate) life: u64,
}

fn hashed(running: &Running, from: u64, to: u64) -> impl Iterator<Item = (u64, [u8; 32])> {
    stored_entries(running, from, to)
        .into_iter()
        .map(|(index, bytes)| (index, hash(&bytes)))
}

/// By which entries are compared.
pub(crate) fn hash(bytes: &[u8]) -> [u8; 32] {
    *blake3::hash(bytes).as_bytes()
}

impl Ledger {
    /// Compares what a node holds in `from..to`, all of it committed as it knows. What nobody knew to be committed before:
    /// indexes and hashes.
    pub(crate) fn compare(
        &mut self,
        who: Who,
        running: &Running,
        from: u64,
        to: u64,
        now_ns: u64,
    ) -> Vec<(u64, [u8; 32])> {
        let term = running.glance().term;
        let mut news = Vec::new();
        for (index, bytes) in stored_entries(running, from, to) {
            let hash = hash(&bytes);
            self.entries.entry(index).or_insert(bytes);
            let known = self.committed.entry(index).or_insert_with(|| {
                news.push((index, hash));
                (hash, term)
            });
            if known.0 != hash {
                self.doubts.push(Doubt {
                    node: who.node,
                    life: who.life,
                    index,
                    hash,
                    until_ns: now_ns + DOUBT_NS,
                });
            }
        }
        news
    }

    /// What is still held although it is not what was committed.
    pub(crate) fn settle<'a>(
        &mut self,
        now_ns: u64,
        alive: impl Fn(Who) -> Option<&'a Running>,
    ) -> Vec<String> {
        let mut wrong = Vec::new();
        let due: Vec<Doubt> = self
            .doubts
            .extract_if(.., |doubt| doubt.until_ns <= now_ns)
            .collect();
        for mut doubt in due {
            let who = Who {
                node: doubt.node,
                life: doubt.life,
            };
            // One that is gone no longer matters.
            let Some(running) = alive(who) else {
                continue;
            };
            if running.life.is_held() {
                // One that stands still has had no time.
                doubt.until_ns = now_ns + DOUBT_NS;
                self.doubts.push(doubt);
                continue;
            }
            let held = hashed(running, doubt.index, doubt.index + 1).next();
            if held == Some((doubt.index, doubt.hash)) {
                let (node, index) = (doubt.node, doubt.index);
                wrong.push(format!("node {node} keeps another committed entry {index}"));
            }
        }
        wrong
    }

    /// All of it as a log that purged nothing, from the last gap on: what no node still held when somebody looked is none.
    pub(crate) fn log(&self) -> NodeLog {
        let indexes = self.entries.keys().rev();
        let first = indexes
            .copied()
            .reduce(|after, index| if index + 1 == after { index } else { after });
        let first = first.unwrap_or(0);
        let whole = self.entries.range(first..);
        NodeLog {
            node: LEDGER,
            purged: first.saturating_sub(1),
            committed: self.entries.last_key_value().map_or(0, |(index, _)| *index),
            records: whole
                .filter_map(|(index, bytes)| evidence::record((*index, bytes.clone())))
                .collect(),
        }
    }

    /// Shows every record that was ever written.
    pub(crate) fn show(&self, nonces: &mut Nonces) {
        for bytes in self.entries.values() {
            evidence::see_entry(nonces, bytes.clone());
        }
    }

    /// Looks through every entry, those too that no log holds any more.
    pub(crate) fn search(&self, canaries: &mut Canaries) {
        for (index, bytes) in &self.entries {
            canaries.scan(&format!("entry {index} of the log"), bytes);
        }
        canaries.end_place();
    }

    /// The entry committed in an earlier term that a new leader has not, or has otherwise.
    pub(crate) fn missing(&self, node: u64, running: &Running) -> Option<String> {
        let glance = running.glance();
        let earlier = |(_, (_, term)): &(&u64, &([u8; 32], u64))| *term < glance.term;
        let (last, _) = self.committed.iter().rev().find(earlier)?;
        let from = last.saturating_sub(LEADER_ENTRIES);
        let own: BTreeMap<u64, [u8; 32]> = hashed(running, from, last + 1).collect();
        if own.is_empty() && glance.applied < *last {
            return Some(format!(
                "node {node} leads without the committed entry {last}"
            ));
        }
        // What it has purged was committed; the rest must be there.
        let begins = own.first_key_value().map_or(last + 1, |(index, _)| *index);
        let mut committed = self.committed.range(begins..).filter(earlier);
        let (index, _) = committed.find(|(index, (hash, _))| own.get(index) != Some(hash))?;
        Some(format!(
            "node {node} leads without the committed entry {index}"
        ))
    }
}
