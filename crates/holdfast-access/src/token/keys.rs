//! Where the records of tokens lie.

use super::record::{AccessorRecord, TokenRecord};
use holdfast_barrier::{Name, Txn, TxnError};
use holdfast_types::{Class, MountId, NamespaceId};
use std::fmt::Write as _;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The keyed hash of a token, hexadecimal: all that is ever kept of it.
#[must_use]
pub fn token_key(txn: &Txn, token: &str) -> String {
    let message = Zeroizing::new([b"token\0", token.as_bytes()].concat());
    let digest = txn.token_hmac(&message);
    let mut text = String::with_capacity(64);
    for byte in digest {
        let _infallible = write!(text, "{byte:02x}");
    }
    text
}

pub(crate) fn token_name(namespace: NamespaceId, key: &str) -> Name {
    Name::new(namespace, Class::Token).with(key)
}

/// The accessor itself is the name: names are sealed, and a listing of accessors opens no record.
pub(crate) fn accessor_name(namespace: NamespaceId, accessor: &str) -> Name {
    Name::new(namespace, Class::Accessor).with(accessor)
}

pub(crate) fn children_name(namespace: NamespaceId, parent: &str) -> Name {
    Name::new(namespace, Class::TokenChild).with(parent)
}

pub(crate) fn child_name(namespace: NamespaceId, parent: &str, child: &str) -> Name {
    children_name(namespace, parent).with(child)
}

/// Everything that a token keeps in the cubbyhole.
pub(crate) fn cubbyhole_name(namespace: NamespaceId, mount: MountId, key: &str) -> Name {
    Name::new(namespace, Class::Engine)
        .with(mount.to_string())
        .with(key)
}

pub(crate) fn load(
    txn: &mut Txn,
    namespace: NamespaceId,
    key: &str,
) -> Result<Option<Arc<TokenRecord>>, TxnError> {
    txn.load(&token_name(namespace, key))
}

/// The keyed hash of the token that an accessor names.
pub(crate) fn by_accessor(
    txn: &mut Txn,
    namespace: NamespaceId,
    accessor: &str,
) -> Result<Option<String>, TxnError> {
    let found = txn.load::<AccessorRecord>(&accessor_name(namespace, accessor))?;
    Ok(found.map(|record| record.token_key.clone()))
}

/// All accessors, sorted. Sees committed ones only.
pub(crate) fn accessors(txn: &mut Txn, namespace: NamespaceId) -> Result<Vec<String>, TxnError> {
    let all = txn.list(&Name::new(namespace, Class::Accessor))?;
    Ok(all.into_iter().map(|child| child.segment).collect())
}
