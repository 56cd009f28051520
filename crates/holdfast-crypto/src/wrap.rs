//! Wrapping a key or the key ring under another key.
//!
//! ```text
//! format (1) ‖ nonce (24) ‖ commitment (32) ‖ XChaCha20-Poly1305(payload) with its tag
//! commitment (32) ‖ encryption key (32) = HKDF-SHA-256-Expand(key, "holdfast/wrap/v1/keys" ‖ nonce)
//! associated data = "holdfast/wrap/v1" ‖ format ‖ cluster (16) ‖ epoch (4) ‖ length of purpose (4) ‖ purpose
//! ```
//! Poly1305 alone does not bind a ciphertext to one key. The commitment does (the UtC transform), and it tells a wrong key from
//! damage.

use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{KeyInit, Tag, XChaCha20Poly1305};
use hkdf::Hkdf;
use holdfast_memory::SecretKey;
use holdfast_types::ClusterId;
use rand_core::CryptoRng;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

const FORMAT: u8 = 1;
const DOMAIN: &[u8] = b"holdfast/wrap/v1";
const KEYS_LABEL: &[u8] = b"holdfast/wrap/v1/keys";
const NONCE_LEN: usize = 24;
const COMMITMENT_LEN: usize = 32;
const HEADER_LEN: usize = 1 + NONCE_LEN + COMMITMENT_LEN;
const TAG_LEN: usize = 16;

/// What a wrap is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrapContext {
    /// The cluster.
    pub cluster: ClusterId,
    /// Counts what is wrapped, so that an older one is not taken for it.
    pub epoch: u32,
    /// What it is for: a fixed label for each use. One never opens as another.
    pub purpose: &'static str,
}

/// Why a wrap does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnwrapError {
    /// It was made with another key (or its first 57 bytes were changed).
    #[error("it is wrapped under another key")]
    WrongKey,
    /// The key is right; the content was changed, or belongs to another cluster, epoch or purpose.
    #[error("what is wrapped was damaged")]
    Corrupt,
    /// Not a wrap that this version knows.
    #[error("the wrap's format is unknown")]
    Format,
}

/// Wraps a key.
#[must_use]
pub fn wrap_key<R: CryptoRng>(
    key: &SecretKey,
    context: &WrapContext,
    payload: &SecretKey,
    rng: &mut R,
) -> Vec<u8> {
    wrap_bytes(key, context, payload.expose(), rng)
}

/// Opens the wrap of a key.
///
/// # Errors
/// When it was made with another key or for another context, or was changed.
pub fn unwrap_key(
    key: &SecretKey,
    context: &WrapContext,
    wrapped: &[u8],
) -> Result<SecretKey, UnwrapError> {
    let payload = unwrap_bytes(key, context, wrapped)?;
    let bytes: &[u8; 32] = payload
        .as_slice()
        .try_into()
        .map_err(|_| UnwrapError::Corrupt)?;
    Ok(SecretKey::fill_with(|key| key.copy_from_slice(bytes)))
}

/// Wraps some bytes, far fewer than the cipher's limit of 256 GiB.
#[must_use]
pub fn wrap_bytes<R: CryptoRng>(
    key: &SecretKey,
    context: &WrapContext,
    payload: &[u8],
    rng: &mut R,
) -> Vec<u8> {
    let mut nonce = [0; NONCE_LEN];
    rng.fill_bytes(&mut nonce);
    let keys = derive(key, &nonce);
    let mut wrapped = Vec::with_capacity(HEADER_LEN + payload.len() + TAG_LEN);
    wrapped.push(FORMAT);
    wrapped.extend_from_slice(&nonce);
    wrapped.extend_from_slice(&keys.commitment);
    wrapped.extend_from_slice(payload);
    let tag = XChaCha20Poly1305::new(keys.encryption.expose().into())
        .encrypt_inout_detached(
            &nonce.into(),
            &associated_data(context),
            (&mut wrapped[HEADER_LEN..]).into(),
        )
        .expect("a payload in memory is below the cipher's limit");
    wrapped.extend_from_slice(&tag);
    wrapped
}

/// Opens the wrap of some bytes.
///
/// # Errors
/// When it was made with another key or for another context, or was changed.
pub fn unwrap_bytes(
    key: &SecretKey,
    context: &WrapContext,
    wrapped: &[u8],
) -> Result<Zeroizing<Vec<u8>>, UnwrapError> {
    let (format, rest) = wrapped.split_first().ok_or(UnwrapError::Format)?;
    if *format != FORMAT {
        return Err(UnwrapError::Format);
    }
    let (nonce, rest) = rest
        .split_first_chunk::<NONCE_LEN>()
        .ok_or(UnwrapError::Corrupt)?;
    let (commitment, rest) = rest
        .split_first_chunk::<COMMITMENT_LEN>()
        .ok_or(UnwrapError::Corrupt)?;
    let (sealed, tag) = rest
        .split_last_chunk::<TAG_LEN>()
        .ok_or(UnwrapError::Corrupt)?;
    let keys = derive(key, nonce);
    if !bool::from(keys.commitment.ct_eq(commitment)) {
        return Err(UnwrapError::WrongKey);
    }
    let mut payload = Zeroizing::new(sealed.to_vec());
    XChaCha20Poly1305::new(keys.encryption.expose().into())
        .decrypt_inout_detached(
            &(*nonce).into(),
            &associated_data(context),
            payload.as_mut_slice().into(),
            &Tag::from(*tag),
        )
        .map_err(|_| UnwrapError::Corrupt)?;
    Ok(payload)
}

