//! Equal states, enough seen, service that comes back.

use super::{found, held};
use crate::fixtures::{Shape, correct, history, ok, put, sample};
use crate::{
    Claims, Fault, History, LivenessBounds, NodeSample, NodeState, Outcome, Ruling, coverage,
    digests, is_fast_again, liveness, wgl,
};

#[test]
fn digests_finds_two_states_at_one_index() {
    let with = |third: &str| {
        let mut history = History::default();
        for (node, digest) in [(1, "ab"), (2, "ab"), (3, third)] {
            let digests = vec![(100, digest.to_owned())];
            history.samples.push(NodeSample {
                digests,
                ..sample(node, node)
            });
        }
        history
    };
    held(&digests(&with("ab")));
    found(
        &digests(&with("cd")),
        "nodes 1 and 3 have different states at index 100",
    );
    assert_eq!(digests(&History::default()).ruling, Ruling::Inconclusive);
}

#[test]
fn coverage_fails_a_run_that_did_not_do_what_it_claims() {
    let mut history = correct(Shape::default(), 3);
    let fault = |verified| Fault {
        kind: "kill".to_owned(),
        nodes: vec![1],
        detail: String::new(),
        from_ns: 1,
        until_ns: Some(2),
        verified,
        hit_leader: true,
    };
    history.faults = vec![fault(true), fault(false)];
    let claims = |operations, leader_changes, kills| Claims {
        operations,
        leader_changes,
        faults: [("kill".to_owned(), kills)].into(),
        ..Claims::default()
    };
    held(&coverage(&history, &claims(100, 0, 1)));
    for claims in [claims(10_000, 0, 1), claims(100, 1, 1), claims(100, 0, 2)] {
        let verdict = coverage(&history, &claims);
        assert_eq!(verdict.ruling, Ruling::Inconclusive);
        assert_eq!(verdict.violations.len(), 1, "{:?}", verdict.violations);
    }
    let more = Claims {
        seals: 1,
        revocations: 1,
        follower_reads: 1,
        ..Claims::default()
    };
    assert_eq!(coverage(&history, &more).violations.len(), 3);
}

/// Ten writes a second for twenty seconds; a fault from 5 to 10 s; healed then. `slow`: only each such one afterwards.
fn lively(slow: u64) -> History {
    let second = 1_000_000_000;
    let steps = (0..200).map(|at| (1 + at % 3, put(at, at, None), ok(at + 1, Some(1), None)));
    let mut run = history(steps.collect());
    for (op, at) in run.operations.iter_mut().zip(0_u64..) {
        op.invoked_ns = at * second / 10;
        op.returned_ns = Some(op.invoked_ns + 1_000_000);
    }
    run.operations.retain(|op| {
        op.invoked_ns < 5 * second || op.invoked_ns >= 10 * second && op.id % slow == 0
    });
    run.faults.push(Fault {
        kind: "kill".to_owned(),
        nodes: vec![1],
        detail: String::new(),
        from_ns: 5 * second,
        until_ns: Some(10 * second),
        verified: true,
        hit_leader: true,
    });
    (run.healed_ns, run.ended_ns) = (Some(10 * second), 50 * second);
    run.samples = [1, 2, 3]
        .map(|node| NodeSample {
            committed: 200,
            applied: 200,
            ..sample(node, 49 * second)
        })
        .to_vec();
    run
}

#[test]
fn a_run_that_goes_on_learns_whether_it_is_fast_again() {
    let bounds = LivenessBounds::default();
    assert!(is_fast_again(&lively(1), bounds));
    assert!(!is_fast_again(&lively(7), bounds));
    let unhealed = History {
        healed_ns: None,
        ..lively(1)
    };
    assert!(!is_fast_again(&unhealed, bounds));
}

/// Where nothing is acknowledged for four seconds, it is a matter of when the history ends.
#[test]
fn a_stall_that_is_over_is_no_lasting_slowness() {
    let bounds = LivenessBounds::default();
    let mut stalled = lively(1);
    stalled
        .operations
        .retain(|op| !(13_000_000_000..17_000_000_000).contains(&op.invoked_ns));
    let mut at_once = stalled.clone();
    at_once
        .operations
        .retain(|op| op.invoked_ns < 17_500_000_000);
    assert!(!is_fast_again(&at_once, bounds));
    found(&liveness(&at_once, bounds), "less than 50 %");
    assert!(is_fast_again(&stalled, bounds));
    held(&liveness(&stalled, bounds));
}

#[test]
fn liveness_finds_a_node_that_stays_silent_or_behind_and_lasting_slowness() {
    let bounds = LivenessBounds {
        first_write_ms: 2_000,
        throughput_percent: 50,
    };
    held(&liveness(&lively(1), bounds));
    found(&liveness(&lively(7), bounds), "less than 50 %");
    let mut quiet = lively(1);
    quiet
        .operations
        .retain(|op| op.invoked_ns < 13_000_000_000 || op.id % 7 == 0);
    found(&liveness(&quiet, bounds), "less than 50 %");
    quiet.load_until_ns = Some(13_000_000_000);
    held(&liveness(&quiet, bounds));
    // Nobody is answered, so nobody asks again.
    let mut hangs = lively(1);
    hangs.operations.retain(|op| op.invoked_ns < 13_000_000_000);
    hangs.load_until_ns = Some(20_000_000_000);
    found(&liveness(&hangs, bounds), "less than 50 %");
    let mut silent = lively(1);
    for op in silent
        .operations
        .iter_mut()
        .filter(|op| op.node == 2 && op.invoked_ns >= 10_000_000_000)
    {
        op.outcome = Outcome::Unavailable;
    }
    found(
        &liveness(&silent, bounds),
        "node 2 acknowledged no write within 2000 ms",
    );
    let mut stopped = lively(1);
    for op in stopped
        .operations
        .iter_mut()
        .filter(|op| op.invoked_ns >= 12_000_000_000)
    {
        op.outcome = Outcome::Unavailable;
    }
    found(&liveness(&stopped, bounds), "less than 50 %");
    let mut behind = lively(1);
    behind.samples[0].at_ns -= 5;
    behind.samples.insert(
        0,
        NodeSample {
            committed: 200,
            applied: 200,
            ..sample(3, 1_000)
        },
    );
    behind.samples[2].applied = 150;
    found(
        &liveness(&behind, bounds),
        "node 2 has applied up to 150 at the end",
    );
    let mut down = lively(1);
    down.samples[2].state = NodeState::Down;
    found(&liveness(&down, bounds), "node 3 is down at the end");
    for history in [
        History::default(),
        History {
            faults: Vec::new(),
            ..lively(1)
        },
    ] {
        assert_eq!(liveness(&history, bounds).ruling, Ruling::Inconclusive);
    }
}

#[test]
fn the_second_algorithm_gives_no_verdict_on_nothing() {
    assert_eq!(wgl(&History::default()).ruling, Ruling::Inconclusive);
}
