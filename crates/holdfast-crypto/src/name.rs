//! Names under seal: AES-SIV (RFC 5297) for each segment under its parent, so that equal names under one parent are found
//! again, and a stolen disk shows no name.
//!
//! The associated data of a segment is the synthetic IV of its parent; that of a first segment is its namespace and class.
//! Segments are padded to 16-byte steps. What still shows: depth, fan-out, and lengths in steps of 16.

use crate::codec::Parts;
use aes_siv::KeyInit;
use aes_siv::siv::Aes256Siv;
use hkdf::Hkdf;
use holdfast_memory::SecretKey;
use holdfast_types::{Class, NamespaceId};
use sha2::Sha256;
use zeroize::Zeroizing;

const STEP: usize = 16;
/// Ends the text inside its padding (ISO/IEC 7816-4).
const END: u8 = 0x80;

/// Seals and opens the segments of names in one namespace.
pub struct NameCipher {
    /// Two 256-bit keys, as RFC 5297 wants them for AES-256.
    mac_half: SecretKey,
    cipher_half: SecretKey,
}

/// What ties a segment to its parent.
#[derive(Clone)]
pub struct ParentIv(Vec<u8>);

/// A sealed segment that does not open under its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the sealed name is not authentic here")]
pub struct NameError;

impl NameCipher {
    /// A cipher under a namespace's name key.
    ///
    /// # Panics
    /// Never: 64 bytes are within HKDF's limit.
    #[must_use]
    pub fn new(key: &SecretKey) -> Self {
        let hkdf = Hkdf::<Sha256>::new(None, key.expose());
        let half = |label: &[u8]| {
            let mut bytes = Zeroizing::new([0; 32]);
            hkdf.expand(label, bytes.as_mut())
                .expect("32 bytes are within HKDF's limit");
            SecretKey::from_bytes(&mut bytes)
        };
        Self {
            mac_half: half(b"holdfast/v1/name-mac"),
            cipher_half: half(b"holdfast/v1/name-cipher"),
        }
    }

    /// The parent of a first segment.
    #[must_use]
    pub fn root(&self, namespace: NamespaceId, class: Class) -> ParentIv {
        let parts = Parts::new("holdfast/name/v1")
            .part(&namespace.0)
            .part(&(class as u16).to_be_bytes());
        ParentIv(parts.bytes().to_vec())
    }

    /// Seals one segment; gives also what its own children are tied to.
    ///
    /// # Panics
    /// Never: one header is within the cipher's limit.
    #[must_use]
    pub fn seal_segment(&self, parent: &ParentIv, segment: &[u8]) -> (Vec<u8>, ParentIv) {
        let mut padded = Zeroizing::new(Vec::with_capacity(segment.len() + STEP));
        padded.extend_from_slice(segment);
        padded.push(END);
        let steps = padded.len().next_multiple_of(STEP);
        padded.resize(steps, 0);
        let sealed = self
            .cipher()
            .encrypt([&parent.0], &padded)
            .expect("one header is within the cipher's limit");
        let iv = ParentIv(sealed.get(..STEP).unwrap_or_default().to_vec());
        (sealed, iv)
    }

    /// Opens one segment under its parent.
    ///
    /// # Errors
    /// When it was sealed under another key or parent, or changed.
    pub fn open_segment(
        &self,
        parent: &ParentIv,
        sealed: &[u8],
    ) -> Result<(Zeroizing<Vec<u8>>, ParentIv), NameError> {
        let padded = self
            .cipher()
            .decrypt([&parent.0], sealed)
            .map_err(|_| NameError)?;
        let mut padded = Zeroizing::new(padded);
        let end = padded
            .iter()
            .rposition(|byte| *byte != 0)
            .ok_or(NameError)?;
        if padded.get(end) != Some(&END) {
            return Err(NameError);
        }
        padded.truncate(end);
        let iv = ParentIv(sealed.get(..STEP).ok_or(NameError)?.to_vec());
        Ok((padded, iv))
    }

    fn cipher(&self) -> Aes256Siv {
        let mut key = Zeroizing::new([0; 64]);
        key[..32].copy_from_slice(self.mac_half.expose());
        key[32..].copy_from_slice(self.cipher_half.expose());
        Aes256Siv::new((&*key).into())
    }
}
