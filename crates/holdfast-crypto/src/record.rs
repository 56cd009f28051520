//! Sealing and opening records.
//!
//! ```text
//! header (38) ‖ XChaCha20-Poly1305(length (4, big endian) ‖ plaintext ‖ zeros)
//! associated data = "holdfast/rec/v1" ‖ header[0..14] ‖ cluster (16) ‖ namespace (16) ‖ class (2) ‖ length of key (4) ‖ key
//! ```
//! The key in the associated data is the stored one, so a record opens only where it was written: not under another
//! name, namespace, class or cluster, and not with another term or revision in its header.

use crate::padding::padded_len;
use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{KeyInit, Tag, XChaCha20Poly1305};
use holdfast_memory::SecretKey;
use holdfast_types::limits::{KEY_BYTES_MAX, RECORD_PLAINTEXT_BYTES_MAX};
use holdfast_types::{
    Class, ClusterId, NamespaceId, RECORD_HEADER_LEN, RecordHeader, RecordHeaderError, Suite,
};
use rand_core::CryptoRng;
use zeroize::{Zeroize, Zeroizing};

const DOMAIN: &[u8] = b"holdfast/rec/v1";
/// The header without the nonce, which the cipher binds by itself.
const BOUND_HEADER_LEN: usize = 14;
const LENGTH_LEN: usize = 4;
const TAG_LEN: usize = 16;

/// Where a record lies. It opens nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordContext<'a> {
    /// The cluster.
    pub cluster: ClusterId,
    /// The namespace.
    pub namespace: NamespaceId,
    /// The kind of thing.
    pub class: Class,
    /// The stored key, whole.
    pub key: &'a [u8],
}

/// Why a record could not be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Longer than [`RECORD_PLAINTEXT_BYTES_MAX`].
    #[error("the plaintext is too long for a record")]
    PlaintextTooLong,
    /// Longer than [`KEY_BYTES_MAX`].
    #[error("the record's key is too long")]
    KeyTooLong,
    /// Revisions begin with 1.
    #[error("the record's revision is zero")]
    Revision,
}

/// Why bytes do not open as a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// No header that this version knows.
    #[error(transparent)]
    Header(#[from] RecordHeaderError),
    /// Not sealed with this key for this place: another key, moved, or tampered with.
    #[error("the record does not open under its name")]
    NotAuthentic,
    /// Authentic, but not laid out as this version seals.
    #[error("the record's content is malformed")]
    Malformed,
}

/// Seals a plaintext of at most [`RECORD_PLAINTEXT_BYTES_MAX`] bytes under a namespace's record key.
///
/// `term` names the term that `key` was derived from; `revision` is the record's write counter, 1 for the first.
///
/// # Errors
/// When the plaintext or the context's key is too long, or the revision is zero.
pub fn seal_record<R: CryptoRng>(
    key: &SecretKey,
    context: &RecordContext<'_>,
    term: u32,
    revision: u64,
    plaintext: &[u8],
    rng: &mut R,
) -> Result<Vec<u8>, SealError> {
    if plaintext.len() > RECORD_PLAINTEXT_BYTES_MAX {
        return Err(SealError::PlaintextTooLong);
    }
    if context.key.len() > KEY_BYTES_MAX {
        return Err(SealError::KeyTooLong);
    }
    if revision == 0 {
        return Err(SealError::Revision);
    }
    let mut nonce = [0; 24];
    rng.fill_bytes(&mut nonce);
    let suite = Suite::XChaCha20Poly1305;
    let header = RecordHeader {
        suite,
        term,
        revision,
        nonce,
    }
    .to_bytes();
    let length = u32::try_from(plaintext.len()).map_err(|_| SealError::PlaintextTooLong)?;

    // One buffer from the start, so that the plaintext is encrypted where it was copied to and no growth leaves a trace.
    let inner = padded_len(LENGTH_LEN + plaintext.len());
    let mut record = Vec::with_capacity(RECORD_HEADER_LEN + inner + TAG_LEN);
    record.extend_from_slice(&header);
    record.extend_from_slice(&length.to_be_bytes());
    record.extend_from_slice(plaintext);
    record.resize(RECORD_HEADER_LEN + inner, 0);
    let aad = associated_data(&header, context);
    let cipher = XChaCha20Poly1305::new(key.expose().into());
    let sealed = cipher.encrypt_inout_detached(
        &nonce.into(),
        &aad,
        (&mut record[RECORD_HEADER_LEN..]).into(),
    );
    let Ok(tag) = sealed else {
        record.zeroize();
        return Err(SealError::PlaintextTooLong);
    };
    record.extend_from_slice(&tag);
    Ok(record)
}

/// Opens a record with the key of its namespace and of its header's term.
///
/// # Errors
/// When it is no record, or was not sealed with this key for this place.
pub fn open_record(
    key: &SecretKey,
    context: &RecordContext<'_>,
    record: &[u8],
) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let header = RecordHeader::parse(record)?;
    let body = record
        .get(RECORD_HEADER_LEN..)
        .ok_or(OpenError::Malformed)?;
    let (sealed, tag) = body
        .split_last_chunk::<TAG_LEN>()
        .ok_or(OpenError::Malformed)?;
    let mut plaintext = Zeroizing::new(sealed.to_vec());
    let aad = associated_data(&header.to_bytes(), context);
    XChaCha20Poly1305::new(key.expose().into())
        .decrypt_inout_detached(
            &header.nonce.into(),
            &aad,
            plaintext.as_mut_slice().into(),
            &Tag::from(*tag),
        )
        .map_err(|_| OpenError::NotAuthentic)?;
    strip_padding(&mut plaintext)?;
    Ok(plaintext)
}

/// Removes the length in front and the zeros behind.
fn strip_padding(plaintext: &mut Zeroizing<Vec<u8>>) -> Result<(), OpenError> {
    let (length, _) = plaintext
        .split_first_chunk::<LENGTH_LEN>()
        .ok_or(OpenError::Malformed)?;
    let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| OpenError::Malformed)?;
    if length > RECORD_PLAINTEXT_BYTES_MAX || padded_len(LENGTH_LEN + length) != plaintext.len() {
        return Err(OpenError::Malformed);
    }
    plaintext.copy_within(LENGTH_LEN..LENGTH_LEN + length, 0);
    plaintext.truncate(length);
    Ok(())
}

/// Every part but the last has a fixed length and the last is preceded by its own, so no two inputs give the same bytes.
fn associated_data(header: &[u8; RECORD_HEADER_LEN], context: &RecordContext<'_>) -> Vec<u8> {
    let mut aad = Vec::with_capacity(DOMAIN.len() + 64 + context.key.len());
    aad.extend_from_slice(DOMAIN);
    aad.extend_from_slice(&header[..BOUND_HEADER_LEN]);
    aad.extend_from_slice(&context.cluster.0);
    aad.extend_from_slice(&context.namespace.0);
    aad.extend_from_slice(&(context.class as u16).to_be_bytes());
    // Keys are bounded far below 4 GiB; one that is not gives a length that nothing was sealed with.
    let length = u32::try_from(context.key.len()).unwrap_or(u32::MAX);
    aad.extend_from_slice(&length.to_be_bytes());
    aad.extend_from_slice(context.key);
    aad
}

#[cfg(test)]
mod tests;
