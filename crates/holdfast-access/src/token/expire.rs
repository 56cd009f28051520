//! Ending what is due: a duty of the leader.

use super::keys::load;
use super::record::State;
use super::revoke::{Budget, Ground, Revoked, clear_tree, let_go};
use holdfast_barrier::{Txn, TxnError};
use holdfast_lease::{Expiring, due, reschedule, unschedule};
use holdfast_types::{MountId, NamespaceId};

/// How long an entry of a kind that this software does not know is put off, milliseconds.
const UNKNOWN_PUT_OFF_MS: u64 = 3_600_000;

/// Ends up to `limit` tokens that are due at the machine's clock, with everything below them, and goes on with those whose
/// ending had begun. Returns how many entries and tokens it dealt with; 0 means that nothing is due. Safe to run on several
/// nodes: they conflict and the work is done once.
///
/// # Errors
/// When the state cannot be read, or the transaction is too large.
pub fn expire_due(
    txn: &mut Txn,
    namespace: NamespaceId,
    cubbyhole: MountId,
    limit: usize,
) -> Result<usize, TxnError> {
    let now_ms = txn.now_ms();
    let ground = Ground {
        namespace,
        cubbyhole,
    };
    let mut budget = Budget::of(limit);
    let tokens = budget.tokens;
    let mut entries = 0;
    for item in due(txn, namespace, now_ms, tokens)? {
        if budget.tokens == 0 {
            break;
        }
        entries += 1;
        let Expiring::Token { key } = &item.what else {
            let later_ms = now_ms.saturating_add(UNKNOWN_PUT_OFF_MS);
            reschedule(txn, namespace, Some(item.at_ms), Some(later_ms), &item.what)?;
            continue;
        };
        let record = load(txn, namespace, key)?;
        let Some(record) = record.filter(|record| record.due_ms == Some(item.at_ms)) else {
            unschedule(txn, namespace, item.at_ms, &item.what)?;
            continue;
        };
        let cleared = match record.state {
            State::LettingGo => let_go(txn, ground, key, &mut budget)?,
            State::Ending => clear_tree(txn, ground, key, &mut budget)?,
            // It is past its end, so nobody can renew it or make children under it.
            State::Live if !record.lives_at(now_ms) => clear_tree(txn, ground, key, &mut budget)?,
            // Its entry does not stand at its end: nothing that is written here makes such a one.
            State::Live => return Err(TxnError::Corrupt("token")),
        };
        if cleared == Revoked::More {
            break;
        }
    }
    Ok(entries + (tokens - budget.tokens))
}
