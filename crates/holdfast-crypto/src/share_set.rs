//! What is public of a set of shares: a commitment to each, so that a wrong, foreign or mistyped one is named at once.
//!
//! A share is 256 uniform bits, so its commitment gives away only what a search over all of them would.

use crate::codec::Parts;
use crate::share::Share;
use hmac::{Hmac, KeyInit, Mac};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// A set of shares, as everyone may know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareSet {
    set_id: [u8; 16],
    version: u32,
    threshold: u8,
    salt: [u8; 32],
    commitments: Vec<(u8, [u8; 32])>,
}

/// What a share is to a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShareCheck {
    /// One of its shares.
    Member {
        /// Which.
        index: u8,
    },
    /// The index is in the set; the bytes are others.
    WrongBytes {
        /// Which.
        index: u8,
    },
    /// No share of the set has this index.
    Foreign {
        /// Which.
        index: u8,
    },
}

impl ShareSet {
    /// Commits to shares.
    #[must_use]
    pub fn new(shares: &[Share], threshold: u8, version: u32, rng: &mut impl CryptoRng) -> Self {
        let (mut set_id, mut salt) = ([0; 16], [0; 32]);
        rng.fill_bytes(&mut set_id);
        rng.fill_bytes(&mut salt);
        let mut set = Self {
            set_id,
            version,
            threshold,
            salt,
            commitments: Vec::new(),
        };
        set.commitments = shares
            .iter()
            .map(|share| (share.index(), set.commit(share)))
            .collect();
        set
    }

    fn commit(&self, share: &Share) -> [u8; 32] {
        let message = Parts::new("holdfast/share/v1")
            .part(&self.set_id)
            .part(&[share.index()]);
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.salt).expect("HMAC takes a key of any length");
        mac.update(message.bytes());
        mac.update(share.as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// Tells whether a share is of this set, in constant time for a known index.
    #[must_use]
    pub fn check(&self, share: &Share) -> ShareCheck {
        let index = share.index();
        let Some((_, expected)) = self.commitments.iter().find(|(known, _)| *known == index) else {
            return ShareCheck::Foreign { index };
        };
        if bool::from(self.commit(share).ct_eq(expected)) {
            ShareCheck::Member { index }
        } else {
            ShareCheck::WrongBytes { index }
        }
    }

    /// Shares needed.
    #[must_use]
    pub const fn threshold(&self) -> u8 {
        self.threshold
    }

    /// Shares made.
    #[must_use]
    pub fn count(&self) -> u8 {
        u8::try_from(self.commitments.len()).unwrap_or(u8::MAX)
    }

    /// Counts the sets of a cluster.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// Names the set.
    #[must_use]
    pub const fn set_id(&self) -> [u8; 16] {
        self.set_id
    }
}
