//! Splitting a key into shares and rebuilding it.
//!
//! Shamir over GF(2⁸), byte by byte, in Vault's layout. Coefficients are uniform, zero included (leaving zero out leaks
//! the secret over many splits: RUSTSEC-2024-0398); indexes are distinct and random.

use crate::gf256::{inverse, mul};
use crate::share::Share;
use holdfast_memory::SecretKey;
use rand_core::CryptoRng;
use zeroize::{Zeroize, Zeroizing};

const KEY_LEN: usize = 32;

/// Why a key cannot be split so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// At least one share.
    #[error("there must be at least one share")]
    NoShares,
    /// A threshold is 1 to the number of shares.
    #[error("the threshold must be 1 to the number of shares")]
    Threshold,
    /// With threshold 1 every share would be the key.
    #[error("the threshold must be at least 2 when there is more than one share")]
    ThresholdOne,
}

/// Why shares do not combine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CombineError {
    /// No share, or a single point.
    #[error("there are too few shares")]
    TooFew,
    /// The same index twice.
    #[error("two shares have the index {0}")]
    Duplicate(u8),
    /// A share that is the key itself, with others.
    #[error("a share that is the whole key does not combine with others")]
    Mixed,
}

/// Splits a key into `count` shares of which any `threshold` rebuild it.
///
/// With one share, the share is the key itself, as in Vault.
///
/// # Errors
/// When there are no shares, or the threshold cannot be.
pub fn split<R: CryptoRng>(
    key: &SecretKey,
    count: u8,
    threshold: u8,
    rng: &mut R,
) -> Result<Vec<Share>, SplitError> {
    match (count, threshold) {
        (0, _) => return Err(SplitError::NoShares),
        (1, 1) => return Ok(vec![Share::new(0, key.duplicate())]),
        (_, 0) => return Err(SplitError::Threshold),
        (_, 1) => return Err(SplitError::ThresholdOne),
        (count, threshold) if threshold > count => return Err(SplitError::Threshold),
        _ => {}
    }
    // Rows of coefficients for x¹, x², …, one byte for each byte of the key.
    let mut coefficients = Zeroizing::new(vec![0; usize::from(threshold - 1) * KEY_LEN]);
    rng.fill_bytes(&mut coefficients);
    let indexes = distinct_indexes(usize::from(count), rng);
    Ok(indexes
        .into_iter()
        .map(|x| Share::new(x, point(key, &coefficients, x)))
        .collect())
}

/// The polynomial's value at `x`, by Horner's rule.
fn point(key: &SecretKey, coefficients: &[u8], x: u8) -> SecretKey {
    SecretKey::fill_with(|y| {
        for row in coefficients.chunks_exact(KEY_LEN).rev() {
            for (y, coefficient) in y.iter_mut().zip(row) {
                *y = mul(*y, x) ^ coefficient;
            }
        }
        for (y, secret) in y.iter_mut().zip(key.expose()) {
            *y = mul(*y, x) ^ secret;
        }
    })
}

/// `count` different numbers out of 1 to 255, uniformly. They are public, so they may be chosen with branches.
fn distinct_indexes<R: CryptoRng>(count: usize, rng: &mut R) -> Vec<u8> {
    let mut all: Vec<u8> = (1..=u8::MAX).collect();
    for at in 0..count.min(all.len()) {
        let other = at + below(all.len() - at, rng);
        all.swap(at, other);
    }
    all.truncate(count);
    all
}

/// A uniform number below `limit`, which is 1 to 255.
fn below<R: CryptoRng>(limit: usize, rng: &mut R) -> usize {
    let fair = 256 - 256 % limit;
    loop {
        let mut byte = [0; 1];
        rng.fill_bytes(&mut byte);
        if usize::from(byte[0]) < fair {
            return usize::from(byte[0]) % limit;
        }
    }
}

/// Rebuilds a key. Any shares give *some* key: check each against its set before, and the key by opening something after.
///
/// # Errors
/// When there are too few, an index comes twice, or a whole key is among several.
pub fn combine(shares: &[Share]) -> Result<SecretKey, CombineError> {
    match shares {
        [] => return Err(CombineError::TooFew),
        [only] if only.index() == 0 => return Ok(only.value().duplicate()),
        [_] => return Err(CombineError::TooFew),
        _ => {}
    }
    for (at, share) in shares.iter().enumerate() {
        if share.index() == 0 {
            return Err(CombineError::Mixed);
        }
        if shares[..at]
            .iter()
            .any(|earlier| earlier.index() == share.index())
        {
            return Err(CombineError::Duplicate(share.index()));
        }
    }
    let mut key = [0; KEY_LEN];
    for share in shares {
        let weight = weight_at_zero(share.index(), shares);
        for (sum, y) in key.iter_mut().zip(share.value().expose()) {
            *sum ^= mul(weight, *y);
        }
    }
    let rebuilt = SecretKey::from_bytes(&mut key);
    key.zeroize();
    Ok(rebuilt)
}

/// Lagrange's coefficient of the point at `x` for the value at 0.
fn weight_at_zero(x: u8, shares: &[Share]) -> u8 {
    let others = shares.iter().map(Share::index).filter(|other| *other != x);
    others.fold(1, |weight, other| {
        mul(weight, mul(other, inverse(other ^ x)))
    })
}

#[cfg(test)]
mod tests;
