//! Looking at a node from outside Raft: what stored log entries say, and where a node stands. For checkers.

use crate::codec;
use crate::inner::{Phase, metrics};
use crate::members;
use crate::raft_types::Payload;
use crate::start::Consensus;
use bytes::Bytes;
use holdfast_machine::{Command, Role, StorageFault};
use openraft::ServerState;
use std::collections::{BTreeMap, BTreeSet};

/// A stored entry, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// Its index.
    pub index: u64,
    /// Term of the leader that made it.
    pub term: u64,
    /// That leader's number.
    pub leader: u64,
    /// What it carries.
    pub payload: EntryPayload,
}

/// What an entry carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryPayload {
    /// A new leader's first entry.
    Blank,
    /// A change of the members.
    Membership,
    /// A command for the machine.
    Command(Command),
}

/// Stored bytes that are no entry or vote of this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these bytes are no {0} of this version")]
pub struct Unreadable(&'static str);

/// Reads an entry as the log stores it. Equal entries have equal bytes.
///
/// # Errors
/// When the bytes are none.
pub fn read_entry(stored: Bytes) -> Result<LogEntry, Unreadable> {
    let entry = codec::to_entry_bytes(stored).map_err(|_| Unreadable("log entry"))?;
    let payload = match entry.payload {
        Payload::Blank => EntryPayload::Blank,
        Payload::Membership(_) => EntryPayload::Membership,
        Payload::Normal(command) => {
            let command =
                postcard::from_bytes(&command.0).map_err(|_| Unreadable("logged command"))?;
            EntryPayload::Command(command)
        }
    };
    Ok(LogEntry {
        index: entry.log_id.index,
        term: entry.log_id.leader_id.term,
        leader: entry.log_id.leader_id.node_id,
        payload,
    })
}

/// Reads a committed mark or log id as the log stores it: index, term and leader.
///
/// # Errors
/// When the bytes are none.
pub fn read_log_id(stored: &[u8]) -> Result<(u64, u64, u64), Unreadable> {
    let id = codec::to_log_id_bytes(stored).map_err(|_| Unreadable("log id"))?;
    Ok((id.index, id.leader_id.term, id.leader_id.node_id))
}

/// Reads a vote as the log stores it: term, node, and whether a quorum granted it.
///
/// # Errors
/// When the bytes are none.
pub fn read_vote(stored: &[u8]) -> Result<(u64, u64, bool), Unreadable> {
    let vote = codec::to_vote_bytes(stored).map_err(|_| Unreadable("vote"))?;
    Ok((vote.leader_id.term, vote.leader_id.node_id, vote.committed))
}

/// Where a node stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glance {
    /// Its part.
    pub role: Role,
    /// Current term.
    pub term: u64,
    /// Whom it takes for the leader.
    pub leader: Option<u64>,
    /// Last index known committed here.
    pub committed: u64,
    /// Last index applied.
    pub applied: u64,
}

/// Who the members are, as a node's log says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Members {
    /// Each by number, and whether it votes.
    pub all: BTreeMap<u64, bool>,
    /// Known to be committed, and no change half done.
    pub settled: bool,
}

impl Consensus {
    /// Who the members are now, committed or not; `None` when this node takes no part.
    #[must_use]
    pub fn members(&self) -> Option<Members> {
        let raft = self.inner.raft().ok()?;
        let metrics = metrics(&raft);
        let membership = metrics.membership_config.membership();
        let voters: BTreeSet<u64> = membership.voter_ids().collect();
        let all = membership.nodes();
        Some(Members {
            all: all.map(|(id, _)| (*id, voters.contains(id))).collect(),
            settled: members::is_settled(&metrics),
        })
    }

    /// Where this node stands now; cheap enough to be asked after each event.
    #[must_use]
    pub fn glance(&self) -> Glance {
        let inner = &self.inner;
        let mut glance = Glance {
            role: Role::Learner,
            term: 0,
            leader: None,
            committed: 0,
            applied: inner.applied.now(),
        };
        match &*inner.phase.borrow() {
            Phase::Joining(_) => {}
            Phase::Quarantined(_) => glance.role = Role::Quarantined,
            Phase::Stopped(_) => glance.role = Role::Stopped,
            Phase::Running(raft) => {
                let metrics = metrics(raft);
                glance.role = match metrics.state {
                    ServerState::Leader => Role::Leader,
                    ServerState::Follower => Role::Follower,
                    ServerState::Candidate => Role::Candidate,
                    ServerState::Learner => Role::Learner,
                    ServerState::Shutdown => Role::Stopped,
                };
                glance.term = metrics.current_term;
                glance.leader = metrics.current_leader;
                glance.committed = metrics.local_committed.map_or(0, |id| id.index);
            }
        }
        glance
    }

    /// Stored entries of this node's log in `from..to`, as far as they are there.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn stored_entries(&self, from: u64, to: u64) -> Result<Vec<(u64, Bytes)>, StorageFault> {
        let bounds = self.inner.log.bounds();
        let from = from.max(bounds.purged.map_or(0, |purged| purged.index + 1));
        let to = to.min(bounds.last.map_or(0, |last| last + 1));
        if from >= to {
            return Ok(Vec::new());
        }
        self.inner.log.read(from, to, usize::MAX)
    }

    /// The hash of the state's digest, with the index at which it stands; `None` while a batch is being applied, and for good
    /// when one could not be.
    #[must_use]
    pub fn digest(&self) -> Option<(u64, [u8; 32])> {
        let state = &self.inner.state;
        self.inner.log.health().ok()?;
        let before = state.applied().position.index;
        let hash = state.digest().hash();
        (state.applied().position.index == before).then_some((before, hash))
    }
}
