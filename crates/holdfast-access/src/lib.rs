//! Who may: policies and tokens.
//!
//! # Caller contract
//! 1. [`authenticate`] comes first in every evaluation: it judges the token and all its ancestors at the transaction's own
//!    position, so that a token is dead on every node that has seen its revocation. It takes one use of a token whose uses are
//!    counted; commit what it wrote before any effect outside the transaction.
//! 2. Ask [`acl_of`] for the caller's rights, and [`Acl::check`] with the whole path and everything that came in: body and
//!    query alike.
//! 3. The leader calls [`expire_due`] again and again, until it says that nothing was left to do.
//! 4. The mount of a [`TOKEN_ROUTES`] call carries the id of the cubbyhole's mount: what a token keeps there ends with it.

mod acl;
#[cfg(test)]
mod fixture;
mod policy;
mod routes;
mod token;

pub use acl::{Acl, Decision, acl_of};
pub use policy::{
    Capability, CapabilitySet, Inputs, Pattern, Policy, PolicyError, PolicyName, Rule,
    StoredPolicy, parse as parse_policy,
};
pub use routes::{POLICY_ROUTES, TOKEN_ROUTES};
pub use token::{
    Alive, Asked, Bounds, ChildPolicies, Created, Expiry, Lifetime, NewToken, Revoked, State,
    TokenRecord, authenticate, child_policies, create as create_token, create_root_token,
    create_root_token_as, expire_due, judge, renew as renew_token, revoke as revoke_token,
    revoke_orphan as revoke_token_alone, revoke_step as revoke_token_step, token_key,
};

/// Reading and writing policies in a transaction.
pub mod policies {
    pub use crate::policy::{delete, list, load, store};
}

/// Writes the `default` policy as the product brings it: part of a cluster's first records.
///
/// # Errors
/// When the transaction is too large, or the disk fails.
pub fn write_default_policy(
    txn: &mut holdfast_barrier::Txn,
    namespace: holdfast_types::NamespaceId,
) -> Result<(), holdfast_barrier::TxnError> {
    policy::write_default(txn, namespace)
}
