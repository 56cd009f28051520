//! The machine's own numbers, kept in one row of [`Space::Machine`], and their stored form.
//!
//! ```text
//! format (1) ‖ last index (8) ‖ clock (8) ‖ count of transactions (8)
//!   ‖ count of checkpoints (1) ‖ (index (8) ‖ summary (32))* ‖ digest (2048)
//! ```
//! All big endian but the digest's lanes, which are little endian.

use crate::digest::{DIGEST_BYTES, Digest};
use crate::port::StorageFault;
use crate::row::Space;

const FORMAT: u8 = 1;
/// Checkpoints remembered: nodes compare by gossip, and a node may be this many checkpoints behind another.
pub const CHECKPOINTS_KEPT: usize = 8;

/// The state's summary at one entry of the log, the same on every healthy node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CheckpointMark {
    /// The entry.
    pub index: u64,
    /// [`crate::Machine::summary`] once it was applied.
    pub summary: [u8; 32],
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Scalars {
    /// Index of the last command applied; 0 before the first.
    pub(crate) last_index: u64,
    /// Highest `proposed_at_ms` applied.
    pub(crate) time_ms: u64,
    /// Transactions remembered so far; the next one's ring slot follows from it.
    pub(crate) txn_count: u64,
    /// Oldest first, at most [`CHECKPOINTS_KEPT`].
    pub(crate) checkpoints: Vec<CheckpointMark>,
    pub(crate) digest: Digest,
}

impl Scalars {
    pub(crate) const fn new(digest: Digest) -> Self {
        Self {
            last_index: 0,
            time_ms: 0,
            txn_count: 0,
            checkpoints: Vec::new(),
            digest,
        }
    }

    pub(crate) fn key() -> Vec<u8> {
        let mut key = vec![Space::Machine as u8];
        key.extend_from_slice(b"scalars");
        key
    }

    /// What nodes compare: everything but the checkpoints themselves.
    pub(crate) fn summary(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("holdfast machine summary v1");
        hasher.update(&self.last_index.to_be_bytes());
        hasher.update(&self.time_ms.to_be_bytes());
        hasher.update(&self.txn_count.to_be_bytes());
        hasher.update(&self.digest.to_bytes());
        *hasher.finalize().as_bytes()
    }

    pub(crate) fn note_checkpoint(&mut self) {
        if self.checkpoints.len() == CHECKPOINTS_KEPT {
            self.checkpoints.remove(0);
        }
        self.checkpoints.push(CheckpointMark {
            index: self.last_index,
            summary: self.summary(),
        });
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let count = u8::try_from(self.checkpoints.len()).expect("at most CHECKPOINTS_KEPT");
        let mut out = vec![FORMAT];
        for number in [self.last_index, self.time_ms, self.txn_count] {
            out.extend_from_slice(&number.to_be_bytes());
        }
        out.push(count);
        for mark in &self.checkpoints {
            out.extend_from_slice(&mark.index.to_be_bytes());
            out.extend_from_slice(&mark.summary);
        }
        out.extend_from_slice(&self.digest.to_bytes());
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, StorageFault> {
        Self::parse(bytes)
            .ok_or_else(|| StorageFault("the machine's scalars are corrupt".to_owned()))
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (&format, mut rest) = bytes.split_first()?;
        if format != FORMAT {
            return None;
        }
        let last_index = take_u64(&mut rest)?;
        let time_ms = take_u64(&mut rest)?;
        let txn_count = take_u64(&mut rest)?;
        let count = usize::from(*rest.split_off_first()?);
        if count > CHECKPOINTS_KEPT {
            return None;
        }
        let mut checkpoints = Vec::with_capacity(count);
        for _ in 0..count {
            let index = take_u64(&mut rest)?;
            let (summary, tail) = rest.split_first_chunk::<32>()?;
            rest = tail;
            checkpoints.push(CheckpointMark {
                index,
                summary: *summary,
            });
        }
        let digest: &[u8; DIGEST_BYTES] = rest.try_into().ok()?;
        Some(Self {
            last_index,
            time_ms,
            txn_count,
            checkpoints,
            digest: Digest::from_bytes(digest),
        })
    }
}

fn take_u64(rest: &mut &[u8]) -> Option<u64> {
    let (head, tail) = rest.split_first_chunk::<8>()?;
    *rest = tail;
    Some(u64::from_be_bytes(*head))
}
