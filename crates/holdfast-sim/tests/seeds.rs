//! What a simulator must be: repeatable, alive, and able to see.

use holdfast_sim::{Detail, Options, Outcome, run};
use std::time::Duration;

fn short(seed: u64, lying_disks: bool) -> Outcome {
    let options = Options {
        trouble: Duration::from_secs(6),
        detail: Detail::All,
        lying_disks,
    };
    run(seed, options)
}

#[test]
fn a_seed_gives_the_same_trace_again_byte_for_byte() {
    for seed in [1, 2] {
        let (first, second) = (short(seed, false), short(seed, false));
        assert_eq!(first.trace, second.trace, "seed {seed}");
        assert_eq!(first.lines, second.lines, "seed {seed}");
    }
    assert_ne!(short(1, false).trace, short(2, false).trace);
}

#[test]
fn honest_clusters_hold_and_do_work() {
    for seed in 100..104 {
        let outcome = short(seed, false);
        assert!(outcome.held(), "seed {seed}: {:?}", outcome.first_trouble());
        assert!(outcome.answered > 200, "seed {seed}: {}", outcome.answered);
        assert!(
            outcome.leaders > 0 && !outcome.history.faults.is_empty(),
            "seed {seed}"
        );
    }
}

/// The control: a disk that answers before it has synced must be found out.
#[test]
fn lying_disks_are_seen() {
    let caught = (0..12)
        .map(|seed| short(seed, true))
        .find(|outcome| outcome.found_by("durability"));
    let caught = caught.expect("twelve seeds with disks that lie, and no loss was noticed");
    assert!(!caught.held() && caught.first_trouble().is_some());
}
