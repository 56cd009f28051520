//! One share, and the text forms it is written in.

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use holdfast_memory::SecretKey;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A share: 32 bytes and its index, as Vault lays it out (`y ‖ x`). The only share of a set of one is the key itself and has
/// index 0.
///
/// No `Debug`, no `Clone`: it is as secret as a part of the key.
pub struct Share {
    bytes: Zeroizing<Vec<u8>>,
}

/// A text that is no share. Never carries the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a share in hexadecimal or base64")]
pub struct ShareFormError;

const SINGLE: usize = 32;
const WITH_INDEX: usize = 33;

impl Share {
    pub(crate) fn new(value: &[u8; 32], index: u8) -> Self {
        let mut bytes = Zeroizing::new(Vec::with_capacity(WITH_INDEX));
        bytes.extend_from_slice(value);
        if index != 0 {
            bytes.push(index);
        }
        Self { bytes }
    }

    /// Reads hexadecimal, base64 with padding, or URL-safe base64 without.
    ///
    /// # Errors
    /// When it is none of these, or not 32 or 33 bytes, or its index is 0.
    pub fn parse(text: &str) -> Result<Self, ShareFormError> {
        let text = text.trim();
        let bytes = match text.len() {
            64 | 66 => base16ct::mixed::decode_vec(text).ok(),
            43 | 44 => Base64::decode_vec(text)
                .or_else(|_| Base64UrlUnpadded::decode_vec(text))
                .ok(),
            _ => None,
        };
        let bytes = Zeroizing::new(bytes.ok_or(ShareFormError)?);
        match bytes.len() {
            SINGLE => Ok(Self { bytes }),
            WITH_INDEX if bytes.last() != Some(&0) => Ok(Self { bytes }),
            _ => Err(ShareFormError),
        }
    }

    /// The point at which it was taken, 1 to 255; 0 for the only share of a set of one.
    #[must_use]
    pub fn index(&self) -> u8 {
        self.bytes.get(SINGLE).copied().unwrap_or(0)
    }

    /// The 32 bytes without the index.
    pub(crate) fn value(&self) -> &[u8] {
        self.bytes.get(..SINGLE).unwrap_or_default()
    }

    /// The key itself, for the only share of a set of one.
    pub(crate) fn to_key(&self) -> SecretKey {
        let mut bytes = Zeroizing::new([0; SINGLE]);
        bytes.copy_from_slice(self.value());
        SecretKey::from_bytes(&mut bytes)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Hexadecimal, as in Vault's `keys`.
    #[must_use]
    pub fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(base16ct::lower::encode_string(&self.bytes))
    }

    /// Base64 with padding, as in Vault's `keys_base64`.
    #[must_use]
    pub fn to_base64(&self) -> Zeroizing<String> {
        Zeroizing::new(Base64::encode_string(&self.bytes))
    }
}

impl ConstantTimeEq for Share {
    fn ct_eq(&self, other: &Self) -> subtle::Choice {
        self.bytes.ct_eq(&other.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_form_reads_back() {
        for index in [0, 1, 0x7f, 0xff] {
            let value: [u8; 32] = std::array::from_fn(|at| u8::try_from(at * 37 % 256).unwrap());
            let share = Share::new(&value, index);
            let base64 = share.to_base64();
            let url = base64
                .trim_end_matches('=')
                .replace('+', "-")
                .replace('/', "_");
            for text in [
                share.to_hex().as_str(),
                &share.to_hex().to_uppercase(),
                base64.as_str(),
                &url,
            ] {
                let back = Share::parse(&format!(" {text}\n")).unwrap();
                assert!(bool::from(back.ct_eq(&share)), "{} characters", text.len());
                assert_eq!(back.index(), index);
            }
        }
    }

    #[test]
    fn base64_is_the_usual_one() {
        let share = Share::new(&[0xff; 32], 0xfe);
        assert_eq!(
            share.to_base64().as_str(),
            "///////////////////////////////////////////+"
        );
        assert_eq!(share.to_hex().as_str(), format!("{}fe", "ff".repeat(32)));
    }

    #[test]
    fn what_is_no_share_is_refused() {
        let zero_index = format!("{}00", "ab".repeat(32));
        for text in [
            "",
            "abc",
            &"g".repeat(66),
            &"ab".repeat(31),
            &zero_index,
            &"!".repeat(44),
        ] {
            assert!(Share::parse(text).is_err());
        }
    }
}
