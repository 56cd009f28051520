//! `X-Vault-Index`: where in the log an answer stands, as clients carry it from an answer to the next read.
//!
//! Clients treat it as opaque. Ours is base64 of `hf1:<index>`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const MARK: &str = "hf1:";
/// Longest header value that is looked at.
const BYTES_MAX: usize = 64;

/// The header's value.
pub(crate) fn encode(index: u64) -> String {
    STANDARD.encode(format!("{MARK}{index}"))
}

/// The index, if the value is one of ours.
pub(crate) fn decode(value: &str) -> Option<u64> {
    if value.len() > BYTES_MAX {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(value.trim()).ok()?).ok()?;
    let digits = text.strip_prefix(MARK)?;
    let index: u64 = digits.parse().ok()?;
    (index.to_string() == digits).then_some(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_as_it_went() {
        for index in [0, 1, 42, u64::MAX] {
            assert_eq!(decode(&encode(index)), Some(index));
        }
        assert_eq!(encode(42), "aGYxOjQy");
        for bad in [
            "",
            "42",
            "!!",
            "djE6YTpiOmM=",
            &STANDARD.encode("hf1:+4"),
            &"a".repeat(1000),
        ] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }
}
