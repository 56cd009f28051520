//! The homomorphic digest of the state: LtHash16-1024 over each record and system row.
//!
//! A row's element is 1024 16-bit lanes drawn from BLAKE3; the digest is their lane-wise sum modulo 2¹⁶. Order does not
//! matter, so one changed row costs one subtraction and one addition, and a full scan must arrive at the same sum
//! ([`recompute`]). The known weakness of adding one element 2¹⁶ times cannot occur: keys are unique.

use crate::command::Key;
use crate::port::StorageFault;
use crate::row::Space;
use std::fmt;

const LANES: usize = 1024;
/// Stored bytes of a digest.
pub(crate) const DIGEST_BYTES: usize = LANES * 2;
const CONTEXT: &str = "holdfast state digest element v1";

/// Sum over all rows. Two states with the same digest hold the same rows.
#[derive(Clone, PartialEq, Eq)]
pub struct Digest {
    lanes: Box<[u16; LANES]>,
}

impl Digest {
    /// The digest of no rows.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            lanes: Box::new([0; LANES]),
        }
    }

    /// Adds a stored row.
    pub fn add(&mut self, key: &[u8], row: &[u8]) {
        for (lane, value) in self.lanes.iter_mut().zip(element(key, row)) {
            *lane = lane.wrapping_add(value);
        }
    }

    /// Takes a stored row away.
    pub fn subtract(&mut self, key: &[u8], row: &[u8]) {
        for (lane, value) in self.lanes.iter_mut().zip(element(key, row)) {
            *lane = lane.wrapping_sub(value);
        }
    }

    /// Adds a stored row found by a full scan; rows outside the covered spaces are skipped.
    pub fn absorb(&mut self, key: &[u8], row: &[u8]) {
        if is_covered(key) {
            self.add(key, row);
        }
    }

    /// The digest's own hash, to compare and to print.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        *blake3::hash(&self.to_bytes()).as_bytes()
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        self.lanes
            .iter()
            .flat_map(|lane| lane.to_le_bytes())
            .collect()
    }

    pub(crate) fn from_bytes(bytes: &[u8; DIGEST_BYTES]) -> Self {
        let mut digest = Self::empty();
        for (lane, pair) in digest.lanes.iter_mut().zip(bytes.chunks_exact(2)) {
            *lane = u16::from_le_bytes([pair[0], pair[1]]);
        }
        digest
    }
}

/// Whether a key's row is part of the digest.
fn is_covered(key: &[u8]) -> bool {
    matches!(key.first(), Some(&space) if space == Space::Record as u8 || space == Space::System as u8)
}

/// The digest of a full scan of stored rows; rows outside the covered spaces are skipped.
///
/// # Errors
/// When the scan fails.
pub fn recompute(
    rows: impl Iterator<Item = Result<(Key, Vec<u8>), StorageFault>>,
) -> Result<Digest, StorageFault> {
    let mut digest = Digest::empty();
    for row in rows {
        let (key, bytes) = row?;
        digest.absorb(&key, &bytes);
    }
    Ok(digest)
}

/// The lanes of `(length of key ‖ key ‖ row)`.
fn element(key: &[u8], row: &[u8]) -> impl Iterator<Item = u16> {
    let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
    hasher.update(&(key.len() as u64).to_be_bytes());
    hasher.update(key);
    hasher.update(row);
    let mut bytes = [0u8; DIGEST_BYTES];
    hasher.finalize_xof().fill(&mut bytes);
    (0..LANES).map(move |lane| u16::from_le_bytes([bytes[lane * 2], bytes[lane * 2 + 1]]))
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.hash()[..8]
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_does_not_matter_and_content_does() {
        let (mut one, mut two) = (Digest::empty(), Digest::empty());
        one.add(b"a", b"1");
        one.add(b"b", b"2");
        two.add(b"b", b"2");
        two.add(b"a", b"1");
        assert_eq!(one, two);
        two.subtract(b"b", b"2");
        assert_ne!(one, two);
        two.add(b"b2", b"");
        assert_ne!(one, two, "the key's length is part of the element");
        one.subtract(b"a", b"1");
        one.subtract(b"b", b"2");
        assert_eq!(one, Digest::empty());
    }

    #[test]
    fn survives_its_stored_form() {
        let mut digest = Digest::empty();
        digest.add(b"k", b"v");
        let bytes: [u8; DIGEST_BYTES] = digest.to_bytes().try_into().unwrap();
        assert_eq!(Digest::from_bytes(&bytes), digest);
        assert_eq!(digest.to_string().len(), 16);
    }
}
