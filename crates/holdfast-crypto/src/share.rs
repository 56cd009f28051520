//! One share of a seal key and its text forms.
//!
//! ```text
//! y (32) ‖ x (1)     a point; x is 1 to 255
//! key (32)           the key itself, when there is one share only
//! ```
//! As text: hexadecimal, base64 with padding, or base64 for URLs without. Reading and printing take no table by secret.

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use holdfast_memory::SecretKey;
use zeroize::Zeroizing;

/// Bytes of a point.
const POINT_LEN: usize = 33;
/// Bytes of a key that is its own share.
const WHOLE_LEN: usize = 32;
/// The longest form is 66 hexadecimal digits.
const TEXT_LEN_MAX: usize = 2 * POINT_LEN;

/// One share, in locked memory.
pub struct Share {
    index: u8,
    value: SecretKey,
}

/// Why a text is not a share. Never carries the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShareTextError {
    /// Neither hexadecimal nor base64, or not 32 or 33 bytes long.
    #[error("a share is 33 bytes in hexadecimal or base64")]
    Malformed,
    /// A point at 0 would be the key.
    #[error("a share's index is 1 to 255")]
    Index,
}

impl Share {
    /// The point at `index`; index 0 stands for a key that is its own share.
    pub(crate) const fn new(index: u8, value: SecretKey) -> Self {
        Self { index, value }
    }

    /// Where the point lies, 1 to 255; 0 when the share is the key itself. Not a secret.
    #[must_use]
    pub const fn index(&self) -> u8 {
        self.index
    }

    pub(crate) const fn value(&self) -> &SecretKey {
        &self.value
    }

    /// Reads a share in any text form; space around it is ignored.
    ///
    /// # Errors
    /// When it is not the text of a share.
    pub fn parse(text: &str) -> Result<Self, ShareTextError> {
        let text = text.trim_ascii().as_bytes();
        if text.len() > TEXT_LEN_MAX {
            return Err(ShareTextError::Malformed);
        }
        let mut buffer = Zeroizing::new([0; TEXT_LEN_MAX]);
        let decoded = match text.len() {
            64 | 66 => base16ct::mixed::decode(text, &mut *buffer).ok(),
            _ => None,
        };
        let length = match decoded {
            Some(bytes) => bytes.len(),
            None => match Base64::decode(text, &mut *buffer) {
                Ok(bytes) => bytes.len(),
                Err(_) => Base64UrlUnpadded::decode(text, &mut *buffer)
                    .map_err(|_| ShareTextError::Malformed)?
                    .len(),
            },
        };
        Self::from_bytes(buffer.get(..length).ok_or(ShareTextError::Malformed)?)
    }

    /// Reads the binary form.
    ///
    /// # Errors
    /// When it is not 32 or 33 bytes, or the index of a point is 0.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ShareTextError> {
        let index = match bytes.len() {
            WHOLE_LEN => 0,
            POINT_LEN if bytes[WHOLE_LEN] == 0 => return Err(ShareTextError::Index),
            POINT_LEN => bytes[WHOLE_LEN],
            _ => return Err(ShareTextError::Malformed),
        };
        let value = SecretKey::fill_with(|value| value.copy_from_slice(&bytes[..WHOLE_LEN]));
        Ok(Self { index, value })
    }

    /// The binary form.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(POINT_LEN));
        bytes.extend_from_slice(self.value.expose());
        if self.index != 0 {
            bytes.push(self.index);
        }
        bytes
    }

    /// Lower-case hexadecimal, as in Vault's `keys`.
    #[must_use]
    pub fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(base16ct::lower::encode_string(&self.to_bytes()))
    }

    /// Base64 with padding, as in Vault's `keys_base64`.
    #[must_use]
    pub fn to_base64(&self) -> Zeroizing<String> {
        Zeroizing::new(Base64::encode_string(&self.to_bytes()))
    }

    /// A second copy in locked memory.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self {
            index: self.index,
            value: self.value.duplicate(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share() -> Share {
        let mut bytes: Vec<u8> = (0..32).map(|i: u8| i.wrapping_mul(37) ^ 0xfb).collect();
        bytes.push(0xe1);
        Share::from_bytes(&bytes).expect("a point")
    }

    fn same(a: &Share, b: &Share) -> bool {
        a.to_bytes() == b.to_bytes()
    }

    fn parse(text: &str) -> Result<Share, ShareTextError> {
        Share::parse(text)
    }

    #[test]
    fn every_text_form_is_read() {
        let share = share();
        let hex = share.to_hex();
        let base64 = share.to_base64();
        let url = Base64UrlUnpadded::encode_string(&share.to_bytes());
        assert!(
            base64.contains(['+', '/']) && url.contains(['-', '_']),
            "the forms differ here"
        );
        for text in [
            hex.as_str(),
            &hex.to_uppercase(),
            base64.as_str(),
            &url,
            &format!("  {}\n", base64.as_str()),
        ] {
            assert!(
                parse(text).is_ok_and(|read| same(&read, &share)),
                "{} long",
                text.len()
            );
        }
        assert_eq!(hex.len(), 66);
        assert_eq!(base64.len(), 44);
    }

    #[test]
    fn a_whole_key_is_its_own_share() {
        let whole = Share::from_bytes(&[0x9f; 32]).expect("a key");
        assert_eq!(whole.index(), 0);
        for text in [whole.to_hex(), whole.to_base64()] {
            assert!(parse(&text).is_ok_and(|read| same(&read, &whole)));
        }
        let url = Base64UrlUnpadded::encode_string(&[0x9f; 32]);
        assert!(parse(&url).is_ok_and(|read| same(&read, &whole)));
    }

    #[test]
    fn what_is_not_a_share_is_refused() {
        let long = "a".repeat(10_000);
        for text in [
            "",
            "zz",
            "00",
            &"0".repeat(65),
            &"g".repeat(66),
            &"A".repeat(43),
            &long,
            "é",
        ] {
            let refused = parse(text).err();
            // 43 letters are 32 bytes in base64 for URLs.
            let expected = if text.len() == 43 {
                None
            } else {
                Some(ShareTextError::Malformed)
            };
            assert_eq!(refused, expected, "{} long", text.len());
        }
        assert_eq!(parse(&"0".repeat(66)).err(), Some(ShareTextError::Index));
        assert_eq!(
            Share::from_bytes(&[1; 34]).err(),
            Some(ShareTextError::Malformed)
        );
    }
}
