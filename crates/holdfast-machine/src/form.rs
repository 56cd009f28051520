//! Rules of form that a transaction obeys or breaks by itself, whatever the state.

use crate::command::{Malformed, Transaction, Write};
use crate::row::Space;
use holdfast_types::RecordHeader;
use holdfast_types::limits::{
    KEY_BYTES_MAX, RECORD_PLAINTEXT_BYTES_MAX, TXN_ASSERTS_MAX, TXN_BYTES_MAX, TXN_WRITES_MAX,
};
use std::collections::BTreeSet;

/// Largest value of a row, in bytes: a full record, padded by at most an eighth, and what sealing adds.
pub const VALUE_BYTES_MAX: usize =
    RECORD_PLAINTEXT_BYTES_MAX + RECORD_PLAINTEXT_BYTES_MAX / 8 + holdfast_types::RECORD_OVERHEAD;

const _: () = assert!(
    VALUE_BYTES_MAX + KEY_BYTES_MAX < TXN_BYTES_MAX,
    "the largest row fits a transaction"
);

/// Checks keys, counts, sizes and record headers.
///
/// # Errors
/// The first rule broken.
pub(crate) fn check(txn: &Transaction) -> Result<(), Malformed> {
    if txn.asserts.len() > TXN_ASSERTS_MAX || txn.writes.len() > TXN_WRITES_MAX {
        return Err(Malformed::Rows);
    }
    let asserted = txn.asserts.iter().map(|(key, _)| key.as_slice());
    let written = txn.writes.iter().map(Write::key);
    let mut seen = BTreeSet::new();
    let mut bytes = 0usize;
    for key in asserted.chain(written) {
        check_key(key)?;
        bytes += key.len();
        if !seen.insert(key) {
            return Err(Malformed::Rows);
        }
    }
    for write in &txn.writes {
        bytes += check_write(write)?;
    }
    if bytes > TXN_BYTES_MAX {
        return Err(Malformed::Rows);
    }
    Ok(())
}

fn check_key(key: &[u8]) -> Result<(), Malformed> {
    let writable = matches!(key.first(), Some(&space) if space == Space::Record as u8 || space == Space::System as u8);
    if writable && key.len() > 1 && key.len() <= KEY_BYTES_MAX {
        Ok(())
    } else {
        Err(Malformed::Key)
    }
}

/// The size of the value.
fn check_write(write: &Write) -> Result<usize, Malformed> {
    match write {
        Write::Delete(delete) if delete.replaces == 0 => Err(Malformed::Rows),
        Write::Delete(_) => Ok(0),
        Write::Put(put) => {
            if put.value.len() > VALUE_BYTES_MAX {
                return Err(Malformed::Record);
            }
            if is_record(&put.key) {
                RecordHeader::parse(&put.value).map_err(|_| Malformed::Record)?;
            }
            Ok(put.value.len())
        }
    }
}

pub(crate) fn is_record(key: &[u8]) -> bool {
    key.first() == Some(&(Space::Record as u8))
}
