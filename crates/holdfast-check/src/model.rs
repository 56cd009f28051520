//! What is judged and what a judgement is. Values, names and tokens stand as labels: nothing secret enters a history.
//!
//! Times are nanoseconds of one monotonic clock since the run began. Indexes are those of the Raft log.

use serde::{Deserialize, Serialize};

/// One run, as the checkers see it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// Operations of clients, in order of invocation.
    pub operations: Vec<Operation>,
    /// What nodes said of themselves, in order of time.
    pub samples: Vec<NodeSample>,
    /// Faults, in order of installation.
    pub faults: Vec<Fault>,
    /// The logs of all nodes, read after the run.
    pub logs: Vec<NodeLog>,
    /// When everything was healed; liveness is asked from here on.
    pub healed_ns: Option<u64>,
    /// When clients were told to stop; what was asked later was in no hurry, and is no measure of throughput.
    pub load_until_ns: Option<u64>,
    /// When the run ended.
    pub ended_ns: u64,
}

/// One operation of one logical client. A client has one operation outstanding; after an unknown outcome it is retired
/// and another takes its place under a new number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// Unique; ascending in order of invocation.
    pub id: u64,
    /// The logical client.
    pub client: u64,
    /// The node that was asked.
    pub node: u64,
    /// When it was sent.
    pub invoked_ns: u64,
    /// When its answer came; `None` when none came.
    pub returned_ns: Option<u64>,
    /// What was asked.
    pub action: Action,
    /// What became of it.
    pub outcome: Outcome,
}

/// What was asked. Keys and tokens are labels of the run; values are unique numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// A new version of a KV v2 secret.
    Put {
        /// Which secret.
        key: u64,
        /// Unique in the run.
        value: u64,
        /// Only if this is the latest version (0: only if there is none).
        cas: Option<u64>,
    },
    /// The latest version of a secret.
    Get {
        /// Which secret.
        key: u64,
        /// How fresh.
        consistency: Consistency,
    },
    /// One version of a secret, the latest or an older one.
    GetVersion {
        /// Which secret.
        key: u64,
        /// Which version.
        version: u64,
        /// How fresh.
        consistency: Consistency,
    },
    /// Marks the latest version of a secret deleted; the number of versions stays.
    Delete {
        /// Which secret.
        key: u64,
    },
    /// The names of all secrets.
    List {
        /// How fresh.
        consistency: Consistency,
    },
    /// Makes a token.
    CreateToken {
        /// The new token.
        token: u64,
        /// Whose child it is; `None` for the root token's.
        parent: Option<u64>,
    },
    /// Uses a token for something it may do.
    UseToken {
        /// Which token.
        token: u64,
        /// How fresh.
        consistency: Consistency,
    },
    /// Revokes a token and all its descendants.
    RevokeToken {
        /// Which token.
        token: u64,
    },
    /// Seals the whole cluster (asked of one node).
    Seal,
    /// Submits enough shares to the node to open it.
    Unseal,
}

/// How fresh an answer must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Consistency {
    /// It reflects everything acknowledged before it was asked.
    Linearizable,
    /// At least this index is reflected.
    AtLeast {
        /// The index that an earlier answer carried.
        index: u64,
    },
    /// At most this old.
    Bounded {
        /// Milliseconds.
        millis: u64,
    },
    /// As the node has it.
    Stale,
}

/// What became of an operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It was answered.
    Ok(Seen),
    /// It was refused and certainly did nothing: the version did not match.
    CasMismatch,
    /// It was refused and certainly did nothing: the token is not (or no longer) valid.
    Denied,
    /// It was refused and certainly did nothing: the node is sealed.
    Sealed,
    /// It was refused and certainly did nothing: no leader, no quorum, overload, not reached.
    Unavailable,
    /// It may or may not have happened, now or later.
    Unknown,
}

