//! The keys behind the root key.
//!
//! Terms seal records, through one derived key for each namespace. Everything else that must outlive a rotation (names, tokens,
//! audit, batch tokens, cursors) has a random key of its own.

use crate::ring_key::{
    KEYRING_BYTES_MAX, KeyringDecodeError, Parts, Term, TermInfo, TermState, Versioned,
};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use holdfast_memory::SecretKey;
use holdfast_types::{NamespaceId, Suite};
use rand_core::CryptoRng;
use sha2::Sha256;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use zeroize::Zeroizing;

const RECORD_LABEL: &[u8] = b"holdfast/v1/ns-rec";
/// Terms kept, retired ones included. A rotation a day fills it in eleven years, and retired ones make room.
const TERMS_MAX: usize = 4096;

/// The key ring of a cluster.
pub struct Keyring {
    parts: Parts,
    /// Record keys already derived, at most one for each term and namespace of the ring.
    derived: RwLock<BTreeMap<(u32, NamespaceId), Arc<SecretKey>>>,
}

/// Why there is no key for a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordKeyError {
    /// The ring has no such term.
    #[error("the key ring has no term {0}")]
    UnknownTerm(u32),
    /// The term's key was erased.
    #[error("the key of term {0} is retired")]
    Retired(u32),
    /// The ring has no such namespace.
    #[error("the key ring has no namespace {0}")]
    UnknownNamespace(NamespaceId),
}

/// Why the ring could not be rotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RotateError {
    /// No room for another term: let re-encryption finish, and retire the emptied ones.
    #[error("the key ring is full of terms that are still in use")]
    Full,
}

/// Why a term could not be retired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RetireError {
    /// The ring has no such term.
    #[error("the key ring has no term {0}")]
    Unknown(u32),
    /// It seals what is written now.
    #[error("term {0} is active")]
    Active(u32),
}

/// Why a namespace could not be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddNamespaceError {
    /// It has a key already; a second one would lose every name under the first.
    #[error("the key ring has the namespace already")]
    Exists,
    /// The ring would outgrow [`KEYRING_BYTES_MAX`].
    #[error("the key ring is full")]
    Full,
}

impl Keyring {
    /// A new cluster's ring: term 1, the root namespace, and one of every other key.
    #[must_use]
    pub fn generate<R: CryptoRng>(rng: &mut R, now_ms: u64) -> Self {
        Self::of(Parts {
            terms: vec![new_term(1, now_ms, rng)],
            names: BTreeMap::from([(NamespaceId::ROOT, random_key(rng))]),
            token: vec![Versioned {
                version: 1,
                key: random_key(rng),
            }],
            batch: vec![Versioned {
                version: 1,
                key: random_key(rng),
            }],
            audit: random_key(rng),
            cursor: random_key(rng),
        })
    }

    const fn of(parts: Parts) -> Self {
        Self {
            parts,
            derived: RwLock::new(BTreeMap::new()),
        }
    }

    /// The stored form, at most [`KEYRING_BYTES_MAX`] long. It goes nowhere but into a wrap.
    #[must_use]
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        self.parts.encode()
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// When it is of another version, or anything in it cannot be.
    pub fn decode(bytes: &[u8]) -> Result<Self, KeyringDecodeError> {
        Parts::decode(bytes).map(Self::of)
    }

    /// The term that seals what is written now.
    #[must_use]
    pub fn active_term(&self) -> u32 {
        self.parts
            .terms
            .last()
            .expect("a ring has an active term")
            .info
            .term
    }

    /// When a term was made, milliseconds since the Unix epoch.
    #[must_use]
    pub fn term_created_ms(&self, term: u32) -> Option<u64> {
        self.terms()
            .find(|known| known.term == term)
            .map(|known| known.created_ms)
    }

    /// Every term, oldest first.
    pub fn terms(&self) -> impl Iterator<Item = TermInfo> {
        self.parts.terms.iter().map(|term| term.info)
    }

