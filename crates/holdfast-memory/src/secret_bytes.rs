//! Keys and other secrets of a fixed length.

use crate::SecretBox;
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroize;

/// `N` secret bytes in locked memory, wiped on drop. Not cloned, printed or serialised by accident.
pub struct SecretBytes<const N: usize>(SecretBox<[u8; N]>);

/// A 256-bit key.
pub type SecretKey = SecretBytes<32>;

impl<const N: usize> SecretBytes<N> {
    /// Takes the bytes over and wipes where they came from.
    #[must_use]
    pub fn from_bytes(source: &mut [u8; N]) -> Self {
        let secret = Self::fill_with(|bytes| bytes.copy_from_slice(source));
        source.zeroize();
        secret
    }

    /// Lets `fill` write the bytes in place; they are zeros before.
    ///
    /// `fill` must not hand the buffer to a system call (`getrandom`, `read`): the kernel cannot write there.
    #[must_use]
    pub fn fill_with(fill: impl FnOnce(&mut [u8; N])) -> Self {
        let mut secret = SecretBox::new([0; N]);
        fill(secret.expose_mut());
        Self(secret)
    }

    /// The bytes. Do not copy them to where they would outlive their use.
    #[must_use]
    pub const fn expose(&self) -> &[u8; N] {
        self.0.expose()
    }

    /// A second copy in locked memory. Explicit, so that it is seen in review.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self::fill_with(|bytes| bytes.copy_from_slice(self.expose()))
    }
}

impl<const N: usize> ConstantTimeEq for SecretBytes<N> {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.expose().as_slice().ct_eq(other.expose().as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taking_over_wipes_the_source() {
        let mut source = [7; 32];
        let key = SecretKey::from_bytes(&mut source);
        assert_eq!(source, [0; 32]);
        assert_eq!(key.expose(), &[7; 32]);
    }

    #[test]
    fn equality_looks_at_every_byte() {
        let key = SecretKey::fill_with(|bytes| bytes.fill(9));
        assert!(bool::from(key.ct_eq(&key.duplicate())));
        for at in 0..32 {
            let other = SecretKey::fill_with(|bytes| {
                bytes.fill(9);
                bytes[at] ^= 1;
            });
            assert!(!bool::from(key.ct_eq(&other)));
        }
    }

    #[test]
    fn a_copy_outlives_its_original() {
        let key = SecretBytes::<33>::from_bytes(&mut [3; 33]);
        let copy = key.duplicate();
        drop(key);
        assert_eq!(copy.expose(), &[3; 33]);
    }

    #[test]
    fn many_keys_share_pages() {
        let keys: Vec<_> = (0..1000u16)
            .map(|i| SecretKey::fill_with(|bytes| bytes[..2].copy_from_slice(&i.to_be_bytes())))
            .collect();
        let pages: std::collections::BTreeSet<_> = keys
            .iter()
            .map(|key| key.expose().as_ptr().addr() / 4096)
            .collect();
        // 1000 × 32 bytes fill 8 pages; other tests may have left holes.
        assert!(pages.len() < 32, "{} pages", pages.len());
        for (i, key) in (0..1000u16).zip(&keys) {
            assert_eq!(key.expose()[..2], i.to_be_bytes());
        }
    }

    #[test]
    fn keys_are_made_and_dropped_from_many_threads() {
        std::thread::scope(|scope| {
            for thread in 0..4u8 {
                scope.spawn(move || {
                    for round in 0..200u8 {
                        let mark = thread.wrapping_mul(60).wrapping_add(round);
                        let key = SecretKey::from_bytes(&mut [mark; 32]);
                        std::thread::yield_now();
                        assert_eq!(key.expose(), &[mark; 32]);
                    }
                });
            }
        });
    }
}
