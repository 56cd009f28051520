//! `X-Vault-Index`: where in the log an answer stands, as clients carry it from an answer to the next read.
//!
//! Most clients treat it as opaque. Vault's Go client does not: of two answers it keeps the later, which it can only tell
//! when the value reads `v1:<cluster>:<local index>:<replicated index>:<mac>`. Otherwise it keeps whichever came last,
//! and a slow read beside a write would make it forget the write. So ours is that form in base64, with our one index
//! twice and no mac: an index is a wish to wait, not a secret or a right.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const MARK: &str = "v1:hf:";
/// Longest header value that is looked at.
const BYTES_MAX: usize = 64;

/// The header's value.
pub(crate) fn encode(index: u64) -> String {
    STANDARD.encode(format!("{MARK}{index}:{index}:"))
}

/// The index, if the value is one of ours.
pub(crate) fn decode(value: &str) -> Option<u64> {
    if value.len() > BYTES_MAX {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(value.trim()).ok()?).ok()?;
    let (digits, _) = text.strip_prefix(MARK)?.split_once(':')?;
    let index: u64 = digits.parse().ok()?;
    (encode(index) == value.trim()).then_some(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_as_it_went() {
        for index in [0, 1, 42, u64::MAX] {
            assert_eq!(decode(&encode(index)), Some(index));
        }
        assert_eq!(encode(42), STANDARD.encode("v1:hf:42:42:"));
        for bad in [
            "",
            "42",
            "!!",
            "djE6YTpiOmM=",
            &STANDARD.encode("v1:hf:+4:4:"),
            &STANDARD.encode("v1:hf:4:5:"),
            &STANDARD.encode("v1:hf:4:4"),
            &STANDARD.encode("v1:other:4:4:"),
            &"a".repeat(1000),
        ] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }
}
