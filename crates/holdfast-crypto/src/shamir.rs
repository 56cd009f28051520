//! Shamir's scheme over GF(2⁸), byte by byte, with Vault's layout of shares.
//!
//! Every coefficient but the constant is uniform over all 256 values, zero included: a scheme that avoids zero leaks with
//! every sharing of one secret.

use crate::field::{inverse, mul};
use crate::share::Share;
use holdfast_memory::SecretKey;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

/// Why a key cannot be split so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// No shares, a threshold of 0 or above their number, or of 1 with several shares.
    #[error("the threshold must be 2 to the number of shares, or both must be 1")]
    Threshold,
}

/// Why shares do not combine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CombineError {
    /// None, or one that is not alone in its set.
    #[error("too few shares")]
    TooFew,
    /// Two with one index, or the share of a set of one among others.
    #[error("two shares have the same index")]
    SameIndex,
}

/// Splits a key into `shares` of which `threshold` rebuild it.
///
/// # Errors
/// When the numbers cannot be.
pub fn split(
    key: &SecretKey,
    shares: u8,
    threshold: u8,
    rng: &mut impl CryptoRng,
) -> Result<Vec<Share>, SplitError> {
    if shares == 1 && threshold == 1 {
        return Ok(vec![Share::new(key.expose(), 0)]);
    }
    if threshold < 2 || threshold > shares {
        return Err(SplitError::Threshold);
    }
    let points = distinct_points(shares, rng);
    // Coefficients by degree, 1 to threshold - 1, each a polynomial coefficient for all 32 bytes.
    let mut coefficients: Vec<Zeroizing<[u8; 32]>> = Vec::with_capacity(usize::from(threshold - 1));
    for _ in 1..threshold {
        let mut coefficient = Zeroizing::new([0; 32]);
        rng.fill_bytes(coefficient.as_mut());
        coefficients.push(coefficient);
    }
    Ok(points
        .into_iter()
        .map(|x| Share::new(&evaluate(key, &coefficients, x), x))
        .collect())
}

/// Horner's rule, from the highest degree down to the key itself.
fn evaluate(key: &SecretKey, coefficients: &[Zeroizing<[u8; 32]>], x: u8) -> Zeroizing<[u8; 32]> {
    let mut y = Zeroizing::new([0; 32]);
    let constant = key.expose();
    for at in 0..32 {
        let mut sum = 0;
        for coefficient in coefficients.iter().rev() {
            sum = mul(sum, x) ^ coefficient[at];
        }
        y[at] = mul(sum, x) ^ constant[at];
    }
    y
}

/// Random points, all different, none zero: the first of a shuffle of 1 to 255.
fn distinct_points(count: u8, rng: &mut impl CryptoRng) -> Vec<u8> {
    let mut points: Vec<u8> = (1..=255).collect();
    for at in 0..usize::from(count) {
        let left = points.len() - at;
        points.swap(at, at + below(left, rng));
    }
    points.truncate(usize::from(count));
    points
}

/// A uniform number below `limit`, at most 255.
fn below(limit: usize, rng: &mut impl CryptoRng) -> usize {
    // Numbers from the last, incomplete stretch would favour the low ones.
    let fair = 256 - 256 % limit;
    loop {
        let mut byte = [0];
        rng.fill_bytes(&mut byte);
        let candidate = usize::from(byte[0]);
        if candidate < fair {
            return candidate % limit;
        }
    }
}

/// Rebuilds the key from shares: Lagrange interpolation at zero. Too few of them give another key without a sign; check the
/// number against the threshold and the result by what it opens.
///
/// # Errors
/// When there are none, or two have one index.
pub fn combine(shares: &[Share]) -> Result<SecretKey, CombineError> {
    if let [single] = shares
        && single.index() == 0
    {
        return Ok(single.to_key());
    }
    if shares.len() < 2 {
        return Err(CombineError::TooFew);
    }
    let mut seen = [false; 256];
    for share in shares {
        let taken = &mut seen[usize::from(share.index())];
        if std::mem::replace(taken, true) || share.index() == 0 {
            return Err(CombineError::SameIndex);
        }
    }
    let mut sum = Zeroizing::new([0u8; 32]);
    for share in shares {
        let mut weight = 1;
        for other in shares.iter().filter(|other| other.index() != share.index()) {
            weight = mul(
                weight,
                mul(other.index(), inverse(other.index() ^ share.index())),
            );
        }
        for (total, byte) in sum.iter_mut().zip(share.value()) {
            *total ^= mul(*byte, weight);
        }
    }
    Ok(SecretKey::from_bytes(&mut sum))
}
