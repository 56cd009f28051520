//! The stored and sent form of a command: a format byte, then `postcard`. Strict: what does not decode wholly is refused.

use crate::command::Command;
use holdfast_types::limits::TXN_BYTES_MAX;

const FORMAT: u8 = 1;

/// Why bytes are not a command, or a command has no bytes. Carries no content.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CodecError {
    /// Longer than 8 MiB.
    #[error("the command is larger than 8 MiB")]
    TooLarge,
    /// Another format byte than 1: written by a newer version.
    #[error("the command's format is unknown")]
    Format,
    /// Truncated, followed by other bytes, or not a command.
    #[error("the command is malformed")]
    Malformed,
}

impl Command {
    /// The stored form.
    ///
    /// # Errors
    /// When it would be larger than `TXN_BYTES_MAX`.
    pub fn encode(&self) -> Result<Vec<u8>, CodecError> {
        let bytes = postcard::to_extend(self, vec![FORMAT]).map_err(|_| CodecError::Malformed)?;
        if bytes.len() > TXN_BYTES_MAX {
            return Err(CodecError::TooLarge);
        }
        Ok(bytes)
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// When the bytes are not exactly one command of a known format.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        if bytes.len() > TXN_BYTES_MAX {
            return Err(CodecError::TooLarge);
        }
        let (&format, body) = bytes.split_first().ok_or(CodecError::Malformed)?;
        if format != FORMAT {
            return Err(CodecError::Format);
        }
        match postcard::take_from_bytes(body) {
            Ok((command, [])) => Ok(command),
            _ => Err(CodecError::Malformed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{Put, Transaction, Write};
    use holdfast_types::TxnId;
    use proptest::prelude::*;

    #[test]
    fn refuses_what_is_not_exactly_one_command() {
        let command = Command::Tick {
            proposed_at_ms: 300,
        };
        let bytes = command.encode().unwrap();
        assert_eq!(Command::decode(&bytes), Ok(command));
        assert_eq!(Command::decode(&[]), Err(CodecError::Malformed));
        assert_eq!(Command::decode(&bytes[..2]), Err(CodecError::Malformed));
        let mut longer = bytes.clone();
        longer.push(0);
        assert_eq!(Command::decode(&longer), Err(CodecError::Malformed));
        let mut newer = bytes;
        newer[0] = 2;
        assert_eq!(Command::decode(&newer), Err(CodecError::Format));
    }

    #[test]
    fn has_a_size_limit() {
        let huge = Command::Transaction(Transaction {
            txn_id: TxnId([0; 16]),
            proposed_at_ms: 0,
            asserts: Vec::new(),
            writes: vec![Write::Put(Put {
                key: vec![2],
                replaces: 0,
                value: vec![0; TXN_BYTES_MAX],
            })],
        });
        assert_eq!(huge.encode(), Err(CodecError::TooLarge));
        assert_eq!(
            Command::decode(&vec![1; TXN_BYTES_MAX + 1]),
            Err(CodecError::TooLarge)
        );
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut framed = vec![FORMAT];
            framed.extend_from_slice(&bytes);
            let _ = Command::decode(&framed);
        }
    }
}
