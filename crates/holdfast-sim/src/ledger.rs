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

/// What a node holds at an index.
#[derive(Clone, Copy)]
pub(crate) enum Look {
    /// That life is over: it no longer matters.
    Gone,
    /// It is held back, and does nothing.
    StandsStill,
    /// The hash of its entry, if it has one.
    Holds(Option<[u8; 32]>),
}

impl Look {
    /// At a node, if that life of it goes on.
    pub(crate) fn at(running: Option<&Running>, index: u64) -> Self {
        match running {
            None => Self::Gone,
            Some(running) if running.life.is_held() => Self::StandsStill,
            Some(running) => {
                let entry = hashed(running, index, index + 1).next();
                Self::Holds(entry.map(|(_, hash)| hash))
            }
        }
    }
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

    /// What is still held although it is not what was committed. `look` tells what a node now holds at an index.
    pub(crate) fn settle(&mut self, now_ns: u64, look: impl Fn(Who, u64) -> Look) -> Vec<String> {
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
            match look(who, doubt.index) {
                // One that stands still has had no time.
                Look::StandsStill => {
                    doubt.until_ns = now_ns + DOUBT_NS;
                    self.doubts.push(doubt);
                }
                Look::Holds(Some(hash)) if hash == doubt.hash => {
                    let (node, index) = (doubt.node, doubt.index);
                    wrong.push(format!("node {node} keeps another committed entry {index}"));
                }
                Look::Gone | Look::Holds(_) => {}
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
        let last = self.last_before(glance.term)?;
        let from = last.saturating_sub(LEADER_ENTRIES);
        let own = hashed(running, from, last + 1).collect();
        let index = self.lacks((glance.term, glance.applied), last, &own)?;
        Some(format!(
            "node {node} leads without the committed entry {index}"
        ))
    }

    /// The last entry that was committed before a term.
    fn last_before(&self, term: u64) -> Option<u64> {
        let mut committed = self.committed.iter().rev();
        let (index, _) = committed.find(|(_, (_, of))| *of < term)?;
        Some(*index)
    }

    /// The first entry up to `last`, committed before its term, that a leader lacks which has applied so much and holds `own`.
    fn lacks(
        &self,
        (term, applied): (u64, u64),
        last: u64,
        own: &BTreeMap<u64, [u8; 32]>,
    ) -> Option<u64> {
        if own.is_empty() && applied < last {
            return Some(last);
        }
        // What it has purged was committed; the rest must be there.
        let begins = own.first_key_value().map_or(last + 1, |(index, _)| *index);
        let committed = self.committed.range(begins..);
        let mut earlier = committed.filter(|(_, (_, of))| *of < term);
        let (index, _) = earlier.find(|(index, (hash, _))| own.get(index) != Some(hash))?;
        Some(*index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Entries 1 to 3, committed in term 1.
    fn ledger() -> Ledger {
        let committed = (1..=3).map(|index| (index, (of(index), 1)));
        Ledger {
            committed: committed.collect(),
            ..Ledger::default()
        }
    }

    fn of(index: u64) -> [u8; 32] {
        hash(&index.to_be_bytes())
    }

    #[test]
    fn a_leader_has_what_was_committed_before_it() {
        let ledger = ledger();
        assert_eq!(ledger.last_before(1), None, "its own term's do not count");
        assert_eq!(ledger.last_before(2), Some(3));
        let lacks = |own: &[(u64, [u8; 32])], applied| {
            ledger.lacks((2, applied), 3, &own.iter().copied().collect())
        };
        let whole = [(1, of(1)), (2, of(2)), (3, of(3))];
        assert_eq!(lacks(&whole, 0), None);
        assert_eq!(lacks(&whole[1..], 0), None, "the first was purged");
        assert_eq!(lacks(&whole[..2], 0), Some(3));
        assert_eq!(lacks(&[(1, of(1)), (2, of(9)), (3, of(3))], 0), Some(2));
        assert_eq!(lacks(&[], 3), None, "all of it was purged");
        assert_eq!(lacks(&[], 2), Some(3));
    }

    #[test]
    fn what_was_committed_stays() {
        let doubted = || {
            let mut ledger = ledger();
            ledger.doubts.push(Doubt {
                node: 2,
                life: 1,
                index: 3,
                hash: of(9),
                until_ns: DOUBT_NS,
            });
            ledger
        };
        let found = |look: Look| doubted().settle(DOUBT_NS, |_, _| look).len();
        assert_eq!(found(Look::Holds(Some(of(9)))), 1);
        assert_eq!(found(Look::Holds(Some(of(3)))), 0, "it was put right");
        assert_eq!(found(Look::Holds(None)), 0, "it was dropped");
        assert_eq!(found(Look::Gone), 0);
        let mut ledger = doubted();
        let keeps = |_: Who, _| Look::Holds(Some(of(9)));
        assert!(ledger.settle(DOUBT_NS - 1, keeps).is_empty(), "too early");
        assert!(ledger.settle(DOUBT_NS, |_, _| Look::StandsStill).is_empty());
        assert_eq!(ledger.settle(2 * DOUBT_NS, keeps).len(), 1, "asked again");
    }
}
