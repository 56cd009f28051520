//! Plain names to stored keys and back.
//!
//! ```text
//! 1 ‖ namespace (16) ‖ class (2) ‖ [order (8), ordered classes only] ‖ (length (2) ‖ sealed segment)*
//! ```
//! The length makes a key's segments self-delimiting: the keys below a name are exactly those that begin with its key.

use crate::name::Name;
use crate::txn::TxnError;
use holdfast_crypto::{NameCipher, ParentIv};
use holdfast_machine::{Key, Space};
use holdfast_mutant::Mutant;
use holdfast_types::limits::KEY_BYTES_MAX;
use holdfast_types::{Class, NamespaceId};

const CLASS_END: usize = 1 + 16 + 2;

/// A stored key under construction, with what is needed to seal or open the next segment.
pub(crate) struct KeyPath {
    pub(crate) key: Key,
    pub(crate) iv: ParentIv,
}

/// The prefix of everything in a class of a namespace.
pub(crate) fn class_prefix(namespace: NamespaceId, class: Class) -> Key {
    let mut key = Vec::with_capacity(128);
    key.push(Space::Record as u8);
    key.extend_from_slice(&namespace.0);
    key.extend_from_slice(&(class as u16).to_be_bytes());
    key
}

/// Where the segments begin in a key of this class.
pub(crate) const fn segments_start(class: Class) -> usize {
    if class.is_ordered() {
        CLASS_END + 8
    } else {
        CLASS_END
    }
}

/// Seals a name.
pub(crate) fn seal_name(cipher: &NameCipher, name: &Name) -> Result<KeyPath, TxnError> {
    let mut path = KeyPath {
        key: class_prefix(name.namespace, name.class),
        iv: cipher.root(name.namespace, name.class),
    };
    if name.class.is_ordered() {
        path.key.extend_from_slice(&name.order.to_be_bytes());
    }
    for segment in &name.segments {
        let (mut sealed, iv) = cipher.seal_segment(&path.iv, segment.as_bytes());
        if Mutant::NameInClear.lives() {
            sealed = segment.as_bytes().to_vec();
        }
        let length = u16::try_from(sealed.len()).map_err(|_| TxnError::TooLarge("name"))?;
        path.key.extend_from_slice(&length.to_be_bytes());
        path.key.extend_from_slice(&sealed);
        path.iv = iv;
    }
    if path.key.len() > KEY_BYTES_MAX {
        return Err(TxnError::TooLarge("name"));
    }
    Ok(path)
}

/// The sealed segment at `start` and where the next one begins.
pub(crate) fn segment_at(key: &[u8], start: usize) -> Result<(&[u8], usize), TxnError> {
    let body = start.checked_add(2).ok_or(TxnError::Corrupt("key"))?;
    let length = key.get(start..body).ok_or(TxnError::Corrupt("key"))?;
    let end = body + usize::from(u16::from_be_bytes([length[0], length[1]]));
    let sealed = key.get(body..end).ok_or(TxnError::Corrupt("key"))?;
    Ok((sealed, end))
}

/// Opens one sealed segment under its parent.
pub(crate) fn open_segment(
    cipher: &NameCipher,
    parent: &ParentIv,
    sealed: &[u8],
) -> Result<(String, ParentIv), TxnError> {
    if Mutant::NameInClear.lives() {
        let (_, iv) = cipher.seal_segment(parent, sealed);
        return Ok((String::from_utf8_lossy(sealed).into_owned(), iv));
    }
    let (plain, iv) = cipher
        .open_segment(parent, sealed)
        .map_err(|_| TxnError::Corrupt("key"))?;
    let text = std::str::from_utf8(&plain).map_err(|_| TxnError::Corrupt("key"))?;
    Ok((text.to_owned(), iv))
}

/// The first key after everything that begins with `prefix`.
pub(crate) fn after_prefix(prefix: &[u8]) -> Key {
    let mut key = prefix.to_vec();
    while let Some(last) = key.last_mut() {
        if *last < u8::MAX {
            *last += 1;
            return key;
        }
        key.pop();
    }
    key
}
