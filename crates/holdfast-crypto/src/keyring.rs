//! The key ring: the terms' keys, and the keys that outlive terms.
//!
//! Its bytes (wrapped under the root key before they are stored): version, then each list with its count in front. Read
//! strictly: anything unknown, missing or left over is refused.

use crate::codec::Reader;
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use holdfast_memory::SecretKey;
use holdfast_types::{NamespaceId, Suite};
use rand_core::CryptoRng;
use sha2::Sha256;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use zeroize::Zeroizing;

const VERSION: u8 = 1;
/// Largest encoding.
const BYTES_MAX: usize = 1024 * 1024;
/// Most derived record keys kept.
const DERIVED_MAX: usize = 4_096;

/// What a term's key may still do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum TermState {
    /// Seals and opens.
    Active = 1,
    /// Opens only.
    OpenOnly = 2,
}

/// Why a key ring does not decode, or lacks a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// Not a key ring of this version.
    #[error("the key ring does not decode")]
    Form,
    /// No key of this term.
    #[error("the key ring has no key of this term")]
    Term,
}

struct Term {
    term: u32,
    state: TermState,
    created_ms: u64,
    key: SecretKey,
}

/// The keys of an unsealed node.
pub struct Keyring {
    terms: Vec<Term>,
    names: Vec<(NamespaceId, SecretKey)>,
    /// For purposes that outlive terms, by [`Purpose`].
    lasting: Vec<(Purpose, SecretKey)>,
    derived: RwLock<BTreeMap<(u32, NamespaceId), Arc<SecretKey>>>,
}

/// What a lasting key is for. Numbers are stored: never reuse one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Purpose {
    TokenHmac = 1,
    BatchTokens = 2,
    Audit = 3,
    Cursors = 4,
}

impl Purpose {
    const ALL: [Self; 4] = [
        Self::TokenHmac,
        Self::BatchTokens,
        Self::Audit,
        Self::Cursors,
    ];

    fn of(number: u8) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|purpose| *purpose as u8 == number)
    }
}

fn random_key(rng: &mut impl CryptoRng) -> SecretKey {
    let mut bytes = Zeroizing::new([0; 32]);
    rng.fill_bytes(bytes.as_mut());
    SecretKey::from_bytes(&mut bytes)
}

impl Keyring {
    /// New keys: term 1, the root namespace's names, one for each lasting purpose.
    pub fn generate(rng: &mut impl CryptoRng, now_ms: u64) -> Self {
        let term = Term {
            term: 1,
            state: TermState::Active,
            created_ms: now_ms,
            key: random_key(rng),
        };
        Self {
            terms: vec![term],
            names: vec![(NamespaceId::ROOT, random_key(rng))],
            lasting: Purpose::ALL
                .into_iter()
                .map(|purpose| (purpose, random_key(rng)))
                .collect(),
            derived: RwLock::default(),
        }
    }

    /// The term that seals.
    #[must_use]
    pub fn active_term(&self) -> u32 {
        self.terms
            .iter()
            .rev()
            .find(|term| term.state == TermState::Active)
            .map_or(0, |term| term.term)
    }

    /// When a term's key was made, milliseconds since the Unix epoch.
    #[must_use]
    pub fn term_created_ms(&self, term: u32) -> Option<u64> {
        self.terms
            .iter()
            .find(|known| known.term == term)
            .map(|known| known.created_ms)
    }

