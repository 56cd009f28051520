//! Typed values of records: a version byte and the `postcard` form.

use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

/// A value that is kept in a record.
///
/// Its serde form is a disk format: only append fields in a new version, and teach [`Stored::decode`] the old one.
pub trait Stored: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Written before the value.
    const VERSION: u8;

    /// Reads a value of any version this software knows; `None` when it cannot be one.
    #[must_use]
    fn decode(version: u8, bytes: &[u8]) -> Option<Self> {
        (version == Self::VERSION)
            .then(|| postcard::from_bytes(bytes).ok())
            .flatten()
    }
}

/// The bytes of a value.
pub(crate) fn encode<T: Stored>(value: &T) -> Zeroizing<Vec<u8>> {
    let start = vec![T::VERSION];
    let bytes =
        postcard::to_extend(value, start).expect("values are plain data that postcard can hold");
    Zeroizing::new(bytes)
}

/// The value of some bytes.
pub(crate) fn decode<T: Stored>(bytes: &[u8]) -> Option<T> {
    let (version, rest) = bytes.split_first()?;
    T::decode(*version, rest)
}
