//! Wrapping keys under keys, with key commitment: an attacker who chooses keys cannot make one wrap open under two, and a
//! wrong key is told from damaged bytes (the UtC transform of Bellare and Hoang, 2022).
//!
//! ```text
//! nonce (24) ‖ commitment (32) ‖ ciphertext ‖ tag (16)
//! ```

use crate::codec::Parts;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use holdfast_memory::SecretKey;
use holdfast_types::ClusterId;
use rand_core::CryptoRng;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// What a wrap is for; bound to it.
#[derive(Clone, Copy, Debug)]
pub struct WrapContext {
    /// One fixed label for each use.
    pub purpose: &'static str,
    /// The cluster.
    pub cluster: ClusterId,
    /// Counts the wrapping key's generations.
    pub epoch: u32,
}

/// Why a wrap does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnwrapError {
    /// It was wrapped under another key.
    #[error("the key is not the one it was wrapped under")]
    WrongKey,
    /// The key is right; the bytes or what they are bound to changed.
    #[error("the wrapped bytes are damaged or belong elsewhere")]
    Damaged,
}

const NONCE: usize = 24;
const COMMITMENT: usize = 32;

/// The key that seals and the commitment to the wrapping key, both bound to the nonce.
fn derive(key: &SecretKey, nonce: &[u8; NONCE]) -> (SecretKey, [u8; COMMITMENT]) {
    let hkdf = Hkdf::<Sha256>::new(Some(nonce), key.expose());
    let mut commitment = [0; COMMITMENT];
    hkdf.expand(b"holdfast/v1/wrap-commit", &mut commitment)
        .expect("32 bytes are within HKDF's limit");
    let mut sealing = Zeroizing::new([0; 32]);
    hkdf.expand(b"holdfast/v1/wrap-key", sealing.as_mut())
        .expect("32 bytes are within HKDF's limit");
    (SecretKey::from_bytes(&mut sealing), commitment)
}

fn associated(context: &WrapContext) -> Parts {
    Parts::new("holdfast/wrap/v1")
        .part(context.purpose.as_bytes())
        .part(&context.cluster.0)
        .part(&context.epoch.to_be_bytes())
}

/// Wraps bytes under a key.
///
/// # Panics
/// Never: the payloads are far below the cipher's limit.
pub fn wrap_bytes(
    key: &SecretKey,
    context: &WrapContext,
    plaintext: &[u8],
    rng: &mut impl CryptoRng,
) -> Vec<u8> {
    let mut nonce = [0; NONCE];
    rng.fill_bytes(&mut nonce);
    let (sealing, commitment) = derive(key, &nonce);
    let payload_aad = associated(context);
    let payload = Payload {
        msg: plaintext,
        aad: payload_aad.bytes(),
    };
    let cipher = XChaCha20Poly1305::new(sealing.expose().into());
    let sealed = cipher
        .encrypt(&XNonce::from(nonce), payload)
        .expect("wrapped payloads are far below 256 GiB");
    [nonce.as_slice(), &commitment, &sealed].concat()
}

/// Opens wrapped bytes.
///
/// # Errors
/// [`UnwrapError::WrongKey`] or [`UnwrapError::Damaged`].
pub fn unwrap_bytes(
    key: &SecretKey,
    context: &WrapContext,
    wrapped: &[u8],
) -> Result<Zeroizing<Vec<u8>>, UnwrapError> {
    let (nonce, rest) = wrapped
        .split_first_chunk::<NONCE>()
        .ok_or(UnwrapError::Damaged)?;
    let (commitment, sealed) = rest
        .split_first_chunk::<COMMITMENT>()
        .ok_or(UnwrapError::Damaged)?;
    let (sealing, expected) = derive(key, nonce);
    if !bool::from(expected.ct_eq(commitment)) {
        return Err(UnwrapError::WrongKey);
    }
    let aad = associated(context);
    let payload = Payload {
        msg: sealed,
        aad: aad.bytes(),
    };
    let cipher = XChaCha20Poly1305::new(sealing.expose().into());
    cipher
        .decrypt(&XNonce::from(*nonce), payload)
        .map(Zeroizing::new)
        .map_err(|_| UnwrapError::Damaged)
}

/// Wraps a key under a key.
pub fn wrap_key(
    key: &SecretKey,
    context: &WrapContext,
    inner: &SecretKey,
    rng: &mut impl CryptoRng,
) -> Vec<u8> {
    wrap_bytes(key, context, inner.expose(), rng)
}

/// Opens a wrapped key.
///
/// # Errors
/// As [`unwrap_bytes`]; [`UnwrapError::Damaged`] also when the payload is no key.
pub fn unwrap_key(
    key: &SecretKey,
    context: &WrapContext,
    wrapped: &[u8],
) -> Result<SecretKey, UnwrapError> {
    let plain = unwrap_bytes(key, context, wrapped)?;
    let mut bytes =
        Zeroizing::new(<[u8; 32]>::try_from(plain.as_slice()).map_err(|_| UnwrapError::Damaged)?);
    Ok(SecretKey::from_bytes(&mut bytes))
}
