//! Sealing and opening records; the layout is [`RecordHeader`]'s.
//!
//! The associated data binds the header, the cluster, the namespace, the class and the stored key: a record cannot be moved
//! to another place, relabelled with another revision, or read as another kind of thing.

use crate::codec::Parts;
use crate::padding;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use holdfast_memory::SecretKey;
use holdfast_types::limits::RECORD_PLAINTEXT_BYTES_MAX;
use holdfast_types::{
    Class, ClusterId, NamespaceId, RECORD_HEADER_LEN, RecordHeader, RecordHeaderError, Suite,
};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

/// Where a record stands.
#[derive(Clone, Copy, Debug)]
pub struct RecordContext<'a> {
    /// The cluster.
    pub cluster: ClusterId,
    /// The namespace.
    pub namespace: NamespaceId,
    /// What kind of thing it is.
    pub class: Class,
    /// The stored (sealed) key.
    pub key: &'a [u8],
}

/// Why a record was not sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Over 1 MiB.
    #[error("the value is larger than a record may be")]
    TooLarge,
    /// Revision 0 stands for an absent record.
    #[error("a record's revision begins at 1")]
    Revision,
}

/// Why a record does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Its header is not one.
    #[error(transparent)]
    Header(#[from] RecordHeaderError),
    /// Another key, another place, or changed bytes.
    #[error("the record is not authentic here")]
    Authentic,
    /// Authentic, with padding that cannot be: a fault of whoever sealed it.
    #[error("the record's padding cannot be")]
    Padding,
}

fn associated(head: &[u8; RECORD_HEADER_LEN], context: &RecordContext<'_>) -> Parts {
    Parts::new("holdfast/rec/v1")
        .part(&head[..14])
        .part(&context.cluster.0)
        .part(&context.namespace.0)
        .part(&(context.class as u16).to_be_bytes())
        .part(context.key)
}

/// Seals a plaintext for one place and revision.
///
/// # Errors
/// When the plaintext is over [`RECORD_PLAINTEXT_BYTES_MAX`] or the revision is 0.
pub fn seal_record(
    key: &SecretKey,
    context: &RecordContext<'_>,
    term: u32,
    revision: u64,
    plaintext: &[u8],
    rng: &mut impl CryptoRng,
) -> Result<Vec<u8>, SealError> {
    if plaintext.len() > RECORD_PLAINTEXT_BYTES_MAX {
        return Err(SealError::TooLarge);
    }
    if revision == 0 {
        return Err(SealError::Revision);
    }
    let mut nonce = [0; 24];
    rng.fill_bytes(&mut nonce);
    let head = RecordHeader {
        suite: Suite::XChaCha20Poly1305,
        term,
        revision,
        nonce,
    }
    .to_bytes();
    let padded = padding::pad(plaintext).ok_or(SealError::TooLarge)?;
    let associated = associated(&head, context);
    let payload = Payload {
        msg: &padded,
        aad: associated.bytes(),
    };
    let sealed = cipher(key)
        .encrypt(&XNonce::from(nonce), payload)
        .map_err(|_| SealError::TooLarge)?;
    Ok([head.as_slice(), &sealed].concat())
}

/// Opens a record at its place.
///
/// # Errors
/// When it is malformed or not authentic under this key at this place.
pub fn open_record(
    key: &SecretKey,
    context: &RecordContext<'_>,
    record: &[u8],
) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let header = RecordHeader::parse(record)?;
    let (head, sealed) = record
        .split_first_chunk::<RECORD_HEADER_LEN>()
        .ok_or(RecordHeaderError::Truncated)?;
    let associated = associated(head, context);
    let payload = Payload {
        msg: sealed,
        aad: associated.bytes(),
    };
    let padded = cipher(key)
        .decrypt(&XNonce::from(header.nonce), payload)
        .map_err(|_| OpenError::Authentic)?;
    padding::unpad(Zeroizing::new(padded)).ok_or(OpenError::Padding)
}

fn cipher(key: &SecretKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.expose().into())
}