    /// The key of records of a term in a namespace.
    ///
    /// # Errors
    /// When there is no such term.
    ///
    /// # Panics
    /// Never: 32 bytes are within HKDF's limit.
    pub fn record_key(
        &self,
        term: u32,
        namespace: NamespaceId,
    ) -> Result<Arc<SecretKey>, KeyringError> {
        let derived = self
            .derived
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&(term, namespace))
            .cloned();
        if let Some(key) = derived {
            return Ok(key);
        }
        let known = self
            .terms
            .iter()
            .find(|known| known.term == term)
            .ok_or(KeyringError::Term)?;
        let hkdf = Hkdf::<Sha256>::from_prk(known.key.expose())
            .expect("32 bytes are a pseudorandom key for SHA-256");
        let mut bytes = Zeroizing::new([0; 32]);
        let info = [b"holdfast/v1/ns-rec".as_slice(), &namespace.0].concat();
        hkdf.expand(&info, bytes.as_mut())
            .expect("32 bytes are within HKDF's limit");
        let key = Arc::new(SecretKey::from_bytes(&mut bytes));
        let mut kept = self.derived.write().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < DERIVED_MAX {
            kept.insert((term, namespace), Arc::clone(&key));
        }
        Ok(key)
    }

    /// The name key of every namespace.
    pub fn name_keys(&self) -> impl Iterator<Item = (NamespaceId, &SecretKey)> {
        self.names.iter().map(|(namespace, key)| (*namespace, key))
    }

    /// HMAC-SHA-256 under the token key: how tokens and accessors are named in the state.
    ///
    /// # Panics
    /// Never: every key ring has a token key.
    #[must_use]
    pub fn token_hmac(&self, message: &[u8]) -> [u8; 32] {
        let key = self
            .lasting
            .iter()
            .find(|(purpose, _)| *purpose == Purpose::TokenHmac);
        let (_, key) = key.expect("every key ring has a token key");
        let mut mac =
            Hmac::<Sha256>::new_from_slice(key.expose()).expect("HMAC takes a key of any length");
        mac.update(message);
        mac.finalize().into_bytes().into()
    }

    /// The bytes to wrap.
    ///
    /// # Panics
    /// Never: the counts are far below their limits.
    #[must_use]
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        let count = |length: usize| u16::try_from(length).expect("few keys").to_be_bytes();
        // Sized beforehand: growing would leave copies behind.
        let size = 16 + self.terms.len() * 46 + self.names.len() * 48 + self.lasting.len() * 33;
        let mut out = Zeroizing::new(Vec::with_capacity(size));
        out.push(VERSION);
        out.extend_from_slice(&count(self.terms.len()));
        for term in &self.terms {
            out.extend_from_slice(&term.term.to_be_bytes());
            out.push(Suite::XChaCha20Poly1305 as u8);
            out.push(term.state as u8);
            out.extend_from_slice(&term.created_ms.to_be_bytes());
            out.extend_from_slice(term.key.expose());
        }
        out.extend_from_slice(&count(self.names.len()));
        for (namespace, key) in &self.names {
            out.extend_from_slice(&namespace.0);
            out.extend_from_slice(key.expose());
        }
        out.extend_from_slice(&count(self.lasting.len()));
        for (purpose, key) in &self.lasting {
            out.push(*purpose as u8);
            out.extend_from_slice(key.expose());
        }
        out
    }

    /// Reads [`Keyring::encode`]'s bytes.
    ///
    /// # Errors
    /// When they are anything else.
    pub fn decode(bytes: &[u8]) -> Result<Self, KeyringError> {
        if bytes.len() > BYTES_MAX {
            return Err(KeyringError::Form);
        }
        Self::read(&mut Reader(bytes)).ok_or(KeyringError::Form)
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let key = |reader: &mut Reader<'_>| {
            let mut bytes = Zeroizing::new(*reader.array::<32>()?);
            Some(SecretKey::from_bytes(&mut bytes))
        };
        if reader.u8()? != VERSION {
            return None;
        }
        let mut terms = Vec::new();
        for _ in 0..reader.u16()? {
            let term = reader.u32()?;
            if reader.u8()? != Suite::XChaCha20Poly1305 as u8 {
                return None;
            }
            let state = match reader.u8()? {
                1 => TermState::Active,
                2 => TermState::OpenOnly,
                _ => return None,
            };
            terms.push(Term {
                term,
                state,
                created_ms: reader.u64()?,
                key: key(reader)?,
            });
        }
        let mut names = Vec::new();
        for _ in 0..reader.u16()? {
            names.push((NamespaceId(*reader.array()?), key(reader)?));
        }
        let mut lasting = Vec::new();
        for _ in 0..reader.u16()? {
            lasting.push((Purpose::of(reader.u8()?)?, key(reader)?));
        }
        let ascending = terms.windows(2).all(|pair| pair[0].term < pair[1].term);
        let active = terms
            .iter()
            .filter(|term| term.state == TermState::Active)
            .count();
        let complete = Purpose::ALL
            .iter()
            .all(|purpose| lasting.iter().filter(|(known, _)| known == purpose).count() == 1);
        let good = ascending && active == 1 && complete && !names.is_empty() && reader.0.is_empty();
        good.then(|| Self {
            terms,
            names,
            lasting,
            derived: RwLock::default(),
        })
    }
}
