//! The parts of a key ring and their stored form.
//!
//! ```text
//! version (1)
//! count (2) × term (4) ‖ suite (1) ‖ state (1) ‖ created, ms (8) ‖ key (32), unless retired
//! count (4) × namespace (16) ‖ name key (32)          ascending, the root namespace among them
//! count (2) × version (4) ‖ token key (32)            ascending
//! count (2) × version (4) ‖ batch key (32)            ascending
//! audit key (32) ‖ cursor key (32)
//! ```
//! Numbers are big endian. Nothing may follow, and nothing unknown is skipped.

use crate::codec::{Reader, Writer};
use holdfast_memory::SecretKey;
use holdfast_types::{NamespaceId, Suite};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// Largest stored form of a ring.
pub const KEYRING_BYTES_MAX: usize = 1024 * 1024;
const VERSION: u8 = 1;
const TERM_BYTES: usize = 4 + 1 + 1 + 8 + 32;
const NAME_KEY_BYTES: usize = 16 + 32;
const VERSIONED_BYTES: usize = 4 + 32;
const FIXED_BYTES: usize = 1 + 2 + 4 + 2 + 2 + 32 + 32;

/// What a term's key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum TermState {
    /// Seals and opens. One term is active.
    Active = 1,
    /// Opens what was sealed before the last rotation.
    DecryptOnly = 2,
    /// Nothing is sealed under it any more, and its key is erased.
    Retired = 3,
}

/// What anyone may know of a term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TermInfo {
    /// Its number, from 1.
    pub term: u32,
    /// The cipher of its records.
    pub suite: Suite,
    /// What its key may do.
    pub state: TermState,
    /// When it was made, milliseconds since the Unix epoch.
    pub created_ms: u64,
}

/// A term; the key is there unless it is retired.
pub(crate) struct Term {
    pub(crate) info: TermInfo,
    pub(crate) key: Option<SecretKey>,
}

/// A key that has versions of its own.
pub(crate) struct Versioned {
    pub(crate) version: u32,
    pub(crate) key: SecretKey,
}

/// Everything in a ring.
pub(crate) struct Parts {
    /// Ascending; the last one is active.
    pub(crate) terms: Vec<Term>,
    pub(crate) names: BTreeMap<NamespaceId, SecretKey>,
    /// Ascending, never empty.
    pub(crate) token: Vec<Versioned>,
    /// Ascending, never empty.
    pub(crate) batch: Vec<Versioned>,
    pub(crate) audit: SecretKey,
    pub(crate) cursor: SecretKey,
}

/// Why bytes are not a key ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyringDecodeError {
    /// Longer than [`KEYRING_BYTES_MAX`].
    #[error("the key ring is too large")]
    TooLarge,
    /// Written by another version of this software.
    #[error("the key ring's version is unknown")]
    Version,
    /// It ends too early, or something follows.
    #[error("the key ring is truncated or has trailing bytes")]
    Length,
    /// A field holds what cannot be there.
    #[error("the key ring's field \"{0}\" is malformed")]
    Field(&'static str),
}

impl Parts {
    /// Upper bound of the stored form's length.
    pub(crate) fn encoded_len_max(&self) -> usize {
        FIXED_BYTES
            + self.terms.len() * TERM_BYTES
            + self.names.len() * NAME_KEY_BYTES
            + (self.token.len() + self.batch.len()) * VERSIONED_BYTES
    }

    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Writer::with_capacity(self.encoded_len_max());
        out.u8(VERSION);
        out.count16(self.terms.len());
        for term in &self.terms {
            out.u32(term.info.term);
            out.u8(term.info.suite as u8);
            out.u8(term.info.state as u8);
            out.u64(term.info.created_ms);
            if let Some(key) = &term.key {
                out.bytes(key.expose());
            }
        }
        out.count32(self.names.len());
        for (namespace, key) in &self.names {
            out.bytes(&namespace.0);
            out.bytes(key.expose());
        }
        for keys in [&self.token, &self.batch] {
            out.count16(keys.len());
            for versioned in keys {
                out.u32(versioned.version);
                out.bytes(versioned.key.expose());
            }
        }
        out.bytes(self.audit.expose());
        out.bytes(self.cursor.expose());
        out.finish()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, KeyringDecodeError> {
        if bytes.len() > KEYRING_BYTES_MAX {
            return Err(KeyringDecodeError::TooLarge);
        }
        let mut input = Reader::new(bytes);
        if input.u8()? != VERSION {
            return Err(KeyringDecodeError::Version);
        }
        let parts = Self {
            terms: read_terms(&mut input)?,
            names: read_names(&mut input)?,
            token: read_versioned(&mut input, "token")?,
            batch: read_versioned(&mut input, "batch")?,
            audit: input.key()?,
            cursor: input.key()?,
        };
        input.finish()?;
        Ok(parts)
    }
}

fn read_terms(input: &mut Reader<'_>) -> Result<Vec<Term>, KeyringDecodeError> {
    let malformed = KeyringDecodeError::Field("terms");
    let mut terms: Vec<Term> = Vec::new();
    for _ in 0..input.u16()? {
        let number = input.u32()?;
        let suite = match input.u8()? {
            1 => Suite::XChaCha20Poly1305,
            _ => return Err(KeyringDecodeError::Field("suite")),
        };
        let state = match input.u8()? {
            1 => TermState::Active,
            2 => TermState::DecryptOnly,
            3 => TermState::Retired,
            _ => return Err(KeyringDecodeError::Field("state")),
        };
        let created_ms = input.u64()?;
        let key = if state == TermState::Retired {
            None
        } else {
            Some(input.key()?)
        };
        // Ascending, and only the last one active.
        let after = terms.last().map_or(Some(0), |last| {
            (last.info.state != TermState::Active).then_some(last.info.term)
        });
        if after.is_none_or(|after| number <= after) {
            return Err(malformed);
        }
        terms.push(Term {
            info: TermInfo {
                term: number,
                suite,
                state,
                created_ms,
            },
            key,
        });
    }
    match terms.last() {
        Some(last) if last.info.state == TermState::Active => Ok(terms),
        _ => Err(malformed),
    }
}

fn read_names(
    input: &mut Reader<'_>,
) -> Result<BTreeMap<NamespaceId, SecretKey>, KeyringDecodeError> {
    let mut names = BTreeMap::new();
    for _ in 0..input.u32()? {
        let namespace = NamespaceId(input.array()?);
        if names
            .last_key_value()
            .is_some_and(|(last, _)| namespace <= *last)
        {
            return Err(KeyringDecodeError::Field("names"));
        }
        names.insert(namespace, input.key()?);
    }
    if names.contains_key(&NamespaceId::ROOT) {
        Ok(names)
    } else {
        Err(KeyringDecodeError::Field("names"))
    }
}

fn read_versioned(
    input: &mut Reader<'_>,
    field: &'static str,
) -> Result<Vec<Versioned>, KeyringDecodeError> {
    let mut keys: Vec<Versioned> = Vec::new();
    for _ in 0..input.u16()? {
        let version = input.u32()?;
        if version <= keys.last().map_or(0, |last| last.version) {
            return Err(KeyringDecodeError::Field(field));
        }
        keys.push(Versioned {
            version,
            key: input.key()?,
        });
    }
    if keys.is_empty() {
        Err(KeyringDecodeError::Field(field))
    } else {
        Ok(keys)
    }
}