/// What an answer showed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The index the answer carried.
    pub index: Option<u64>,
    /// The version of the secret.
    pub version: Option<u64>,
    /// The value; `None` when the secret is absent or its latest version deleted.
    pub value: Option<u64>,
    /// Listed keys.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<u64>,
    /// How old the node said its answer may be, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_ms: Option<u64>,
}

/// A node at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeSample {
    /// Which.
    pub node: u64,
    /// Which life of it: rises with each start, so that what restarts may go back only where it is allowed to.
    pub life: u64,
    /// When.
    pub at_ns: u64,
    /// What it does.
    pub state: NodeState,
    /// Whether it can open no record.
    pub sealed: bool,
    /// Current term.
    pub term: u64,
    /// Whom it follows, if anybody.
    pub leader: Option<u64>,
    /// Last index known committed.
    pub committed: u64,
    /// Last index applied.
    pub applied: u64,
    /// Digests at checkpoints: index and summary in hexadecimal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub digests: Vec<(u64, String)>,
}

/// What a node does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum NodeState {
    /// Leads.
    Leader,
    /// Follows.
    Follower,
    /// Seeks votes.
    Candidate,
    /// Replicates without a vote.
    Learner,
    /// Takes no part, because its data cannot be trusted.
    Quarantined,
    /// Not running, or not answering.
    Down,
}

/// A fault and how long it lasted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// What, in the words of the scenario: `kill`, `partition`, …
    pub kind: String,
    /// The nodes it struck.
    pub nodes: Vec<u64>,
    /// Details for the reader; no secrets.
    pub detail: String,
    /// When it was installed.
    pub from_ns: u64,
    /// When it was healed; `None` when the run ended first.
    pub until_ns: Option<u64>,
    /// Whether it was seen to bite.
    pub verified: bool,
    /// Whether the one it struck led.
    pub hit_leader: bool,
}

/// One node's log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeLog {
    /// Whose.
    pub node: u64,
    /// Last index purged; 0 when nothing was.
    pub purged: u64,
    /// Last index it knows committed.
    pub committed: u64,
    /// Its entries after the purged ones, in order of index.
    pub records: Vec<LogRecord>,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogRecord {
    /// Its index.
    pub index: u64,
    /// Term of the leader that made it.
    pub term: u64,
    /// That leader.
    pub leader: u64,
    /// Hash over the whole entry, in hexadecimal: equal entries and no others have equal hashes.
    pub hash: String,
    /// What it carries.
    pub payload: Payload,
}

/// What an entry carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Payload {
    /// A new leader's first entry.
    Blank,
    /// Members changed.
    Membership,
    /// The clock moves.
    Tick,
    /// Nodes note their digest.
    Checkpoint,
    /// A transaction.
    Transaction {
        /// Its id in hexadecimal; the same one may stand in more than one entry and is applied once.
        id: String,
        /// Number of rows it writes.
        writes: u64,
    },
}

/// How a checker judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ruling {
    /// Everything that was checked held.
    Ok,
    /// Something did not hold.
    Violation,
    /// It cannot be said: too little was seen, or time ran out. Fails a run as a violation does.
    Inconclusive,
}

/// One checker's judgement of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The checker's name, as scenarios and mutants name it.
    pub checker: String,
    /// What it says.
    pub ruling: Ruling,
    /// How many things were checked (operations, samples, entries: the checker's own unit).
    pub checked: u64,
    /// One sentence for a person.
    pub summary: String,
    /// What did not hold, the first few.
    pub violations: Vec<Violation>,
}

/// One thing that did not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// What happened, for a person.
    pub what: String,
    /// When, if it has a time.
    pub at_ns: Option<u64>,
    /// The operations that show it, as few as possible.
    pub operations: Vec<u64>,
    /// The nodes it concerns.
    pub nodes: Vec<u64>,
}

impl From<String> for Violation {
    /// One of which no time, operation or node is known, or whose words name them.
    fn from(what: String) -> Self {
        Self {
            what,
            at_ns: None,
            operations: Vec::new(),
            nodes: Vec::new(),
        }
    }
}
