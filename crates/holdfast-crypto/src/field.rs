//! Arithmetic in GF(2⁸) modulo x⁸ + x⁴ + x³ + x + 1 (0x11B), without tables and without branches on values: what is
//! computed shows in neither time nor cache.

/// Product.
pub(crate) fn mul(a: u8, b: u8) -> u8 {
    let (mut a, mut b, mut product) = (a, b, 0u8);
    for _ in 0..8 {
        product ^= a & 0u8.wrapping_sub(b & 1);
        let carry = 0u8.wrapping_sub(a >> 7);
        a = (a << 1) ^ (0x1b & carry);
        b >>= 1;
    }
    product
}

/// Multiplicative inverse, a²⁵⁴; 0 for 0.
pub(crate) fn inverse(a: u8) -> u8 {
    let square = |x| mul(x, x);
    // 254 = 2 + 4 + 8 + 16 + 32 + 64 + 128.
    let mut power = square(a);
    let mut product = power;
    for _ in 0..6 {
        power = square(power);
        product = mul(product, power);
    }
    product
}

#[cfg(test)]
#[expect(clippy::manual_strip, reason = "in the code that the macro makes")]
mod tests {
    use super::*;
    use gf256::gf::gf;

    #[gf(polynomial = 0x11b, generator = 0x3)]
    type Rijndael;

    #[test]
    fn every_product_agrees_with_another_implementation() {
        for a in 0..=255u8 {
            for b in 0..=255u8 {
                assert_eq!(mul(a, b), u8::from(Rijndael::new(a) * Rijndael::new(b)), "{a} × {b}");
            }
        }
    }

    #[test]
    fn every_inverse_inverts() {
        assert_eq!(inverse(0), 0);
        for a in 1..=255u8 {
            assert_eq!(mul(a, inverse(a)), 1, "{a}");
        }
    }
}