    /// The key of a namespace's records under a term: HKDF-Expand(term key, "holdfast/v1/ns-rec" ‖ namespace).
    ///
    /// # Errors
    /// When the ring has no such term or namespace, or the term is retired.
    pub fn record_key(
        &self,
        term: u32,
        namespace: NamespaceId,
    ) -> Result<Arc<SecretKey>, RecordKeyError> {
        let derived = self.derived.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = derived.get(&(term, namespace)) {
            return Ok(Arc::clone(key));
        }
        drop(derived);
        // Checked before deriving, so that what anyone asks for cannot fill memory.
        if !self.parts.names.contains_key(&namespace) {
            return Err(RecordKeyError::UnknownNamespace(namespace));
        }
        let found = self
            .parts
            .terms
            .iter()
            .find(|known| known.info.term == term);
        let found = found.ok_or(RecordKeyError::UnknownTerm(term))?;
        let term_key = found.key.as_ref().ok_or(RecordKeyError::Retired(term))?;
        let key = Arc::new(derive_record_key(term_key, namespace));
        let mut derived = self.derived.write().unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::clone(derived.entry((term, namespace)).or_insert(key)))
    }

    /// Makes a new active term and returns its number. Older ones open what they sealed until they are retired.
    ///
    /// # Errors
    /// When there is no room for another term.
    pub fn rotate<R: CryptoRng>(&mut self, rng: &mut R, now_ms: u64) -> Result<u32, RotateError> {
        let number = self.active_term().checked_add(1).ok_or(RotateError::Full)?;
        if self.parts.terms.len() >= TERMS_MAX {
            let retired = self
                .parts
                .terms
                .iter()
                .position(|term| term.info.state == TermState::Retired);
            self.parts.terms.remove(retired.ok_or(RotateError::Full)?);
        }
        if self.parts.encoded_len_max() + 64 > KEYRING_BYTES_MAX {
            return Err(RotateError::Full);
        }
        for term in &mut self.parts.terms {
            if term.info.state == TermState::Active {
                term.info.state = TermState::DecryptOnly;
            }
        }
        self.parts.terms.push(new_term(number, now_ms, rng));
        Ok(number)
    }

    /// Erases the key of a term under which nothing is sealed any more. What still is can never be opened again.
    ///
    /// # Errors
    /// When the term is unknown or active.
    pub fn retire(&mut self, term: u32) -> Result<(), RetireError> {
        let found = self
            .parts
            .terms
            .iter_mut()
            .find(|known| known.info.term == term);
        let found = found.ok_or(RetireError::Unknown(term))?;
        if found.info.state == TermState::Active {
            return Err(RetireError::Active(term));
        }
        found.info.state = TermState::Retired;
        found.key = None;
        let derived = self
            .derived
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        derived.retain(|(known, _), _| *known != term);
        Ok(())
    }

    /// Gives a namespace its name key.
    ///
    /// # Errors
    /// When it has one, or the ring is full.
    pub fn add_namespace<R: CryptoRng>(
        &mut self,
        namespace: NamespaceId,
        rng: &mut R,
    ) -> Result<(), AddNamespaceError> {
        if self.parts.names.contains_key(&namespace) {
            return Err(AddNamespaceError::Exists);
        }
        if self.parts.encoded_len_max() + 64 > KEYRING_BYTES_MAX {
            return Err(AddNamespaceError::Full);
        }
        self.parts.names.insert(namespace, random_key(rng));
        Ok(())
    }

    /// The name key of every namespace, in order.
    pub fn name_keys(&self) -> impl Iterator<Item = (NamespaceId, &SecretKey)> {
        self.parts
            .names
            .iter()
            .map(|(namespace, key)| (*namespace, key))
    }

    /// HMAC-SHA-256 under the newest token key.
    #[must_use]
    pub fn token_hmac(&self, message: &[u8]) -> [u8; 32] {
        let newest = self.parts.token.last().expect("a ring has a token key");
        let mut mac =
            Hmac::<Sha256>::new_from_slice(newest.key.expose()).expect("HMAC takes any key");
        mac.update(message);
        mac.finalize().into_bytes().into()
    }

    /// The newest key of batch tokens, with its version.
    #[must_use]
    pub fn batch_key(&self) -> (u32, &SecretKey) {
        let newest = self.parts.batch.last().expect("a ring has a batch key");
        (newest.version, &newest.key)
    }

    /// The key that audit salts are wrapped under.
    #[must_use]
    pub const fn audit_key(&self) -> &SecretKey {
        &self.parts.audit
    }

    /// The key that page cursors are sealed under.
    #[must_use]
    pub const fn cursor_key(&self) -> &SecretKey {
        &self.parts.cursor
    }
}

fn derive_record_key(term_key: &SecretKey, namespace: NamespaceId) -> SecretKey {
    SecretKey::fill_with(|key| {
        Hkdf::<Sha256>::from_prk(term_key.expose())
            .expect("a key of 32 bytes is long enough to expand")
            .expand_multi_info(&[RECORD_LABEL, &namespace.0], key)
            .expect("32 bytes are within HKDF's limit");
    })
}

fn new_term<R: CryptoRng>(term: u32, created_ms: u64, rng: &mut R) -> Term {
    let info = TermInfo {
        term,
        suite: Suite::XChaCha20Poly1305,
        state: TermState::Active,
        created_ms,
    };
    Term {
        info,
        key: Some(random_key(rng)),
    }
}

/// Through the stack, since the generator may be the kernel, which cannot write into key pages.
fn random_key<R: CryptoRng>(rng: &mut R) -> SecretKey {
    let mut bytes = [0; 32];
    rng.fill_bytes(&mut bytes);
    SecretKey::from_bytes(&mut bytes)
}

#[cfg(test)]
mod tests;
