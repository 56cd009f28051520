//! A 256-bit key in locked memory.

use crate::pages::Slot;
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroize;

/// A 256-bit key in locked memory, wiped when dropped.
///
/// No `Debug`, no `Clone`, no `PartialEq`: it cannot be printed, and is copied and compared only in so many words.
pub struct SecretKey(Slot);

impl SecretKey {
    /// Moves the bytes into locked memory and wipes where they were.
    #[must_use]
    pub fn from_bytes(bytes: &mut [u8; 32]) -> Self {
        let key = Self::filled(|slot| slot.copy_from_slice(bytes));
        bytes.zeroize();
        key
    }

    /// A key whose bytes are written in place.
    #[must_use]
    pub fn filled(fill: impl FnOnce(&mut [u8; 32])) -> Self {
        let mut slot = Slot::take();
        fill(slot.bytes_mut());
        Self(slot)
    }

    /// The bytes. Do not copy them elsewhere.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        self.0.bytes()
    }

    /// A second copy in locked memory.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self::filled(|bytes| bytes.copy_from_slice(self.expose()))
    }
}

impl ConstantTimeEq for SecretKey {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.expose().ct_eq(other.expose())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_is_wiped() {
        let mut bytes = [7; 32];
        let key = SecretKey::from_bytes(&mut bytes);
        assert_eq!(bytes, [0; 32]);
        assert_eq!(key.expose(), &[7; 32]);
        assert!(bool::from(key.ct_eq(&key.duplicate())));
        assert!(!bool::from(key.ct_eq(&SecretKey::from_bytes(&mut [8; 32]))));
    }
}
