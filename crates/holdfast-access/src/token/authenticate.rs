//! Whether a token lives, and whose it is.

use super::keys::{load, token_key, token_name};
use super::record::{State, TokenRecord};
use holdfast_barrier::{Txn, TxnError};
use holdfast_contract::{Caller, Refusal};
use holdfast_lease::{Expiring, reschedule};
use holdfast_types::NamespaceId;
use holdfast_types::limits::{TOKEN_BYTES_MAX, TOKEN_DEPTH_MAX};
use std::sync::Arc;
use zeroize::Zeroizing;

/// A token that lives.
pub struct Alive {
    /// Keyed hash, hexadecimal.
    pub key: String,
    /// What is kept of it.
    pub record: Arc<TokenRecord>,
}

/// The token of a key, if it and all its ancestors live at the transaction's position.
///
/// # Errors
/// When the state cannot be read.
pub fn judge(
    txn: &mut Txn,
    namespace: NamespaceId,
    key: String,
) -> Result<Option<Alive>, TxnError> {
    let now_ms = txn.now_ms();
    let Some(record) = load(txn, namespace, &key)?.filter(|record| record.lives_at(now_ms)) else {
        return Ok(None);
    };
    let mut parent = record.parent.clone();
    for _ in 0..=TOKEN_DEPTH_MAX {
        let Some(parent_key) = parent else {
            return Ok(Some(Alive { key, record }));
        };
        parent = match load(txn, namespace, &parent_key)? {
            // It ended alone and is letting its children go: they are orphans already.
            Some(ancestor) if ancestor.state == State::LettingGo => None,
            Some(ancestor) if ancestor.lives_at(now_ms) => ancestor.parent.clone(),
            _ => return Ok(None),
        };
    }
    // Nobody makes a longer line of ancestors.
    Err(TxnError::Corrupt("token"))
}

/// Who calls with a token. Takes one use of a token whose uses are counted; with the last one the token ends, and this
/// request is the last that it makes.
///
/// # Errors
/// [`Refusal::Denied`] when there is no such token, or it or one of its ancestors has ended.
pub fn authenticate(txn: &mut Txn, namespace: NamespaceId, token: &str) -> Result<Caller, Refusal> {
    if token.is_empty() || token.len() > TOKEN_BYTES_MAX {
        return Err(Refusal::Denied);
    }
    let key = token_key(txn, token);
    let alive = judge(txn, namespace, key)?.ok_or(Refusal::Denied)?;
    if alive.record.num_uses > 0 {
        take_use(txn, namespace, &alive)?;
    }
    let record = &alive.record;
    Ok(Caller {
        token: Zeroizing::new(token.to_owned()),
        accessor: record.accessor.clone(),
        policies: record.policies.clone(),
        display_name: record.display_name.clone(),
        entity_id: record.entity_id.clone(),
        token_key: alive.key,
    })
}

fn take_use(txn: &mut Txn, namespace: NamespaceId, alive: &Alive) -> Result<(), TxnError> {
    let mut record = (*alive.record).clone();
    record.num_uses -= 1;
    if record.num_uses == 0 {
        // The leader clears what is left of it.
        let what = Expiring::Token {
            key: alive.key.clone(),
        };
        let now_ms = txn.now_ms();
        reschedule(txn, namespace, record.due_ms, Some(now_ms), &what)?;
        record.due_ms = Some(now_ms);
        record.state = State::Ending;
    }
    txn.store(&token_name(namespace, &alive.key), &record)
}
