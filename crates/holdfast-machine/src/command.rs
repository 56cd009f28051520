//! What the log carries and what applying it answers.

use crate::row::Row;
use holdfast_types::TxnId;
use serde::{Deserialize, Serialize};

/// A stored key: its first byte is the [`crate::Space`].
pub type Key = Vec<u8>;

/// One entry of the log. Encoded with `postcard`; the order of variants and fields is the format, pinned by golden files.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Command {
    /// A transaction on rows.
    Transaction(Transaction),
    /// Only moves the clock, so that what expires does so while nobody writes.
    Tick {
        /// The leader's time, milliseconds since the Unix epoch.
        proposed_at_ms: u64,
    },
    /// Every node notes its digest at this entry, to compare it with its peers'.
    Checkpoint {
        /// The leader's time, milliseconds since the Unix epoch.
        proposed_at_ms: u64,
    },
}

impl Command {
    /// The leader's time, milliseconds since the Unix epoch.
    #[must_use]
    pub const fn proposed_at_ms(&self) -> u64 {
        match self {
            Self::Transaction(txn) => txn.proposed_at_ms,
            Self::Tick { proposed_at_ms } | Self::Checkpoint { proposed_at_ms } => *proposed_at_ms,
        }
    }

    /// Stamps the leader's time, milliseconds since the Unix epoch.
    pub const fn stamp(&mut self, now_ms: u64) {
        match self {
            Self::Transaction(txn) => txn.proposed_at_ms = now_ms,
            Self::Tick { proposed_at_ms } | Self::Checkpoint { proposed_at_ms } => {
                *proposed_at_ms = now_ms;
            }
        }
    }
}

/// Applied if every row it names still stands as it was read, else not at all.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Transaction {
    /// Names this transaction when it is proposed again.
    pub txn_id: TxnId,
    /// Stamped by the leader, milliseconds since the Unix epoch; the proposer leaves it 0.
    pub proposed_at_ms: u64,
    /// Rows that were read and not written: key and the index at which the row was last written, 0 = absent.
    pub asserts: Vec<(Key, u64)>,
    /// Rows to change; each a compare-and-set.
    pub writes: Vec<Write>,
}

/// One change of a row.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Write {
    /// Create or replace.
    Put(Put),
    /// Remove.
    Delete(Delete),
}

/// Creates or replaces a row.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Put {
    /// Where.
    pub key: Key,
    /// Index at which the replaced row was last written, 0 = absent.
    pub replaces: u64,
    /// The sealed record, or a plain system value.
    #[serde(with = "serde_bytes")]
    pub value: Vec<u8>,
}

/// Removes a row.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Delete {
    /// Where.
    pub key: Key,
    /// Index at which the removed row was last written; never 0.
    pub replaces: u64,
}

impl Write {
    /// Where it writes.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        match self {
            Self::Put(put) => &put.key,
            Self::Delete(delete) => &delete.key,
        }
    }

    /// The index of the row it replaces, 0 = absent.
    #[must_use]
    pub const fn replaces(&self) -> u64 {
        match self {
            Self::Put(put) => put.replaces,
            Self::Delete(delete) => delete.replaces,
        }
    }
}

/// What applying an entry answered.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Outcome {
    /// Applied. The index is that of the entry that did it, also when a repeated propose is recognised.
    Applied {
        /// Log index at which the rows were written.
        index: u64,
    },
    /// A row changed since it was read; nothing was applied. Evaluate afresh.
    Conflict {
        /// The first such row's key.
        key: Key,
    },
    /// The transaction breaks a rule of form or a limit; nothing was applied.
    Malformed(Malformed),
}

/// Which rule of form a transaction broke.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, thiserror::Error)]
pub enum Malformed {
    /// A key's first byte is no writable space, or the key is empty or too long.
    #[error("a key is outside the writable spaces or too long")]
    Key,
    /// More asserts, writes or bytes than allowed, one key named twice, or the removal of a row said to be absent.
    #[error("the transaction names too many rows, one row twice, or removes an absent one")]
    Rows,
    /// A value that is not a sealed record, or whose revision does not follow the one it replaces.
    #[error("a value is not the record that may stand there next")]
    Record,
}

/// A row as read: what the machine compares and the barrier opens.
pub type Found = Option<Row>;
