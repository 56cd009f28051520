//! The public description of a set of shares.
//!
//! Each share has a commitment, so that a mistyped or foreign one is named the moment it is submitted, by anyone, without the
//! others. A share is 256 uniformly random bits, so a commitment helps nobody to guess it.

use crate::share::Share;
use hmac::{Hmac, KeyInit, Mac};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq;

const DOMAIN: &[u8] = b"holdfast/share/v1";

/// A set of shares: how many there are, how many are needed, and a commitment to each.
///
/// commitment = HMAC-SHA-256(salt, "holdfast/share/v1" ‖ set id (16) ‖ x (1) ‖ share (33, or 32 for a whole key))
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct ShareSet(Parts);

/// The serde form is a disk format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Parts {
    set_id: [u8; 16],
    version: u32,
    threshold: u8,
    salt: [u8; 32],
    commitments: Vec<(u8, [u8; 32])>,
}

/// What a share is to a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShareCheck {
    /// One of the set's shares.
    Member {
        /// Its index.
        index: u8,
    },
    /// The set has a share with this index, but of other bytes: mistyped, or of another set.
    WrongBytes {
        /// Its index.
        index: u8,
    },
    /// The set has no share with this index.
    Foreign {
        /// Its index.
        index: u8,
    },
}

/// Why stored bytes are not a set of shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum PartsError {
    #[error("a share set has 1 to 255 shares with distinct, ascending indexes")]
    Commitments,
    #[error("a share set's threshold is 1 to the number of shares")]
    Threshold,
}

impl ShareSet {
    /// Commits to freshly split shares, at most 255, of which `threshold` are needed. `version` counts the cluster's sets.
    #[must_use]
    pub fn new<R: CryptoRng>(shares: &[Share], threshold: u8, version: u32, rng: &mut R) -> Self {
        let mut parts = Parts {
            set_id: [0; 16],
            version,
            threshold,
            salt: [0; 32],
            commitments: Vec::with_capacity(shares.len()),
        };
        rng.fill_bytes(&mut parts.set_id);
        rng.fill_bytes(&mut parts.salt);
        for share in shares {
            let commitment = parts.commitment(share);
            parts.commitments.push((share.index(), commitment));
        }
        // In order of index, so that the order of the holders is not told.
        parts.commitments.sort_unstable();
        Self(parts)
    }

    /// Whether a share is one of this set. Takes the same time for any bytes.
    #[must_use]
    pub fn check(&self, share: &Share) -> ShareCheck {
        let index = share.index();
        let found = self.0.commitments.iter().find(|(known, _)| *known == index);
        let Some((_, expected)) = found else {
            return ShareCheck::Foreign { index };
        };
        if bool::from(self.0.commitment(share).ct_eq(expected)) {
            ShareCheck::Member { index }
        } else {
            ShareCheck::WrongBytes { index }
        }
    }

    /// Names the set.
    #[must_use]
    pub const fn set_id(&self) -> [u8; 16] {
        self.0.set_id
    }

    /// Counts the cluster's sets, from 1.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.0.version
    }

    /// Shares needed.
    #[must_use]
    pub const fn threshold(&self) -> u8 {
        self.0.threshold
    }

    /// Shares made.
    #[must_use]
    pub fn count(&self) -> u8 {
        u8::try_from(self.0.commitments.len()).unwrap_or(u8::MAX)
    }

    /// The shares' indexes, ascending.
    pub fn indexes(&self) -> impl Iterator<Item = u8> {
        self.0.commitments.iter().map(|(index, _)| *index)
    }
}

impl Parts {
    fn commitment(&self, share: &Share) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.salt).expect("HMAC takes any key");
        mac.update(DOMAIN);
        mac.update(&self.set_id);
        mac.update(&[share.index()]);
        mac.update(&share.to_bytes());
        mac.finalize().into_bytes().into()
    }
}

impl TryFrom<Parts> for ShareSet {
    type Error = PartsError;

    fn try_from(parts: Parts) -> Result<Self, PartsError> {
        let ascending = parts
            .commitments
            .windows(2)
            .all(|pair| pair[0].0 < pair[1].0);
        if parts.commitments.is_empty() || parts.commitments.len() > 255 || !ascending {
            return Err(PartsError::Commitments);
        }
        let set = Self(parts);
        if set.0.threshold == 0 || set.0.threshold > set.count() {
            return Err(PartsError::Threshold);
        }
        Ok(set)
    }
}

impl From<ShareSet> for Parts {
    fn from(set: ShareSet) -> Self {
        set.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_rng::TestRng;
    use crate::{combine, split};
    use holdfast_memory::SecretKey;

    fn made(count: u8, threshold: u8, seed: u64) -> (Vec<Share>, ShareSet) {
        let rng = &mut TestRng::new(seed);
        let key = SecretKey::from_bytes(&mut [0x42; 32]);
        let shares = split(&key, count, threshold, rng).expect("valid numbers");
        let set = ShareSet::new(&shares, threshold, 3, rng);
        (shares, set)
    }

    #[test]
    fn members_are_known_and_others_are_named() {
        let (shares, set) = made(5, 3, 1);
        assert_eq!((set.count(), set.threshold(), set.version()), (5, 3, 3));
        for share in &shares {
            assert_eq!(
                set.check(share),
                ShareCheck::Member {
                    index: share.index()
                }
            );
        }
        assert!(combine(&shares[1..4]).is_ok());

        let mut bytes = shares[0].to_bytes();
        bytes[31] ^= 1;
        let altered = Share::from_bytes(&bytes).expect("a point");
        assert_eq!(
            set.check(&altered),
            ShareCheck::WrongBytes {
                index: altered.index()
            }
        );

        let unused = (1..=255).find(|x| !set.indexes().any(|known| known == *x));
        bytes[32] = unused.expect("five of 255 are used");
        let foreign = Share::from_bytes(&bytes).expect("a point");
        assert_eq!(
            set.check(&foreign),
            ShareCheck::Foreign { index: bytes[32] }
        );
    }

    #[test]
    fn a_share_of_another_set_is_never_a_member() {
        let (shares, _) = made(5, 3, 2);
        let (_, other) = made(255, 3, 3);
        for share in &shares {
            assert_eq!(
                other.check(share),
                ShareCheck::WrongBytes {
                    index: share.index()
                }
            );
        }
    }

    #[test]
    fn a_set_of_one_holds_the_whole_key() {
        let (shares, set) = made(1, 1, 4);
        assert_eq!(set.check(&shares[0]), ShareCheck::Member { index: 0 });
        let other = Share::from_bytes(&[9; 32]).expect("a key");
        assert_eq!(set.check(&other), ShareCheck::WrongBytes { index: 0 });
    }

    #[test]
    fn a_damaged_set_is_refused() {
        let (_, set) = made(3, 2, 5);
        let bytes = postcard::to_allocvec(&set).unwrap();
        assert_eq!(postcard::from_bytes::<ShareSet>(&bytes).unwrap(), set);
        for damage in [
            |parts: &mut Parts| parts.threshold = 4,
            |parts: &mut Parts| parts.threshold = 0,
            |parts: &mut Parts| parts.commitments.clear(),
            |parts: &mut Parts| parts.commitments[1].0 = parts.commitments[0].0,
        ] {
            let mut parts = set.0.clone();
            damage(&mut parts);
            let bytes = postcard::to_allocvec(&parts).unwrap();
            assert!(postcard::from_bytes::<ShareSet>(&bytes).is_err());
        }
    }
}