struct WrapKeys {
    commitment: [u8; COMMITMENT_LEN],
    encryption: SecretKey,
}

fn derive(key: &SecretKey, nonce: &[u8; NONCE_LEN]) -> WrapKeys {
    let mut output = Zeroizing::new([0; 64]);
    Hkdf::<Sha256>::from_prk(key.expose())
        .expect("a key of 32 bytes is long enough to expand")
        .expand_multi_info(&[KEYS_LABEL, nonce], &mut *output)
        .expect("64 bytes are within HKDF's limit");
    let mut commitment = [0; COMMITMENT_LEN];
    commitment.copy_from_slice(&output[..COMMITMENT_LEN]);
    let encryption = SecretKey::fill_with(|bytes| bytes.copy_from_slice(&output[COMMITMENT_LEN..]));
    WrapKeys {
        commitment,
        encryption,
    }
}

fn associated_data(context: &WrapContext) -> Vec<u8> {
    let label = context.purpose.as_bytes();
    let mut aad = Vec::with_capacity(DOMAIN.len() + 25 + label.len());
    aad.extend_from_slice(DOMAIN);
    aad.push(FORMAT);
    aad.extend_from_slice(&context.cluster.0);
    aad.extend_from_slice(&context.epoch.to_be_bytes());
    let length = u32::try_from(label.len()).expect("labels are short words of this software");
    aad.extend_from_slice(&length.to_be_bytes());
    aad.extend_from_slice(label);
    aad
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_rng::TestRng;

    fn key(byte: u8) -> SecretKey {
        SecretKey::from_bytes(&mut [byte; 32])
    }

    fn context() -> WrapContext {
        WrapContext {
            cluster: ClusterId([5; 16]),
            epoch: 1,
            purpose: "root key",
        }
    }

    #[test]
    fn a_key_comes_back_under_the_right_key_only() {
        let wrapped = wrap_key(&key(1), &context(), &key(7), &mut TestRng::new(1));
        let opened = unwrap_key(&key(1), &context(), &wrapped).expect("the right key");
        assert!(bool::from(opened.ct_eq(&key(7))));
        assert_eq!(
            unwrap_key(&key(2), &context(), &wrapped).err(),
            Some(UnwrapError::WrongKey)
        );
    }

    #[test]
    fn a_wrap_opens_in_its_own_context_only() {
        let wrapped = wrap_key(&key(1), &context(), &key(7), &mut TestRng::new(1));
        for other in [
            WrapContext {
                cluster: ClusterId([6; 16]),
                ..context()
            },
            WrapContext {
                epoch: 2,
                ..context()
            },
            WrapContext {
                purpose: "key ring",
                ..context()
            },
            WrapContext {
                purpose: "",
                ..context()
            },
        ] {
            let refused = unwrap_key(&key(1), &other, &wrapped).err();
            assert_eq!(refused, Some(UnwrapError::Corrupt));
        }
    }

    #[test]
    fn any_changed_byte_and_any_cut_is_noticed() {
        let wrapped = wrap_bytes(&key(1), &context(), b"ring", &mut TestRng::new(1));
        assert_eq!(
            unwrap_bytes(&key(1), &context(), &wrapped)
                .unwrap()
                .as_slice(),
            b"ring"
        );
        for at in 0..wrapped.len() {
            let mut changed = wrapped.clone();
            changed[at] ^= 0x10;
            let expected = match at {
                0 => UnwrapError::Format,
                1..HEADER_LEN => UnwrapError::WrongKey,
                _ => UnwrapError::Corrupt,
            };
            assert_eq!(
                unwrap_bytes(&key(1), &context(), &changed),
                Err(expected),
                "byte {at}"
            );
            assert!(unwrap_bytes(&key(1), &context(), &wrapped[..at]).is_err());
        }
    }

    #[test]
    fn a_payload_of_another_length_is_no_key() {
        let wrapped = wrap_bytes(&key(1), &context(), &[1; 31], &mut TestRng::new(1));
        assert_eq!(
            unwrap_key(&key(1), &context(), &wrapped).err(),
            Some(UnwrapError::Corrupt)
        );
    }
}
