//! Where policies are kept: their text, under their name. The rules are read from the text when a record is opened, and
//! stay with the decoded value in the barrier's cache, so the text is the only form on disk.

use super::builtin::DEFAULT_POLICY;
use super::grammar::{Policy, parse};
use super::name::PolicyName;
use holdfast_barrier::{Name, Stored, Txn, TxnError};
use holdfast_types::{Class, NamespaceId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A policy as it is kept.
#[derive(Serialize, Deserialize)]
pub struct StoredPolicy {
    /// As it was written, HCL or JSON.
    pub text: String,
    /// Counts writes, from 1.
    pub version: u64,
    /// When it was last written, milliseconds since the Unix epoch.
    pub modified_ms: u64,
    /// What the text says. `None` when this software cannot read it: then it can be shown and replaced, and nobody who
    /// holds it gets in.
    #[serde(skip)]
    policy: Option<Arc<Policy>>,
}

impl Stored for StoredPolicy {
    const VERSION: u8 = 1;

    fn decode(version: u8, bytes: &[u8]) -> Option<Self> {
        if version != Self::VERSION {
            return None;
        }
        let mut stored: Self = postcard::from_bytes(bytes).ok()?;
        stored.policy = parse(&stored.text).ok().map(Arc::new);
        Some(stored)
    }
}

impl StoredPolicy {
    /// What the text says; `None` when this software cannot read it.
    #[must_use]
    pub const fn policy(&self) -> Option<&Arc<Policy>> {
        self.policy.as_ref()
    }
}

fn name_of(namespace: NamespaceId, name: &PolicyName) -> Name {
    Name::new(namespace, Class::Policy).with(name.as_str())
}

/// The policy of a name. `root` is never stored.
///
/// # Errors
/// When the disk fails or the record does not open.
pub fn load(
    txn: &mut Txn,
    namespace: NamespaceId,
    name: &PolicyName,
) -> Result<Option<Arc<StoredPolicy>>, TxnError> {
    txn.load(&name_of(namespace, name))
}

/// Creates or replaces a policy with a text that [`parse`] accepted.
///
/// # Errors
/// When the transaction is too large, or the disk fails.
pub fn store(
    txn: &mut Txn,
    namespace: NamespaceId,
    name: &PolicyName,
    text: &str,
) -> Result<(), TxnError> {
    let version = load(txn, namespace, name)?.map_or(0, |stored| stored.version) + 1;
    let modified_ms = txn.stamp_ms();
    let stored = StoredPolicy {
        text: text.to_owned(),
        version,
        modified_ms,
        policy: None,
    };
    txn.store(&name_of(namespace, name), &stored)
}

/// Removes a policy; does nothing when it is absent.
///
/// # Errors
/// As [`store`].
pub fn delete(txn: &mut Txn, namespace: NamespaceId, name: &PolicyName) -> Result<(), TxnError> {
    txn.delete(&name_of(namespace, name))
}

/// Names of all policies, sorted, `root` included. Sees committed policies only.
///
/// # Errors
/// When the disk fails, or there are too many to list.
pub fn list(txn: &mut Txn, namespace: NamespaceId) -> Result<Vec<String>, TxnError> {
    let stored = txn.list(&Name::new(namespace, Class::Policy))?;
    let mut names: Vec<String> = stored.into_iter().map(|child| child.segment).collect();
    names.push(PolicyName::root().to_string());
    names.sort_unstable();
    Ok(names)
}

/// Writes the `default` policy as the product brings it.
///
/// # Errors
/// As [`store`].
pub(crate) fn write_default(txn: &mut Txn, namespace: NamespaceId) -> Result<(), TxnError> {
    store(
        txn,
        namespace,
        &PolicyName::default_policy(),
        DEFAULT_POLICY,
    )
}
