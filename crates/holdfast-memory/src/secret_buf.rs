//! Plaintext of any length.

use std::ops::Deref;
use zeroize::Zeroizing;

/// Plaintext bytes on the heap, wiped on drop. It does not grow, so it leaves no copies behind.
pub struct SecretBuf(Zeroizing<Vec<u8>>);

impl SecretBuf {
    /// A copy of some bytes.
    #[must_use]
    pub fn copy_of(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }

    /// The bytes, to be grown only by those who reserved enough: growth moves them without wiping.
    #[must_use]
    pub fn into_inner(self) -> Zeroizing<Vec<u8>> {
        self.0
    }
}

impl From<Vec<u8>> for SecretBuf {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl From<Zeroizing<Vec<u8>>> for SecretBuf {
    fn from(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }
}

impl Deref for SecretBuf {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for SecretBuf {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_what_it_was_given() {
        let buffer = SecretBuf::copy_of(b"plain");
        assert_eq!(&*buffer, b"plain");
        assert_eq!(*buffer.into_inner(), b"plain".to_vec());
        assert_eq!(SecretBuf::from(vec![1, 2]).as_ref(), [1, 2]);
    }
}
