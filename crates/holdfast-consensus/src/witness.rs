//! Peers as witnesses of what a log had promised.
//!
//! A disk that is put back to an older image takes its watermark along: by itself the node cannot know what it has forgotten,
//! a vote or an acknowledged entry. So every node tells its peers, in pings, how far its log is durable, and is told what
//! an earlier process of the same data directory said; requests for votes say it too (`ballot.rs`). A node that finds less than that leaves, whoever leads.
//!
//! What was told counts against another process of the same directory only: a ping that comes late says less than is known and
//! accuses nobody.
//! Witnesses remember as long as they run, and a node that has left goes on telling what it had promised; when all of them stop
//! together, nobody knows.

use crate::host;
use bytes::Bytes;
use holdfast_mutant::Mutant;
use holdfast_proto::peer::v1 as pb;
use holdfast_store::{LogStore, Stores};
use holdfast_types::StoreId;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// Processes remembered of each peer. The one that runs is heard all the time and never forgotten.
const LIVES_MAX: usize = 8;

/// This node's own promise, and those it was told of.
pub(crate) struct Witness {
    /// Of this process.
    life: u64,
    /// The last batch there was when it began.
    found: u64,
    /// The last batch that an earlier process had promised, as far as peers say.
    owed: AtomicU64,
    told: Mutex<BTreeMap<u64, Vec<Told>>>,
}

/// What one process told; the last heard is last.
struct Told {
    store: StoreId,
    life: u64,
    batch: u64,
}

impl Witness {
    /// For a process that opened these.
    pub(crate) fn new(stores: &Stores) -> Self {
        let mut life = [0; 8];
        host::fill(&mut life);
        Self::of(u64::from_be_bytes(life), stores.log.batches().found)
    }

    pub(crate) const fn of(life: u64, found: u64) -> Self {
        Self {
            life,
            found,
            owed: AtomicU64::new(0),
            told: Mutex::new(BTreeMap::new()),
        }
    }

    /// What peers are told of this node: also what it no longer has, for they may have been restarted since they were told.
    pub(crate) fn promise(&self, log: &LogStore) -> pb::Promise {
        let owed = self.owed.load(Ordering::Relaxed);
        pb::Promise {
            life: self.life,
            batch: log.batches().promised.max(owed),
        }
    }

    /// A peer told of its data directory.
    pub(crate) fn heard(&self, peer: u64, store: StoreId, promise: &pb::Promise) {
        let mut told = self.told.lock();
        let lives = told.entry(peer).or_default();
        let mut batch = promise.batch;
        let place = lives
            .iter()
            .position(|one| one.store == store && one.life == promise.life);
        if let Some(place) = place {
            batch = batch.max(lives.remove(place).batch);
        } else if lives.len() == LIVES_MAX {
            let forgotten = lives.remove(0);
            // Another of the same directory answers for it.
            let heir = lives.iter_mut().find(|one| one.store == forgotten.store);
            if let Some(heir) = heir {
                heir.batch = heir.batch.max(forgotten.batch);
            }
        }
        lives.push(Told {
            store,
            life: promise.life,
            batch,
        });
    }

    /// The highest batch that another process than `life` told of a peer's data directory.
    pub(crate) fn told_by_others(&self, peer: u64, store: StoreId, life: u64) -> u64 {
        let told = self.told.lock();
        let lives = told.get(&peer).into_iter().flatten();
        let others = lives.filter(|one| one.store == store && one.life != life);
        others.map(|one| one.batch).max().unwrap_or(0)
    }

    /// What processes of a peer told, for that peer to judge.
    pub(crate) fn told_by(&self, peer: u64) -> Vec<pb::Told> {
        let told = self.told.lock();
        let lives = told.get(&peer).into_iter().flatten();
        let said = lives.map(|one| pb::Told {
            store_id: Bytes::copy_from_slice(&one.store.0),
            promise: Some(pb::Promise {
                life: one.life,
                batch: one.batch,
            }),
        });
        said.collect()
    }

    /// What this directory had promised before this process, by what a peer was told.
    pub(crate) fn owed(&self, here: StoreId, told: &[pb::Told]) -> u64 {
        let of_here = told.iter().filter(|one| one.store_id[..] == here.0);
        let promises = of_here.filter_map(|one| one.promise.as_ref());
        let others = promises.filter(|promise| promise.life != self.life);
        others.map(|promise| promise.batch).max().unwrap_or(0)
    }

    /// This process, and the last batch that it found.
    pub(crate) const fn began_with(&self) -> pb::Promise {
        pb::Promise {
            life: self.life,
            batch: self.found,
        }
    }

    /// Whether a peer's process that began so lacks what an earlier one had promised.
    pub(crate) fn knows_of_loss(&self, peer: u64, store: StoreId, began: &pb::Promise) -> bool {
        lacks(began.batch, self.told_by_others(peer, store, began.life))
    }

    /// Whether this node lacks what an earlier process is said to have promised, by somebody who is believed little.
    pub(crate) fn may_have_lost(&self, promised: u64) -> bool {
        lacks(self.found, promised)
    }

    /// A peer says what an earlier process had promised: whether this node lacks it. Remembered.
    pub(crate) fn has_lost(&self, promised: u64) -> bool {
        self.owed.fetch_max(promised, Ordering::Relaxed);
        lacks(self.found, promised)
    }

    /// Forgets who is no longer a peer.
    pub(crate) fn retain(&self, keep: impl Fn(u64) -> bool) {
        self.told.lock().retain(|peer, _| keep(*peer));
    }
}

fn lacks(found: u64, promised: u64) -> bool {
    // Mutant: what was promised is not held against what is there.
    promised > found && !Mutant::WatermarkIgnored.lives()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: StoreId = StoreId([1; 16]);

    fn told(life: u64, batch: u64) -> pb::Promise {
        pb::Promise { life, batch }
    }

    #[test]
    fn an_earlier_process_is_held_against_the_one_that_runs() {
        let witness = Witness::of(1, 7);
        assert_eq!(witness.told_by_others(2, HERE, 10), 0, "nobody was heard");
        witness.heard(2, HERE, &told(10, 5));
        assert_eq!(witness.told_by_others(2, HERE, 10), 0, "it runs on");
        assert_eq!(witness.told_by_others(2, HERE, 11), 5);
        witness.heard(2, HERE, &told(11, 6));
        // Late, and from before.
        witness.heard(2, HERE, &told(10, 4));
        assert_eq!(witness.told_by_others(2, HERE, 11), 5);
        assert_eq!(witness.told_by_others(2, HERE, 12), 6);
        let elsewhere = StoreId([2; 16]);
        assert_eq!(witness.told_by_others(2, elsewhere, 12), 0);
        assert_eq!(witness.told_by_others(3, HERE, 12), 0);
        witness.retain(|peer| peer != 2);
        assert_eq!(witness.told_by_others(2, HERE, 12), 0);
    }

    #[test]
    fn less_than_was_promised_is_a_loss() {
        let witness = Witness::of(1, 7);
        assert!(!witness.has_lost(0) && !witness.has_lost(7));
        assert!(witness.has_lost(8));
    }

    #[test]
    fn many_processes_are_remembered_by_few() {
        let witness = Witness::of(1, 7);
        for life in 0..100 {
            witness.heard(2, HERE, &told(life, 1000 - life));
        }
        assert_eq!(witness.told.lock()[&2].len(), LIVES_MAX);
        assert_eq!(witness.told_by_others(2, HERE, 100), 1000);
    }
}
