//! Renewing tokens.

use super::authenticate::Alive;
use super::keys::token_name;
use super::lifetime::{Bounds, Lifetime};
use super::record::{Expiry, State, TokenRecord};
use holdfast_barrier::Txn;
use holdfast_contract::Refusal;
use holdfast_lease::{Expiring, reschedule};
use holdfast_types::NamespaceId;
use std::time::Duration;

/// Puts a token's end off. `increment` of zero asks for what it was made with. Returns the record as it is now, and what was
/// given less than asked.
///
/// # Errors
/// [`Refusal::Invalid`] when it cannot be renewed, or not any longer.
pub fn renew(
    txn: &mut Txn,
    namespace: NamespaceId,
    alive: &Alive,
    increment: Duration,
    bounds: Bounds,
) -> Result<(TokenRecord, Vec<String>), Refusal> {
    let mut record = (*alive.record).clone();
    if !record.renewable || record.expiry == Expiry::Never {
        return Err(Refusal::Invalid("lease is not renewable".to_owned()));
    }
    let now_ms = txn.stamp_ms();
    let renewed = Lifetime::renewed(&record, increment, bounds, now_ms);
    let Some((end_ms, warnings)) = renewed else {
        return Err(Refusal::Invalid(
            "past the max TTL, cannot renew".to_owned(),
        ));
    };
    record.expiry = Expiry::At(end_ms);
    record.renewed_ms = now_ms;
    // A token on its last use is being ended and keeps its place in the index.
    if record.state == State::Live {
        let what = Expiring::Token {
            key: alive.key.clone(),
        };
        reschedule(txn, namespace, record.due_ms, Some(end_ms), &what)?;
        record.due_ms = Some(end_ms);
    }
    txn.store(&token_name(namespace, &alive.key), &record)?;
    Ok((record, warnings))
}
