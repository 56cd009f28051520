//! Identifiers. Each is a type of its own, so that one cannot stand where another is meant.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A node's number in its cluster: 1 or more, chosen in the configuration, never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeId(pub u64);

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Why a text is not an identifier. Never carries the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The text is not 36 characters of hyphenated hexadecimal.
    #[error("an id is 32 hexadecimal digits in groups of 8-4-4-4-12")]
    Malformed,
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// Sixteen random bytes, printed in the usual hyphenated form.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub [u8; 16]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                for (i, byte) in self.0.iter().enumerate() {
                    if matches!(i, 4 | 6 | 8 | 10) {
                        f.write_str("-")?;
                    }
                    write!(f, "{byte:02x}")?;
                }
                Ok(())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                parse_hyphenated(text).map(Self)
            }
        }
    };
}

uuid_id!(
    /// The cluster, made once when it is initialised. Part of every record's associated data.
    ClusterId
);
uuid_id!(
    /// A namespace. The root namespace is all zeros.
    NamespaceId
);
uuid_id!(
    /// One mount of an engine or auth method; stays the same when the mount moves.
    MountId
);
uuid_id!(
    /// One data directory, made when it is first opened, so that a wiped node is told from the one it replaces.
    StoreId
);
uuid_id!(
    /// One transaction, so that proposing it again is recognised.
    TxnId
);

impl NamespaceId {
    /// The namespace that every cluster has.
    pub const ROOT: Self = Self([0; 16]);
}

fn parse_hyphenated(text: &str) -> Result<[u8; 16], IdError> {
    let bytes = text.as_bytes();
    if bytes.len() != 36 {
        return Err(IdError::Malformed);
    }
    let mut out = [0u8; 16];
    let mut nibbles = 0usize;
    for (i, byte) in bytes.iter().enumerate() {
        if matches!(i, 8 | 13 | 18 | 23) {
            if *byte != b'-' {
                return Err(IdError::Malformed);
            }
            continue;
        }
        let digit = char::from(*byte).to_digit(16).ok_or(IdError::Malformed)?;
        let digit = u8::try_from(digit).map_err(|_| IdError::Malformed)?;
        out[nibbles / 2] = (out[nibbles / 2] << 4) | digit;
        nibbles += 1;
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_and_parses_the_hyphenated_form() {
        let id = MountId([
            0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0, 1, 2, 3, 4, 5, 6, 7,
        ]);
        let text = id.to_string();
        assert_eq!(text, "01234567-89ab-cdef-0001-020304050607");
        assert_eq!(text.parse::<MountId>(), Ok(id));
    }

    #[test]
    fn refuses_what_is_not_an_id() {
        for bad in [
            "",
            "0123",
            "01234567-89ab-cdef-0001-02030405060g",
            "0123456789abcdef0001020304050607aaaa",
        ] {
            assert_eq!(bad.parse::<MountId>(), Err(IdError::Malformed));
        }
    }
}
