//! Rows and key spaces.
//!
//! A stored key begins with one byte, its space. Only records and system rows can be written by a transaction; the rest
//! is the machine's own.

use crate::port::StorageFault;
use serde::{Deserialize, Serialize};

/// The first byte of every stored key. Numbers are stored: never reuse one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[repr(u8)]
pub enum Space {
    /// Sealed records: `1 ‖ namespace (16) ‖ class (2) ‖ [order (8)] ‖ (length (2) ‖ sealed segment)*`.
    Record = 1,
    /// Plain rows of the system: `2 ‖ name`, see [`SystemKey`].
    System = 2,
    /// Dedupe: transaction id to outcome.
    Dedupe = 3,
    /// Dedupe: ring slot to transaction id.
    DedupeRing = 4,
    /// The machine's own scalars: clock, count of transactions, digest, last checkpoint.
    Machine = 5,
}

/// The plain system rows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SystemKey {
    /// Seal configuration: cluster id, share set, wrapped root key.
    SealConfig,
    /// The key ring, wrapped under the root key.
    Keyring,
    /// Manual seals: how often the cluster was sealed by hand.
    SealEpoch,
    /// One node's record: identity of its data directory, addresses, region.
    Node(u64),
}

impl SystemKey {
    /// The stored key.
    #[must_use]
    pub fn to_bytes(self) -> Vec<u8> {
        let mut key = vec![Space::System as u8];
        match self {
            Self::SealConfig => key.extend_from_slice(b"seal-config"),
            Self::Keyring => key.extend_from_slice(b"keyring"),
            Self::SealEpoch => key.extend_from_slice(b"seal-epoch"),
            Self::Node(id) => {
                key.extend_from_slice(b"node/");
                key.extend_from_slice(&id.to_be_bytes());
            }
        }
        key
    }

    /// Prefix of all node records.
    #[must_use]
    pub fn nodes_prefix() -> Vec<u8> {
        let mut key = vec![Space::System as u8];
        key.extend_from_slice(b"node/");
        key
    }
}

/// A value and when it was last written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// Log index of the entry that last wrote it; never 0. Because indexes never come back, a row that was removed and made
    /// again is never mistaken for the one before.
    pub written_at: u64,
    /// The sealed record, or a plain system value.
    pub value: Vec<u8>,
}

impl Row {
    /// The stored bytes: `written_at (8, big endian) ‖ value`.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        encode_row(self.written_at, &self.value)
    }

    /// Reads stored bytes.
    ///
    /// # Errors
    /// When they are too short or were never written by an entry: the disk is corrupt.
    pub fn decode(bytes: &[u8]) -> Result<Self, StorageFault> {
        let (written_at, value) = split_row(bytes)?;
        Ok(Self {
            written_at,
            value: value.to_vec(),
        })
    }
}

pub(crate) fn encode_row(written_at: u64, value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(8 + value.len());
    out.extend_from_slice(&written_at.to_be_bytes());
    out.extend_from_slice(value);
    out
}

/// The index and the value of stored bytes, without copying.
pub(crate) fn split_row(bytes: &[u8]) -> Result<(u64, &[u8]), StorageFault> {
    let (head, value) = bytes
        .split_first_chunk::<8>()
        .ok_or_else(|| StorageFault("a stored row is shorter than its header".to_owned()))?;
    match u64::from_be_bytes(*head) {
        0 => Err(StorageFault("a stored row names index 0".to_owned())),
        written_at => Ok((written_at, value)),
    }
}
