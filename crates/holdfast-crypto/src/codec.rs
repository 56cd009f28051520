//! Reading and writing the key ring's stored form without leaving copies of keys behind.

use crate::ring_key::KeyringDecodeError;
use holdfast_memory::SecretKey;
use zeroize::Zeroizing;

/// Writes into a buffer that never grows, so that no old block is left unwiped.
pub(crate) struct Writer(Zeroizing<Vec<u8>>);

impl Writer {
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self(Zeroizing::new(Vec::with_capacity(bytes)))
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        assert!(
            self.0.len() + bytes.len() <= self.0.capacity(),
            "the length was computed before"
        );
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn u8(&mut self, value: u8) {
        self.bytes(&[value]);
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.bytes(&value.to_be_bytes());
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.bytes(&value.to_be_bytes());
    }

    pub(crate) fn count16(&mut self, count: usize) {
        let count = u16::try_from(count).expect("the ring keeps its lists below 65 536 entries");
        self.bytes(&count.to_be_bytes());
    }

    pub(crate) fn count32(&mut self, count: usize) {
        self.u32(u32::try_from(count).expect("the ring keeps below 1 MiB"));
    }

    pub(crate) fn finish(self) -> Zeroizing<Vec<u8>> {
        self.0
    }
}

/// Reads from the front of a slice.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    fn chunk<const N: usize>(&mut self) -> Result<&'a [u8; N], KeyringDecodeError> {
        let (chunk, rest) = self
            .0
            .split_first_chunk()
            .ok_or(KeyringDecodeError::Length)?;
        self.0 = rest;
        Ok(chunk)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], KeyringDecodeError> {
        self.chunk().copied()
    }

    pub(crate) fn u8(&mut self) -> Result<u8, KeyringDecodeError> {
        self.array().map(u8::from_be_bytes)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, KeyringDecodeError> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, KeyringDecodeError> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, KeyringDecodeError> {
        self.array().map(u64::from_be_bytes)
    }

    /// A key, straight into locked memory.
    pub(crate) fn key(&mut self) -> Result<SecretKey, KeyringDecodeError> {
        let bytes = self.chunk::<32>()?;
        Ok(SecretKey::fill_with(|key| key.copy_from_slice(bytes)))
    }

    pub(crate) const fn finish(self) -> Result<(), KeyringDecodeError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(KeyringDecodeError::Length)
        }
    }
}
