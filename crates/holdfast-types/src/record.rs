//! The header in front of every sealed record, and the classes of records.
//!
//! ```text
//! byte 0      format (1)
//! byte 1      suite  (1 = XChaCha20-Poly1305)
//! bytes 2-5   term of the key, big endian
//! bytes 6-13  revision, big endian: 1 for the first record under a key, then strictly +1
//! bytes 14-37 nonce, 24 random bytes
//! then        ciphertext and a 16-byte tag
//! ```

use serde::{Deserialize, Serialize};

/// Bytes before the ciphertext.
pub const RECORD_HEADER_LEN: usize = 38;
/// Bytes that sealing adds: the header and the tag.
pub const RECORD_OVERHEAD: usize = RECORD_HEADER_LEN + 16;
const FORMAT: u8 = 1;

/// What kind of thing a record holds. Part of the key and of the associated data, so that a record of one kind can never
/// be read as another. Numbers are stored: never reuse one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u16)]
pub enum Class {
    /// The mount table's entries.
    Mount = 1,
    /// Policies.
    Policy = 2,
    /// Tokens, by keyed hash.
    Token = 3,
    /// Accessor to token.
    Accessor = 4,
    /// Children of a token.
    TokenChild = 5,
    /// Leases.
    Lease = 6,
    /// The expiry index, ordered by time.
    Expiry = 7,
    /// What an engine keeps, under its mount.
    Engine = 8,
    /// What an auth method keeps, under its mount.
    Auth = 9,
    /// Settings of the product itself.
    Config = 10,
}

impl Class {
    /// Whether keys of this class begin with a plain big-endian number that orders them.
    #[must_use]
    pub const fn is_ordered(self) -> bool {
        matches!(self, Self::Expiry)
    }
}

/// The cipher that sealed a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
pub enum Suite {
    /// XChaCha20-Poly1305 with a random 192-bit nonce.
    XChaCha20Poly1305 = 1,
}

/// The plain part of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordHeader {
    /// Cipher.
    pub suite: Suite,
    /// Term of the key that sealed it.
    pub term: u32,
    /// The record's own write counter.
    pub revision: u64,
    /// Random nonce.
    pub nonce: [u8; 24],
}

/// Why bytes are not a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordHeaderError {
    /// Shorter than a header and a tag.
    #[error("the record is truncated")]
    Truncated,
    /// Another format byte than 1.
    #[error("the record's format is unknown")]
    Format,
    /// A suite that this version does not know.
    #[error("the record's suite is unknown")]
    Suite,
    /// Revision 0 stands for an absent record.
    #[error("the record's revision is zero")]
    Revision,
}

impl RecordHeader {
    /// Reads the header of a whole record.
    ///
    /// # Errors
    /// When the record is truncated or names a format, suite or revision that cannot be.
    pub fn parse(record: &[u8]) -> Result<Self, RecordHeaderError> {
        if record.len() < RECORD_OVERHEAD {
            return Err(RecordHeaderError::Truncated);
        }
        let (head, _) = record
            .split_first_chunk::<RECORD_HEADER_LEN>()
            .ok_or(RecordHeaderError::Truncated)?;
        if head[0] != FORMAT {
            return Err(RecordHeaderError::Format);
        }
        if head[1] != Suite::XChaCha20Poly1305 as u8 {
            return Err(RecordHeaderError::Suite);
        }
        let mut nonce = [0; 24];
        nonce.copy_from_slice(&head[14..]);
        let term = u32::from_be_bytes([head[2], head[3], head[4], head[5]]);
        let revision = head[6..14]
            .iter()
            .fold(0u64, |sum, byte| (sum << 8) | u64::from(*byte));
        if revision == 0 {
            return Err(RecordHeaderError::Revision);
        }
        Ok(Self {
            suite: Suite::XChaCha20Poly1305,
            term,
            revision,
            nonce,
        })
    }

    /// The header's bytes; the first 14 are associated data.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; RECORD_HEADER_LEN] {
        let mut out = [0; RECORD_HEADER_LEN];
        out[0] = FORMAT;
        out[1] = self.suite as u8;
        out[2..6].copy_from_slice(&self.term.to_be_bytes());
        out[6..14].copy_from_slice(&self.revision.to_be_bytes());
        out[14..].copy_from_slice(&self.nonce);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_header() {
        let header = RecordHeader {
            suite: Suite::XChaCha20Poly1305,
            term: 7,
            revision: 0x0102,
            nonce: [0xaa; 24],
        };
        let mut record = header.to_bytes().to_vec();
        assert_eq!(record[..14], [1, 1, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 1, 2]);
        assert_eq!(
            RecordHeader::parse(&record),
            Err(RecordHeaderError::Truncated)
        );
        record.extend_from_slice(&[0; 16]);
        assert_eq!(RecordHeader::parse(&record), Ok(header));
        record[1] = 9;
        assert_eq!(RecordHeader::parse(&record), Err(RecordHeaderError::Suite));
    }
}
