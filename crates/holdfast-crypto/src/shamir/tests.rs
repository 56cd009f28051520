//! Any threshold of shares rebuild the key, fewer tell nothing, and another implementation agrees.

use super::*;
use crate::test_rng::TestRng;
use proptest::prelude::*;
use subtle::ConstantTimeEq;
use vsss_rs::Gf256;

fn key_of(bytes: [u8; 32]) -> SecretKey {
    SecretKey::fill_with(|key| *key = bytes)
}

fn same(a: &SecretKey, b: &SecretKey) -> bool {
    bool::from(a.ct_eq(b))
}

fn chosen(shares: &[Share], at: &[usize]) -> Vec<Share> {
    at.iter().map(|at| shares[*at].duplicate()).collect()
}

#[test]
fn every_three_of_five_rebuild_and_no_two_do() {
    let key = key_of([0xc3; 32]);
    let shares = split(&key, 5, 3, &mut TestRng::new(1)).unwrap();
    for a in 0..5 {
        for b in 0..5 {
            for c in 0..5 {
                if a != b && b != c && a != c {
                    assert!(same(&combine(&chosen(&shares, &[a, b, c])).unwrap(), &key));
                }
            }
            if a != b {
                assert!(!same(&combine(&chosen(&shares, &[a, b])).unwrap(), &key));
            }
        }
    }
    assert!(
        same(&combine(&shares).unwrap(), &key),
        "more than needed do as well"
    );
}

#[test]
fn indexes_are_distinct_and_spread() {
    let mut seen = [0u32; 256];
    for seed in 0..400 {
        let shares = split(&key_of([1; 32]), 3, 2, &mut TestRng::new(seed)).unwrap();
        for share in &shares {
            seen[usize::from(share.index())] += 1;
        }
    }
    assert_eq!(seen[0], 0);
    // 1200 draws over 255 numbers: about five each; a biased choice leaves many out.
    assert!(seen[1..].iter().filter(|count| **count == 0).count() < 10);
    let all = split(&key_of([1; 32]), 255, 2, &mut TestRng::new(9)).unwrap();
    let mut indexes: Vec<u8> = all.iter().map(Share::index).collect();
    indexes.sort_unstable();
    assert!(indexes.into_iter().eq(1..=255));
}

/// With threshold 2, a share and the key give the coefficient. All 256 values must occur, zero as often as any.
#[test]
fn coefficients_are_uniform_and_a_share_alone_tells_nothing() {
    let mut coefficients = [0u32; 256];
    let mut values = [0u32; 256];
    for seed in 0..400 {
        let shares = split(&key_of([0x5a; 32]), 2, 2, &mut TestRng::new(seed)).unwrap();
        for y in shares[0].value().expose() {
            values[usize::from(*y)] += 1;
            let slope = mul(y ^ 0x5a, inverse(shares[0].index()));
            coefficients[usize::from(slope)] += 1;
        }
    }
    // 12 800 draws: 50 each, standard deviation 7. Six of those away is one in a thousand million.
    for counts in [coefficients, values] {
        assert!(
            counts.iter().all(|count| (8..=92).contains(count)),
            "{counts:?}"
        );
    }
}

#[test]
fn one_share_of_one_is_the_key() {
    let key = key_of([0x11; 32]);
    let shares = split(&key, 1, 1, &mut TestRng::new(1)).unwrap();
    assert_eq!((shares.len(), shares[0].index()), (1, 0));
    assert_eq!(shares[0].to_bytes().as_slice(), key.expose());
    assert!(same(&combine(&shares).unwrap(), &key));
}

#[test]
fn numbers_that_cannot_be_are_refused() {
    let refused =
        |count, threshold| split(&key_of([0; 32]), count, threshold, &mut TestRng::new(1)).err();
    assert_eq!(refused(0, 0), Some(SplitError::NoShares));
    assert_eq!(refused(3, 0), Some(SplitError::Threshold));
    assert_eq!(refused(3, 4), Some(SplitError::Threshold));
    assert_eq!(refused(1, 2), Some(SplitError::Threshold));
    assert_eq!(refused(3, 1), Some(SplitError::ThresholdOne));
    assert_eq!(refused(255, 255), None);
}

