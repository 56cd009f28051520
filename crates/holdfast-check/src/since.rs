//! When a violation first shows.
//!
//! Histories are judged when a run is over. What breaks a promise breaks it in every longer history too, so that the moment
//! from which on the answers and looks so far cannot be explained is found by halving.

use crate::{History, Outcome, Ruling, Verdict};

/// The first moment at which a history shows a violation to a checker, nanoseconds: an answer or a look at a node. `None` for
/// checkers that judge the end of a run, for what the logs show by themselves, and for histories without a violation.
#[must_use]
pub fn first_shown_ns(history: &History, checker: &str) -> Option<u64> {
    let judge = by_name(checker)?;
    let shown = |at_ns| judge(&known_at(history, at_ns)).ruling == Ruling::Violation;
    let answers = history.operations.iter().filter_map(|op| op.returned_ns);
    let looks = history.samples.iter().map(|sample| sample.at_ns);
    if shown(0) {
        // The logs show it, whatever was asked.
        return None;
    }
    let mut moments: Vec<u64> = answers.chain(looks).collect();
    moments.sort_unstable();
    moments.dedup();
    let first = moments.partition_point(|at_ns| !shown(*at_ns));
    moments.get(first).copied()
}

fn by_name(checker: &str) -> Option<fn(&History) -> Verdict> {
    let judge: fn(&History) -> Verdict = match checker {
        "linearizability" => crate::linearizability,
        "wgl" => crate::wgl,
        "durability" => crate::durability,
        "duplicates" => crate::duplicates,
        "cas" => crate::cas,
        "stale-reads" => crate::stale_reads,
        "phantoms" => crate::phantoms,
        "revocation" => crate::revocation,
        "sealed" => crate::sealed,
        "digests" => crate::digests,
        "monotonic" => crate::monotonic,
        _ => return None,
    };
    Some(judge)
}

/// What was known at a moment: operations whose answers are still to come, no later looks. The logs stay as they ended, for
/// that they hold an acknowledged write is a promise about their end.
fn known_at(history: &History, at_ns: u64) -> History {
    let mut known = history.clone();
    known.operations.retain(|op| op.invoked_ns <= at_ns);
    for op in &mut known.operations {
        if op.returned_ns.is_some_and(|returned| returned > at_ns) {
            op.returned_ns = None;
            op.outcome = Outcome::Unknown;
        }
    }
    known.samples.retain(|sample| sample.at_ns <= at_ns);
    known.healed_ns = known.healed_ns.filter(|healed| *healed <= at_ns);
    known.load_until_ns = known.load_until_ns.filter(|until| *until <= at_ns);
    known.ended_ns = known.ended_ns.min(at_ns);
    known
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{Shape, correct};
    use crate::{Action, CHECKERS, Consistency, Seen};

    #[test]
    fn a_stale_answer_shows_when_it_is_given() {
        let mut history = correct(Shape::default(), 3);
        let linearizable = |op: &&mut crate::Operation| {
            let asked = matches!(
                op.action,
                Action::Get {
                    consistency: Consistency::Linearizable,
                    ..
                }
            );
            asked
                && op
                    .seen()
                    .and_then(|seen| seen.version)
                    .is_some_and(|v| v > 3)
        };
        assert_eq!(first_shown_ns(&history, "linearizability"), None);
        let reads = history.operations.iter_mut().filter(linearizable);
        let read = reads.last().expect("a read of a late version");
        let answered_ns = read.returned_ns;
        if let Outcome::Ok(seen) = &mut read.outcome {
            *seen = Seen {
                version: Some(1),
                ..seen.clone()
            };
        }
        assert_eq!(first_shown_ns(&history, "linearizability"), answered_ns);
        assert_eq!(
            first_shown_ns(&history, "liveness"),
            None,
            "the end alone shows it"
        );
    }

    #[test]
    fn whatever_was_known_of_a_correct_run_was_correct() {
        for seed in 0..20 {
            let history = correct(Shape::default(), seed);
            for part in 1..8 {
                let known = known_at(&history, history.ended_ns * part / 8);
                for (name, _) in CHECKERS {
                    let verdict = by_name(name).map(|judge| judge(&known));
                    let broken = verdict.is_some_and(|one| one.ruling == Ruling::Violation);
                    assert!(!broken, "{name}, seed {seed}, {part}/8");
                }
            }
        }
    }
}
