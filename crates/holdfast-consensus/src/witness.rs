//! Peers as witnesses of what a log had promised.
//!
//! A disk that is put back to an older image takes its watermark along: by itself the node cannot know what it has forgotten,
//! a vote or an acknowledged entry. So every node tells its peers, in pings, how far its log is durable, and is told what
//! an earlier process of the same data directory said. A node that finds less than that leaves, whoever leads.
//!
//! Only the node judges itself: a ping of its former process that comes late says less than is known and means nothing.
//! Witnesses remember as long as they run; when all stop with it, nobody knows.

use crate::host;
use holdfast_proto::peer::v1 as pb;
use holdfast_store::{LogStore, Stores};
use holdfast_types::StoreId;
use holdfast_types::mutant::Mutant;
use parking_lot::Mutex;
use std::collections::BTreeMap;

/// Processes remembered of each peer. The one that runs is heard all the time and never forgotten.
const LIVES_MAX: usize = 8;

/// This node's own promise, and those it was told of.
pub(crate) struct Witness {
    /// Of this process.
    life: u64,
    /// The last batch there was when it began.
    found: u64,
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

    const fn of(life: u64, found: u64) -> Self {
        Self {
            life,
            found,
            told: Mutex::new(BTreeMap::new()),
        }
    }

    /// What peers are told of this node.
    pub(crate) fn promise(&self, log: &LogStore) -> pb::Promise {
        pb::Promise {
            life: self.life,
            batch: log.batches().promised,
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

    /// Whether this node lacks what an earlier process had promised.
    pub(crate) fn has_lost(&self, promised: u64) -> bool {
        // Mutant: what was promised is not held against what is there.
        promised > self.found && !Mutant::WatermarkIgnored.lives()
    }

    /// Forgets who is no longer a peer.
    pub(crate) fn retain(&self, keep: impl Fn(u64) -> bool) {
        self.told.lock().retain(|peer, _| keep(*peer));
    }
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
