//! What a token looks like: `hfs.`, 32 random bytes in base 62, and six characters of checksum, so that scanners for lost
//! secrets know one when they see it. Nothing is concluded from a token's looks: any text may be a token.

use zeroize::Zeroizing;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// What service tokens begin with.
pub(crate) const PREFIX: &str = "hfs.";
/// 62⁴³ > 2²⁵⁶.
const BODY_LEN: usize = 43;
/// 62⁶ > 2³².
const CHECK_LEN: usize = 6;
/// 62²² > 2¹²⁸.
const ACCESSOR_LEN: usize = 22;

/// The token of some random bytes.
pub(crate) fn token(random: &[u8; 32]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + BODY_LEN + CHECK_LEN));
    text.push_str(PREFIX);
    push_base62(&mut text, random, BODY_LEN);
    let check = crc32fast::hash(text.as_bytes()).to_be_bytes();
    push_base62(&mut text, &check, CHECK_LEN);
    text
}

/// The accessor of some random bytes.
pub(crate) fn accessor(random: &[u8; 16]) -> String {
    let mut text = String::with_capacity(ACCESSOR_LEN);
    push_base62(&mut text, random, ACCESSOR_LEN);
    text
}

/// Appends a big-endian number as `length` digits.
fn push_base62(out: &mut String, number: &[u8], length: usize) {
    let mut number = Zeroizing::new(number.to_vec());
    let mut digits = Zeroizing::new(vec![b'0'; length]);
    for digit in digits.iter_mut().rev() {
        let mut remainder: u16 = 0;
        for byte in number.iter_mut() {
            let value = remainder << 8 | u16::from(*byte);
            *byte = u8::try_from(value / 62)
                .expect("the remainder is below 62, so the quotient is below 256");
            remainder = value % 62;
        }
        *digit = DIGITS[usize::from(remainder)];
    }
    debug_assert!(number.iter().all(|byte| *byte == 0), "the digits suffice");
    out.extend(digits.iter().map(|digit| char::from(*digit)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_texts() {
        // From an independent implementation.
        let counting: [u8; 32] = std::array::from_fn(|i| u8::try_from(i).unwrap());
        for (random, golden) in [
            (
                [0; 32],
                "hfs.00000000000000000000000000000000000000000004UQd7D",
            ),
            (
                [255; 32],
                "hfs.yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp11jXH4t",
            ),
            (
                counting,
                "hfs.003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf3xTU6N",
            ),
        ] {
            assert_eq!(token(&random).as_str(), golden);
        }
        assert_eq!(accessor(&[0; 16]), "0".repeat(22));
        assert_eq!(accessor(&[255; 16]), "7n42DGM5Tflk9n8mt7Fhc7");
    }

    #[test]
    fn the_checksum_covers_everything_before_it() {
        let text = token(&[7; 32]);
        let (body, check) = text.split_at(47);
        let mut expected = String::new();
        push_base62(
            &mut expected,
            &crc32fast::hash(body.as_bytes()).to_be_bytes(),
            6,
        );
        assert_eq!(check, expected);
        assert_ne!(token(&[8; 32])[47..], *check);
    }
}
