//! What each follower has acknowledged to this leader, to notice one that lost it.
//!
//! A follower's acknowledgement means that the entries are on its disk. If it later does not have them (its disk was put back
//! to an older image, say), whatever was committed with its help may be lost with the next leader; openraft would end the
//! leader's process over it. Here the leader goes on without that follower and tells it, and it leaves. What other leaders
//! were told is `witness.rs`'s to remember.

use crate::raft_types::{LogId, Vote};
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};

/// Acknowledgements by follower.
#[derive(Default)]
pub(crate) struct Acknowledged {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Under which leadership, and up to where.
    upto: BTreeMap<u64, (Vote, LogId)>,
    lost: BTreeSet<u64>,
}

impl Acknowledged {
    /// `follower` has everything up to `last`.
    pub(crate) fn note(&self, follower: u64, vote: Vote, last: LogId) {
        let mut state = self.state.lock();
        let upto = state.upto.entry(follower).or_insert((vote, last));
        if upto.0 != vote || upto.1 < last {
            *upto = (vote, last);
        }
    }

    /// `follower` does not have `prev`. True when it had acknowledged it.
    pub(crate) fn conflicts(&self, follower: u64, vote: Vote, prev: LogId) -> bool {
        let mut state = self.state.lock();
        let lost = state
            .upto
            .get(&follower)
            .is_some_and(|(under, upto)| *under == vote && prev <= *upto);
        if lost && state.lost.insert(follower) {
            tracing::error!(follower, "a follower has lost entries it had acknowledged");
        }
        lost
    }

    /// Whether `follower` is known to have lost entries.
    pub(crate) fn has_lost(&self, follower: u64) -> bool {
        self.state.lock().lost.contains(&follower)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raft_types::LeaderId;

    fn id(index: u64) -> LogId {
        let leader_id = LeaderId {
            term: 1,
            node_id: 1,
        };
        LogId { leader_id, index }
    }

    fn vote(term: u64) -> Vote {
        Vote {
            leader_id: LeaderId { term, node_id: 1 },
            committed: true,
        }
    }

    #[test]
    fn only_what_was_acknowledged_to_this_leadership_counts() {
        let acknowledged = Acknowledged::default();
        assert!(!acknowledged.conflicts(2, vote(1), id(5)), "probing");
        acknowledged.note(2, vote(1), id(9));
        acknowledged.note(2, vote(1), id(7));
        assert!(!acknowledged.conflicts(2, vote(1), id(10)));
        assert!(
            !acknowledged.conflicts(2, vote(2), id(9)),
            "another leadership probes anew"
        );
        assert!(!acknowledged.has_lost(2));
        assert!(acknowledged.conflicts(2, vote(1), id(9)));
        assert!(acknowledged.has_lost(2) && !acknowledged.has_lost(3));
    }
}