#[test]
fn shares_that_cannot_combine_are_refused() {
    let rng = &mut TestRng::new(1);
    let points = split(&key_of([7; 32]), 3, 2, rng).unwrap();
    let whole = split(&key_of([7; 32]), 1, 1, rng).unwrap();
    assert_eq!(combine(&[]).err(), Some(CombineError::TooFew));
    assert_eq!(combine(&points[..1]).err(), Some(CombineError::TooFew));
    let twice = chosen(&points, &[1, 1]);
    assert_eq!(
        combine(&twice).err(),
        Some(CombineError::Duplicate(points[1].index()))
    );
    let mixed = [points[0].duplicate(), whole[0].duplicate()];
    assert_eq!(combine(&mixed).err(), Some(CombineError::Mixed));
}

/// Made by hand with Vault's layout: f(x) = 1 + 2x for byte 0, and so on; large indexes, since with small ones shares
/// also combine under the wrong polynomial.
#[test]
fn known_points_combine() {
    let line = |x: u8| {
        let mut bytes: Vec<u8> = (1..=32u8).map(|i| i ^ mul(i.wrapping_mul(2), x)).collect();
        bytes.push(x);
        Share::from_bytes(&bytes).unwrap()
    };
    // 0x02 · 0xd7 = 0x1ae, reduced by 0x11b to 0xb5.
    assert_eq!(line(0xd7).value().expose()[0], 0x01 ^ 0xb5);
    let rebuilt = combine(&[line(0xd7), line(0x9e)]).unwrap();
    assert!(rebuilt.expose().iter().copied().eq(1..=32));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn another_implementation_combines_our_shares(
        secret in any::<[u8; 32]>(),
        threshold in 2u8..8,
        extra in 0u8..5,
        seed in any::<u64>(),
    ) {
        let count = threshold + extra;
        let shares = split(&key_of(secret), count, threshold, &mut TestRng::new(seed)).unwrap();
        // It puts the index first.
        let theirs: Vec<Vec<u8>> = shares
            .iter()
            .rev()
            .take(usize::from(threshold))
            .map(|share| [&[share.index()], share.value().expose().as_slice()].concat())
            .collect();
        prop_assert_eq!(Gf256::combine_array(&theirs).unwrap(), secret.to_vec());
    }

    #[test]
    fn we_combine_another_implementations_shares(
        secret in any::<[u8; 32]>(),
        threshold in 2u8..8,
        seed in any::<u64>(),
    ) {
        // Of 200 shares with indexes 1 to 200, the last: the largest indexes.
        let rng = TestRng::new(seed);
        let theirs = Gf256::split_array(usize::from(threshold), 200, secret, rng).unwrap();
        let ours: Vec<Share> = theirs
            .iter()
            .rev()
            .step_by(7)
            .take(usize::from(threshold))
            .map(|share| Share::from_bytes(&[&share[1..], &share[..1]].concat()).unwrap())
            .collect();
        prop_assert!(ours.iter().any(|share| share.index() > 128));
        let rebuilt = combine(&ours).unwrap();
        prop_assert_eq!(rebuilt.expose(), &secret);
    }

    #[test]
    fn any_threshold_of_any_set_rebuilds(
        secret in any::<[u8; 32]>(),
        threshold in 2u8..40,
        extra in 0u8..40,
        seed in any::<u64>(),
    ) {
        let rng = &mut TestRng::new(seed);
        let shares = split(&key_of(secret), threshold + extra, threshold, rng).unwrap();
        let from = usize::from(extra) / 2;
        let some = &shares[from..from + usize::from(threshold)];
        prop_assert!(combine(some).unwrap().expose() == &secret);
        if threshold > 2 {
            prop_assert!(combine(&some[1..]).unwrap().expose() != &secret);
        }
    }
}
