//! How long a padded plaintext is.
//!
//! Padmé keeps as many leading bits of a length as fit in the bits of its exponent, so a length of any size reveals
//! O(log log n) bits for at most 12 % more bytes. Below 64 bytes, where it hardly pads, everything is padded to 64.

/// Short secrets (passwords, tokens) all look like this many bytes.
const PADDED_BYTES_MIN: usize = 64;

/// The padded length of `length` bytes.
pub(crate) const fn padded_len(length: usize) -> usize {
    if length <= PADDED_BYTES_MIN {
        return PADDED_BYTES_MIN;
    }
    let exponent = length.ilog2();
    let kept_bits = exponent.ilog2() + 1;
    let mask = (1 << (exponent - kept_bits)) - 1;
    (length + mask) & !mask
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_lengths() {
        // From the definition in the PURBs paper (2019), section 4.
        for (length, padded) in [
            (0, 64),
            (1, 64),
            (64, 64),
            (65, 72),
            (72, 72),
            (73, 80),
            (100, 104),
            (1000, 1024),
            (1025, 1088),
            (1_048_576, 1_048_576),
            (1_048_577, 1_081_344),
        ] {
            assert_eq!(padded_len(length), padded, "of {length}");
        }
    }

    proptest! {
        #[test]
        fn never_shorter_and_hardly_longer(length in 0usize..4_000_000) {
            let padded = padded_len(length);
            prop_assert!(padded >= length);
            prop_assert!(length < 64 || (padded - length) * 100 <= length * 12);
            prop_assert_eq!(padded_len(padded), padded);
        }
    }
}
