//! Padding that blurs how long a plaintext is: at most 12 % more, and only O(log log n) bits of the length show (Padmé,
//! Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs", 2019).

use zeroize::Zeroizing;

/// Bytes of the length in front.
const PREFIX: usize = 4;

/// The padded length of `length` bytes.
const fn padme(length: usize) -> usize {
    if length < 2 {
        return length;
    }
    let exponent = length.ilog2();
    let kept = exponent.ilog2() + 1;
    if exponent < kept {
        return length;
    }
    let mask = (1usize << (exponent - kept)) - 1;
    (length + mask) & !mask
}

/// Length, plaintext, zeroes. `None` when the length does not fit its prefix.
pub(crate) fn pad(plaintext: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let length = u32::try_from(plaintext.len()).ok()?;
    let mut padded = Zeroizing::new(Vec::with_capacity(padme(PREFIX + plaintext.len())));
    padded.extend_from_slice(&length.to_be_bytes());
    padded.extend_from_slice(plaintext);
    padded.resize(padme(PREFIX + plaintext.len()), 0);
    Some(padded)
}

/// The plaintext of [`pad`]'s result; `None` when it cannot be one.
pub(crate) fn unpad(mut padded: Zeroizing<Vec<u8>>) -> Option<Zeroizing<Vec<u8>>> {
    let prefix = padded.first_chunk::<PREFIX>()?;
    let length = usize::try_from(u32::from_be_bytes(*prefix)).ok()?;
    let end = PREFIX.checked_add(length)?;
    if end > padded.len() || padme(end) != padded.len() {
        return None;
    }
    padded.copy_within(PREFIX..end, 0);
    padded.truncate(length);
    Some(padded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn padded_lengths_are_as_published() {
        for (length, padded) in [
            (0, 0),
            (1, 1),
            (8, 8),
            (9, 10),
            (100, 104),
            (1000, 1024),
            (1_000_001, 1_015_808),
        ] {
            assert_eq!(padme(length), padded, "{length}");
        }
    }

    proptest! {
        #[test]
        fn unpad_undoes_pad_and_the_cost_is_small(plaintext in proptest::collection::vec(any::<u8>(), 0..3000)) {
            let padded = pad(&plaintext).unwrap();
            prop_assert!(padded.len() <= (plaintext.len() + PREFIX) * 112 / 100 + 1);
            let back = unpad(padded);
            prop_assert_eq!(back.as_deref(), Some(&plaintext));
        }
    }
}
