//! How the floors above see the replicated half: consistent views, reads that are proven fresh, proposals.
//!
//! Implemented by `holdfast-consensus` for real clusters, and by twins for tests of the floors above.

use crate::command::{Command, Key, Outcome};
use crate::row::Row;
use holdfast_types::NodeId;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// A boxed future, so that the traits are object-safe.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The disk failed or is corrupt. The node stops; the text names the operation and no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("storage failed: {0}")]
pub struct StorageFault(pub String);

/// Where a view stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Position {
    /// Index of the last entry applied.
    pub index: u64,
    /// The machine's clock, milliseconds since the Unix epoch: the highest `proposed_at_ms` applied.
    pub time_ms: u64,
}

/// A consistent snapshot of the state at one applied position.
pub trait View: Send + Sync {
    /// Where it stands.
    fn position(&self) -> Position;

    /// One row.
    ///
    /// # Errors
    /// When the disk fails.
    fn get(&self, key: &[u8]) -> Result<Option<Row>, StorageFault>;

    /// Rows from `from` (inclusive) on whose keys begin with `prefix`, in key order, at most `limit`.
    ///
    /// # Errors
    /// When the disk fails; also when a row in the range is corrupt (a scan never ends early without saying so).
    fn scan(
        &self,
        prefix: &[u8],
        from: &[u8],
        limit: usize,
    ) -> Result<Vec<(Key, Row)>, StorageFault>;

    /// The keys that [`View::scan`] would give, without their values: those may be large, and many at once.
    ///
    /// # Errors
    /// When the disk fails.
    fn scan_keys(
        &self,
        prefix: &[u8],
        from: &[u8],
        limit: usize,
    ) -> Result<Vec<Key>, StorageFault> {
        let rows = self.scan(prefix, from, limit)?;
        Ok(rows.into_iter().map(|(key, _)| key).collect())
    }
}

/// Nothing could be promised in time; nothing was changed by asking. Answered 503.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// No leader is known or it does not answer.
    #[error("no leader is known")]
    NoLeader,
    /// The leader could not reach a quorum in time.
    #[error("no quorum answered in time")]
    NoQuorum,
    /// This node did not reach the index in time.
    #[error("this node has not caught up in time")]
    Behind,
    /// The node is stopping, quarantined or stopped by a storage fault.
    #[error("this node is not serving: {0}")]
    Stopped(String),
}

/// Why a proposal has no outcome.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProposeError {
    /// It was not and will never be applied.
    #[error("not proposed: {0}")]
    NotProposed(Unavailable),
    /// It may or may not be applied later: its fate is unknown.
    #[error("the outcome is unknown: {0}")]
    Unknown(Unavailable),
}

/// A node's part in consensus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Leads.
    Leader,
    /// Follows a leader.
    Follower,
    /// Seeks votes.
    Candidate,
    /// Replicates without a vote.
    Learner,
    /// Takes no part: its data directory cannot be trusted.
    Quarantined,
    /// Stopped.
    Stopped,
}

/// One member as this node knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberStatus {
    /// Number.
    pub id: NodeId,
    /// Address of its peer link.
    pub peer_addr: String,
    /// Address of its API, as a URL.
    pub api_addr: String,
    /// Region label.
    pub region: String,
    /// Votes (true) or learns (false).
    pub voter: bool,
    /// Milliseconds since it was last heard, if ever (0 for this node).
    pub last_contact_ms: Option<u64>,
    /// Index it has replicated, as the leader knows; `None` elsewhere.
    pub matched: Option<u64>,
    /// Round trip in microseconds, if measured.
    pub rtt_us: Option<u64>,
    /// Clock difference in milliseconds (theirs minus ours), if measured.
    pub clock_skew_ms: Option<i64>,
}

/// What this node knows of the cluster now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaStatus {
    /// This node.
    pub node: NodeId,
    /// Its part.
    pub role: Role,
    /// The leader, if known.
    pub leader: Option<NodeId>,
    /// Current term.
    pub term: u64,
    /// Last index in the log.
    pub last_index: u64,
    /// Last index known committed.
    pub committed: u64,
    /// Last index applied.
    pub applied: u64,
    /// Milliseconds since a quorum last acknowledged the leader (leader) or since the leader was last heard (follower).
    pub quorum_age_ms: Option<u64>,
    /// Members in order of id.
    pub members: Vec<MemberStatus>,
    /// Why the node is quarantined or stopped, for operators.
    pub trouble: Option<String>,
}

/// The replicated half, as a request sees it.
pub trait Replica: Send + Sync {
    /// A consistent view of the local state. It may be behind; `read_index` says how far to wait.
    ///
    /// # Errors
    /// When the disk fails.
    fn view(&self) -> Result<Box<dyn View>, StorageFault>;

    /// Joins the next read-index round and waits until this node has applied that far; afterwards a [`Replica::view`] is
    /// linearizable. Returns the applied index.
    fn read_index(&self, deadline: Duration) -> BoxFuture<'_, Result<u64, Unavailable>>;

    /// Waits until this node has applied `index`; asks nobody.
    fn wait_applied(
        &self,
        index: u64,
        deadline: Duration,
    ) -> BoxFuture<'_, Result<u64, Unavailable>>;

    /// Proposes to the leader, over the network if need be, with at most one more hop to a new leader, and waits for the
    /// outcome. When it returns `Ok`, this node has applied the entry too.
    fn propose(
        &self,
        command: Command,
        deadline: Duration,
    ) -> BoxFuture<'_, Result<Outcome, ProposeError>>;

    /// What this node knows now.
    fn status(&self) -> ReplicaStatus;

    /// Milliseconds since this node last knew that its state was current; `None` before the first time.
    fn staleness_ms(&self) -> Option<u64>;

    /// Resolves whenever the applied index has moved past `seen`; for watchers of the local state.
    fn applied_past(&self, seen: u64) -> BoxFuture<'_, u64>;

    /// Makes the leader, whichever node that is, hand over to `to` or to the most caught-up voter. Succeeds at once when `to`
    /// leads already.
    fn step_down(
        &self,
        to: Option<NodeId>,
        deadline: Duration,
    ) -> BoxFuture<'_, Result<(), Unavailable>>;
}
