//! Ending tokens.
//!
//! Ending is one mark: from the commit of a mark on, the token and everything below it are dead on every node that has seen
//! it, because whoever judges a token looks at all its ancestors. Clearing the records takes as many transactions as the
//! tree needs. An entry in the expiry index at the moment of the mark makes the leader go on with it, whatever crashes.
//!
//! Records are cleared from the leaves up, so that what is left always hangs together.

use super::keys::{accessor_name, child_name, children_name, cubbyhole_name, load, token_name};
use super::record::{State, TokenRecord};
use holdfast_barrier::{Txn, TxnError};
use holdfast_lease::{Expiring, reschedule, unschedule};
use holdfast_types::limits::{REVOKED_AT_ONCE_MAX, REVOKED_SECRETS_AT_ONCE_MAX, TOKEN_DEPTH_MAX};
use holdfast_types::{MountId, NamespaceId};
use std::sync::Arc;

/// How far an ending has come. The token is dead either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// Everything is cleared.
    Done,
    /// Records are left for the next transaction.
    More,
}

/// What one transaction may still do.
pub(crate) struct Budget {
    /// Tokens to clear.
    pub(crate) tokens: usize,
    /// Records of their own secrets to delete.
    pub(crate) secrets: usize,
}

impl Budget {
    pub(crate) fn of(tokens: usize) -> Self {
        Self {
            tokens: tokens.min(REVOKED_AT_ONCE_MAX),
            secrets: REVOKED_SECRETS_AT_ONCE_MAX,
        }
    }
}

/// Where tokens lie.
#[derive(Clone, Copy)]
pub(crate) struct Ground {
    pub(crate) namespace: NamespaceId,
    /// The mount in which tokens keep their own secrets.
    pub(crate) cubbyhole: MountId,
}

/// Ends a token with everything below it, and clears as many records as fit: all of them in the usual case. Does nothing when
/// there is no such token.
///
/// # Errors
/// When the state cannot be read, or the transaction is too large.
pub fn revoke(
    txn: &mut Txn,
    namespace: NamespaceId,
    cubbyhole: MountId,
    key: &str,
) -> Result<Revoked, TxnError> {
    let Some(record) = load(txn, namespace, key)? else {
        return Ok(Revoked::Done);
    };
    mark(txn, namespace, key, &record, State::Ending)?;
    revoke_step(txn, namespace, cubbyhole, key, REVOKED_AT_ONCE_MAX)
}

/// Clears up to `limit` tokens of a tree whose root is dead, leaves first. May be repeated.
///
/// # Errors
/// As [`revoke`].
pub fn revoke_step(
    txn: &mut Txn,
    namespace: NamespaceId,
    cubbyhole: MountId,
    key: &str,
    limit: usize,
) -> Result<Revoked, TxnError> {
    clear_tree(
        txn,
        Ground {
            namespace,
            cubbyhole,
        },
        key,
        &mut Budget::of(limit),
    )
}

/// Ends a token alone; its children live on as orphans.
///
/// # Errors
/// As [`revoke`].
pub fn revoke_orphan(
    txn: &mut Txn,
    namespace: NamespaceId,
    cubbyhole: MountId,
    key: &str,
) -> Result<Revoked, TxnError> {
    let Some(record) = load(txn, namespace, key)? else {
        return Ok(Revoked::Done);
    };
    // Out of its own parent's tree first: ending that must not reach what is let go here.
    let mut alone = (*record).clone();
    if let Some(parent) = alone.parent.take() {
        txn.delete(&child_name(namespace, &parent, key))?;
    }
    mark(txn, namespace, key, &alone, State::LettingGo)?;
    let ground = Ground {
        namespace,
        cubbyhole,
    };
    let_go(txn, ground, key, &mut Budget::of(REVOKED_AT_ONCE_MAX))
}

fn mark(
    txn: &mut Txn,
    namespace: NamespaceId,
    key: &str,
    record: &TokenRecord,
    state: State,
) -> Result<(), TxnError> {
    let mut record = record.clone();
    let now_ms = txn.now_ms();
    let what = Expiring::Token {
        key: key.to_owned(),
    };
    reschedule(txn, namespace, record.due_ms, Some(now_ms), &what)?;
    record.due_ms = Some(now_ms);
    record.state = state;
    txn.store(&token_name(namespace, key), &record)
}

