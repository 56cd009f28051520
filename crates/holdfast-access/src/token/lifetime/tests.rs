//! Tests of lives.

use super::super::record::State;
use super::*;
use proptest::prelude::*;

const BOUNDS: Bounds = Bounds {
    default_s: 100,
    max_s: 1000,
};

fn seconds(ttl: u64, explicit_max_ttl: u64, period: u64) -> Asked {
    let of = Duration::from_secs;
    Asked {
        ttl: of(ttl),
        explicit_max_ttl: of(explicit_max_ttl),
        period: of(period),
    }
}

fn record(life: &Lifetime, created_ms: u64) -> TokenRecord {
    TokenRecord {
        accessor: String::new(),
        parent: None,
        depth: 0,
        policies: vec!["a".to_owned()],
        meta: Vec::new(),
        display_name: String::new(),
        path: String::new(),
        created_ms,
        ttl_s: life.ttl_s,
        explicit_max_ttl_s: life.explicit_max_ttl_s,
        period_s: life.period_s,
        expiry: life.expiry,
        due_ms: None,
        num_uses: 0,
        renewable: true,
        renewed_ms: 0,
        entity_id: String::new(),
        state: State::Live,
    }
}

#[test]
fn new_lives() {
    for (asked, ttl_s, warned) in [
        (seconds(0, 0, 0), 100, 0),
        (seconds(50, 0, 0), 50, 0),
        (seconds(5000, 0, 0), 1000, 1),
        (seconds(50, 30, 0), 30, 1),
        (seconds(0, 30, 0), 30, 0),
        (seconds(50, 3000, 0), 50, 1),
        (seconds(50, 0, 70), 70, 0),
        (seconds(0, 0, 7000), 1000, 1),
        (seconds(0, 20, 70), 20, 0),
    ] {
        let life = Lifetime::plan(asked, false, BOUNDS, 7);
        assert_eq!(life.ttl_s, ttl_s, "{asked:?}");
        assert_eq!(life.expiry, Expiry::At(7 + ttl_s * 1000), "{asked:?}");
        assert_eq!(life.warnings.len(), warned, "{asked:?}");
    }
}

#[test]
fn only_the_endless_never_end_and_only_without_a_wish() {
    let endless = Lifetime::plan(Asked::default(), true, BOUNDS, 7);
    assert_eq!((endless.expiry, endless.ttl_s), (Expiry::Never, 0));
    assert_eq!(
        Lifetime::plan(seconds(0, 30, 0), true, BOUNDS, 7).expiry,
        Expiry::At(30_007)
    );
    assert_eq!(
        Lifetime::plan(seconds(9, 0, 0), true, BOUNDS, 7).expiry,
        Expiry::At(9_007)
    );
    // Less than a second is not nothing.
    let brief = Asked {
        ttl: Duration::from_millis(1),
        ..Asked::default()
    };
    assert_eq!(Lifetime::plan(brief, true, BOUNDS, 7).ttl_s, 1);
}

#[test]
fn renewals_reach_no_further_than_allowed() {
    let plain = record(&Lifetime::plan(seconds(50, 0, 0), false, BOUNDS, 0), 0);
    let renew = |record: &TokenRecord, increment, now_ms| {
        Lifetime::renewed(record, Duration::from_secs(increment), BOUNDS, now_ms)
            .map(|(end_ms, _)| end_ms)
    };
    assert_eq!(renew(&plain, 0, 10_000), Some(60_000));
    assert_eq!(renew(&plain, 300, 10_000), Some(310_000));
    assert_eq!(renew(&plain, 300, 900_000), Some(1_000_000));
    assert_eq!(renew(&plain, 300, 1_000_000), None);
    let periodic = record(&Lifetime::plan(seconds(0, 0, 70), false, BOUNDS, 0), 0);
    assert_eq!(renew(&periodic, 1, 5_000_000), Some(5_070_000));
    let bounded = record(&Lifetime::plan(seconds(0, 200, 70), false, BOUNDS, 0), 0);
    assert_eq!(renew(&bounded, 0, 150_000), Some(200_000));
    assert_eq!(renew(&bounded, 0, 200_000), None);
}

proptest! {
    #[test]
    fn a_life_ends_within_every_bound(
        ttl in 0..5000u64, explicit in 0..5000u64, period in 0..5000u64,
        renewals in prop::collection::vec((0..5000u64, 0..2_000_000u64), 0..8),
    ) {
        let life = Lifetime::plan(seconds(ttl, explicit, period), false, BOUNDS, 1);
        let Expiry::At(mut end_ms) = life.expiry else { panic!("only root tokens never end") };
        let mut record = record(&life, 1);
        let mut now_ms = 1;
        for (increment, wait_ms) in renewals {
            prop_assert!(end_ms > now_ms && end_ms <= now_ms + BOUNDS.max_s * 1000);
            prop_assert!(explicit == 0 || end_ms <= 1 + explicit * 1000);
            prop_assert!(period > 0 || end_ms <= 1 + BOUNDS.max_s * 1000);
            now_ms = now_ms.saturating_add(wait_ms).min(end_ms - 1);
            match Lifetime::renewed(&record, Duration::from_secs(increment), BOUNDS, now_ms) {
                Some((renewed_ms, _)) => end_ms = renewed_ms,
                None => break,
            }
            record.expiry = Expiry::At(end_ms);
        }
    }
}
