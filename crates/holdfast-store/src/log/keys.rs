//! Keys and values of the log database.
//!
//! ```text
//! 0 ‖ "mark"       batch (8) ‖ end (8): number of this batch, one more than the last index; in every batch
//! 0 ‖ "vote"       the caller's vote
//! 0 ‖ "committed"  the caller's committed mark
//! 0 ‖ "purged"     index (8) ‖ the caller's log id
//! 1 ‖ index (8)    crc32 (4) of (index ‖ entry) ‖ the caller's entry
//! ```
//! Numbers are big endian, so entries lie in the order of the log.

use super::Purged;
use crate::watermark::Mark;
use bytes::Bytes;

pub(crate) const MARK: &[u8] = b"\0mark";
pub(crate) const VOTE: &[u8] = b"\0vote";
pub(crate) const COMMITTED: &[u8] = b"\0committed";
pub(crate) const PURGED: &[u8] = b"\0purged";
/// Above every entry.
pub(crate) const ENTRIES_END: [u8; 1] = [2];

pub(crate) fn entry_key(index: u64) -> [u8; 9] {
    let mut key = [1; 9];
    key[1..].copy_from_slice(&index.to_be_bytes());
    key
}

pub(crate) fn entry_index(key: &[u8]) -> Option<u64> {
    let number = key.strip_prefix(&[1])?.try_into().ok()?;
    Some(u64::from_be_bytes(number))
}

pub(crate) fn encode_entry(index: u64, entry: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(4 + entry.len());
    out.extend_from_slice(&checksum(index, entry).to_be_bytes());
    out.extend_from_slice(entry);
    out
}

/// The entry, if it is the one written at this index.
pub(crate) fn decode_entry(index: u64, stored: &[u8]) -> Option<Bytes> {
    let (sum, entry) = stored.split_first_chunk::<4>()?;
    (u32::from_be_bytes(*sum) == checksum(index, entry)).then(|| Bytes::copy_from_slice(entry))
}

fn checksum(index: u64, entry: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&index.to_be_bytes());
    hasher.update(entry);
    hasher.finalize()
}

pub(crate) fn encode_mark(mark: Mark) -> Vec<u8> {
    [mark.batch.to_be_bytes(), mark.end.to_be_bytes()].concat()
}

pub(crate) fn decode_mark(stored: &[u8]) -> Option<Mark> {
    let (batch, rest) = stored.split_first_chunk::<8>()?;
    Some(Mark {
        batch: u64::from_be_bytes(*batch),
        end: u64::from_be_bytes(rest.try_into().ok()?),
    })
}

pub(crate) fn encode_purged(purged: &Purged) -> Vec<u8> {
    let mut out = purged.index.to_be_bytes().to_vec();
    out.extend_from_slice(&purged.log_id);
    out
}

pub(crate) fn decode_purged(stored: &[u8]) -> Option<Purged> {
    let (index, log_id) = stored.split_first_chunk::<8>()?;
    Some(Purged {
        index: u64::from_be_bytes(*index),
        log_id: Bytes::copy_from_slice(log_id),
    })
}
