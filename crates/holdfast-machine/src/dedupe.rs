//! The bounded memory of transactions: `txn_id → (index, outcome)`, forgotten in order of arrival.
//!
//! Every outcome is remembered, not only `Applied`: a transaction that lost a race must not win when it is proposed again,
//! for its proposer may have gone on. Two rows each: the outcome by id, and a ring of ids by arrival, which says what to forget.

use crate::batch::{Batch, Table};
use crate::command::{Key, Outcome};
use crate::port::StorageFault;
use crate::row::{Space, encode_row, split_row};
use holdfast_types::TxnId;
use holdfast_types::limits::DEDUPE_ENTRIES;

fn outcome_key(txn_id: &[u8]) -> Key {
    let mut key = vec![Space::Dedupe as u8];
    key.extend_from_slice(txn_id);
    key
}

fn ring_key(txn_count: u64) -> Key {
    let mut key = vec![Space::DedupeRing as u8];
    key.extend_from_slice(&(txn_count % DEDUPE_ENTRIES).to_be_bytes());
    key
}

/// What this transaction was answered, if it is remembered.
pub(crate) fn recall(
    table: &impl Table,
    batch: &Batch,
    txn_id: TxnId,
) -> Result<Option<Outcome>, StorageFault> {
    let Some(row) = batch.read_through(table, &outcome_key(&txn_id.0))? else {
        return Ok(None);
    };
    let (_, value) = split_row(&row)?;
    postcard::from_bytes(value)
        .map(Some)
        .map_err(|_| StorageFault("a remembered outcome is corrupt".to_owned()))
}

/// Id of the transaction that must be forgotten before one more is remembered.
pub(crate) fn to_forget(
    table: &impl Table,
    batch: &Batch,
    txn_count: u64,
) -> Result<Option<Vec<u8>>, StorageFault> {
    if txn_count < DEDUPE_ENTRIES {
        return Ok(None);
    }
    match batch.read_through(table, &ring_key(txn_count))? {
        Some(row) => Ok(Some(split_row(&row)?.1.to_vec())),
        None => Err(StorageFault(
            "the ring of transactions has a hole".to_owned(),
        )),
    }
}

/// Remembers an outcome in the slot of `forgotten`.
pub(crate) fn remember(
    batch: &mut Batch,
    index: u64,
    txn_count: u64,
    txn_id: TxnId,
    outcome: &Outcome,
    forgotten: Option<Vec<u8>>,
) {
    if let Some(old) = forgotten {
        batch.delete(outcome_key(&old));
    }
    let value = postcard::to_allocvec(outcome).expect("an outcome is plain data of known length");
    batch.put(outcome_key(&txn_id.0), encode_row(index, &value));
    batch.put(ring_key(txn_count), encode_row(index, &txn_id.0));
}
