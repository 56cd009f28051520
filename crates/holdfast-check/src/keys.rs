//! The operations of a history, sorted by the secret that they concern.

use crate::{Action, Consistency, History, Operation, Outcome, Seen};
use std::collections::BTreeMap;

/// Everything asked of one secret.
#[derive(Default)]
pub(crate) struct Key<'a> {
    /// Writes that were acknowledged or may have happened.
    pub(crate) puts: Vec<Put<'a>>,
    /// Writes that certainly did nothing.
    pub(crate) refused: Vec<Put<'a>>,
    /// Deletes that were acknowledged or may have happened.
    pub(crate) deletes: Vec<&'a Operation>,
    /// Answered reads of every consistency.
    pub(crate) reads: Vec<Read<'a>>,
    /// Answered reads of one version, whether it was the latest or not.
    pub(crate) older: Vec<OldRead<'a>>,
}

/// A write of a value.
#[derive(Clone, Copy)]
pub(crate) struct Put<'a> {
    pub(crate) op: &'a Operation,
    pub(crate) value: u64,
    pub(crate) cas: Option<u64>,
}

impl Put<'_> {
    /// The version that its answer told.
    pub(crate) fn version(&self) -> Option<u64> {
        self.op.seen().and_then(|seen| seen.version)
    }

    /// Whether it was refused because the version did not match; the version that it asked for.
    pub(crate) fn mismatched(&self) -> Option<u64> {
        self.cas.filter(|_| self.op.outcome == Outcome::CasMismatch)
    }
}

/// An answered read.
#[derive(Clone, Copy)]
pub(crate) struct Read<'a> {
    pub(crate) op: &'a Operation,
    pub(crate) seen: &'a Seen,
    pub(crate) consistency: Consistency,
}

impl Read<'_> {
    pub(crate) fn is_linearizable(&self) -> bool {
        self.consistency == Consistency::Linearizable
    }
}

/// An answered read of one version.
#[derive(Clone, Copy)]
pub(crate) struct OldRead<'a> {
    pub(crate) op: &'a Operation,
    pub(crate) seen: &'a Seen,
    pub(crate) version: u64,
    pub(crate) consistency: Consistency,
}

/// Sorts a history by secret.
pub(crate) fn by_key(history: &History) -> BTreeMap<u64, Key<'_>> {
    let mut keys: BTreeMap<u64, Key<'_>> = BTreeMap::new();
    for op in &history.operations {
        match op.action {
            Action::Put { key, value, cas } => {
                let key = keys.entry(key).or_default();
                let puts = if op.may_have_happened() {
                    &mut key.puts
                } else {
                    &mut key.refused
                };
                puts.push(Put { op, value, cas });
            }
            Action::Delete { key } if op.may_have_happened() => {
                keys.entry(key).or_default().deletes.push(op);
            }
            Action::Get { key, consistency } => {
                if let Some(seen) = op.seen() {
                    keys.entry(key).or_default().reads.push(Read {
                        op,
                        seen,
                        consistency,
                    });
                }
            }
            Action::GetVersion {
                key,
                version,
                consistency,
            } => {
                if let Some(seen) = op.seen() {
                    keys.entry(key).or_default().older.push(OldRead {
                        op,
                        seen,
                        version,
                        consistency,
                    });
                }
            }
            _ => {}
        }
    }
    keys
}