/// Makes orphans of a token's children, then clears its own records.
pub(crate) fn let_go(
    txn: &mut Txn,
    ground: Ground,
    key: &str,
    budget: &mut Budget,
) -> Result<Revoked, TxnError> {
    let children = txn.some_below(&children_name(ground.namespace, key), budget.tokens + 1)?;
    for child in &children {
        if budget.tokens == 0 {
            return Ok(Revoked::More);
        }
        budget.tokens -= 1;
        if let Some(record) = load(txn, ground.namespace, child)? {
            let orphan = TokenRecord {
                parent: None,
                ..(*record).clone()
            };
            txn.store(&token_name(ground.namespace, child), &orphan)?;
        }
        txn.delete(&child_name(ground.namespace, key, child))?;
    }
    clear_one(txn, ground, key, None, budget)
}

/// A token on the way from the root of a tree to a leaf.
struct Step {
    key: String,
    /// The token above it in the tree; `None` for the root.
    parent: Option<String>,
    children: std::vec::IntoIter<String>,
    /// There are more children than this transaction can clear.
    more: bool,
}

/// Clears a tree from its leaves up, as far as the budget goes.
pub(crate) fn clear_tree(
    txn: &mut Txn,
    ground: Ground,
    root: &str,
    budget: &mut Budget,
) -> Result<Revoked, TxnError> {
    let mut way = vec![enter(txn, ground, root.to_owned(), None, budget)?];
    while let Some(step) = way.last_mut() {
        if budget.tokens == 0 {
            return Ok(Revoked::More);
        }
        if let Some(child) = step.children.next() {
            let parent = step.key.clone();
            let next = enter(txn, ground, child, Some(parent), budget)?;
            way.push(next);
            // Nobody makes a longer line of ancestors; an endless one must not hold the leader.
            if way.len() > usize::from(TOKEN_DEPTH_MAX) + 2 {
                return Err(TxnError::Corrupt("token"));
            }
            continue;
        }
        if step.more
            || clear_one(txn, ground, &step.key, step.parent.as_deref(), budget)? == Revoked::More
        {
            return Ok(Revoked::More);
        }
        way.pop();
    }
    Ok(Revoked::Done)
}

fn enter(
    txn: &mut Txn,
    ground: Ground,
    key: String,
    parent: Option<String>,
    budget: &Budget,
) -> Result<Step, TxnError> {
    let limit = budget.tokens + 1;
    let children = txn.some_below(&children_name(ground.namespace, &key), limit)?;
    let more = children.len() == limit;
    Ok(Step {
        key,
        parent,
        children: children.into_iter(),
        more,
    })
}

/// Clears everything that is kept of one token.
fn clear_one(
    txn: &mut Txn,
    ground: Ground,
    key: &str,
    parent: Option<&str>,
    budget: &mut Budget,
) -> Result<Revoked, TxnError> {
    let secrets = cubbyhole_name(ground.namespace, ground.cubbyhole, key);
    let deleted = if budget.secrets == 0 {
        0
    } else {
        txn.delete_below(&secrets, budget.secrets)?
    };
    if deleted == budget.secrets {
        budget.secrets = 0;
        return Ok(Revoked::More);
    }
    budget.secrets -= deleted;
    budget.tokens = budget.tokens.saturating_sub(1);
    let record: Option<Arc<TokenRecord>> = load(txn, ground.namespace, key)?;
    if let Some(record) = &record {
        if let Some(due_ms) = record.due_ms {
            let what = Expiring::Token {
                key: key.to_owned(),
            };
            unschedule(txn, ground.namespace, due_ms, &what)?;
        }
        txn.delete(&accessor_name(ground.namespace, &record.accessor))?;
        txn.delete(&token_name(ground.namespace, key))?;
    }
    let parent = parent.or_else(|| record.as_ref().and_then(|record| record.parent.as_deref()));
    if let Some(parent) = parent {
        txn.delete(&child_name(ground.namespace, parent, key))?;
    }
    Ok(Revoked::Done)
}
