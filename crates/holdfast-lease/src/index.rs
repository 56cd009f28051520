//! The expiry index: entries named `(moment in ms, kind, id)` in an ordered class. All they say stands in their names,
//! so scanning opens no record.

use holdfast_barrier::{Name, Txn, TxnError};
use holdfast_types::{Class, NamespaceId};
use zeroize::Zeroizing;

/// What ends at a moment. The kind is stored as a tag; never reuse one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Expiring {
    /// A token, by the keyed hash under which it is stored.
    Token {
        /// The keyed hash, hexadecimal.
        key: String,
    },
    /// A lease, by its id.
    Lease {
        /// The id.
        id: String,
    },
    /// A kind that newer software wrote. It must be left to that software: put it off, never drop it.
    Other {
        /// The kind's tag.
        tag: String,
        /// The id within the kind.
        id: String,
    },
}

const TOKEN: &str = "token";
const LEASE: &str = "lease";

impl Expiring {
    fn parts(&self) -> (&str, &str) {
        match self {
            Self::Token { key } => (TOKEN, key),
            Self::Lease { id } => (LEASE, id),
            Self::Other { tag, id } => (tag, id),
        }
    }

    fn from_parts(tag: String, id: String) -> Self {
        match tag.as_str() {
            TOKEN => Self::Token { key: id },
            LEASE => Self::Lease { id },
            _ => Self::Other { tag, id },
        }
    }
}

/// An entry of the index.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DueItem {
    /// Where it stands, milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// What to look at.
    pub what: Expiring,
}

fn entry(namespace: NamespaceId, at_ms: u64, what: &Expiring) -> Name {
    let (tag, id) = what.parts();
    Name::ordered(namespace, Class::Expiry, at_ms)
        .with(tag)
        .with(id)
}

/// Enters a thing at the moment it ends, milliseconds since the Unix epoch.
///
/// # Errors
/// When the transaction is too large, or the disk fails.
pub fn schedule(
    txn: &mut Txn,
    namespace: NamespaceId,
    at_ms: u64,
    what: &Expiring,
) -> Result<(), TxnError> {
    txn.put(&entry(namespace, at_ms, what), Zeroizing::new(Vec::new()))
}

/// Removes a thing's entry; does nothing when there is none at that moment.
///
/// # Errors
/// As [`schedule`].
pub fn unschedule(
    txn: &mut Txn,
    namespace: NamespaceId,
    at_ms: u64,
    what: &Expiring,
) -> Result<(), TxnError> {
    txn.delete(&entry(namespace, at_ms, what))
}

/// Moves a thing's entry. `None` stands for not being in the index.
///
/// # Errors
/// As [`schedule`].
pub fn reschedule(
    txn: &mut Txn,
    namespace: NamespaceId,
    from_ms: Option<u64>,
    to_ms: Option<u64>,
    what: &Expiring,
) -> Result<(), TxnError> {
    if from_ms == to_ms {
        return Ok(());
    }
    if let Some(from_ms) = from_ms {
        unschedule(txn, namespace, from_ms, what)?;
    }
    to_ms.map_or(Ok(()), |to_ms| schedule(txn, namespace, to_ms, what))
}

/// Entries at or before `now_ms`, earliest first, at most `limit`.
///
/// # Errors
/// When the disk fails or a key does not open.
pub fn due(
    txn: &mut Txn,
    namespace: NamespaceId,
    now_ms: u64,
    limit: usize,
) -> Result<Vec<DueItem>, TxnError> {
    let found = txn.scan_ordered(namespace, Class::Expiry, now_ms, limit)?;
    found
        .into_iter()
        .map(|(at_ms, segments)| {
            let [tag, id] = <[String; 2]>::try_from(segments)
                .map_err(|_| TxnError::Corrupt("entry of the expiry index"))?;
            Ok(DueItem {
                at_ms,
                what: Expiring::from_parts(tag, id),
            })
        })
        .collect()
}

/// The moment of the earliest entry, milliseconds since the Unix epoch; `None` when nothing ends.
///
/// # Errors
/// As [`due`].
pub fn next_ms(txn: &mut Txn, namespace: NamespaceId) -> Result<Option<u64>, TxnError> {
    let first = txn.scan_ordered(namespace, Class::Expiry, u64::MAX, 1)?;
    Ok(first.first().map(|(at_ms, _)| *at_ms))
}
