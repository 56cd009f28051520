//! Arithmetic in GF(2⁸) with Vault's polynomial, x⁸ + x⁴ + x³ + x + 1 (0x11B), in constant time.
//!
//! No tables and no branches: neither timing nor cache depends on the values (CVE-2023-25000 was a table).

use std::hint::black_box;

/// The product.
pub(crate) fn mul(a: u8, b: u8) -> u8 {
    let (mut a, mut b, mut product) = (a, b, 0u8);
    for _ in 0..8 {
        // All ones when the bit is set. The hint keeps the optimiser from turning the mask into a branch.
        product ^= a & black_box((b & 1).wrapping_neg());
        let carry = black_box((a >> 7).wrapping_neg());
        a = (a << 1) ^ (0x1b & carry);
        b >>= 1;
    }
    product
}

/// The multiplicative inverse; of 0, it is 0.
pub(crate) fn inverse(a: u8) -> u8 {
    // a²⁵⁴, since a²⁵⁵ = 1 for every a but 0.
    let square = |a| mul(a, a);
    let a2 = square(a);
    let a3 = mul(a2, a);
    let a12 = square(square(a3));
    let a15 = mul(a12, a3);
    let a240 = square(square(square(square(a15))));
    mul(mul(a240, a12), a2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gf256::gf256 as Oracle;

    #[test]
    fn every_product_agrees_with_another_implementation() {
        for a in 0..=u8::MAX {
            for b in 0..=u8::MAX {
                assert_eq!(
                    mul(a, b),
                    u8::from(field::Aes::from(a) * field::Aes::from(b))
                );
            }
        }
        // The other usual field gives other products: the test would notice.
        assert_ne!(mul(0x80, 2), u8::from(Oracle::from(0x80) * Oracle::from(2)));
    }

    #[test]
    fn every_inverse_inverts() {
        assert_eq!(inverse(0), 0);
        for a in 1..=u8::MAX {
            assert_eq!(mul(a, inverse(a)), 1, "of {a}");
        }
    }

    #[expect(clippy::manual_strip, reason = "in what the macro makes")]
    mod field {
        #[gf256::gf::gf(polynomial = 0x11b, generator = 0x3, naive)]
        pub(super) type Aes;
    }
}
