//! When writes were attempted and none was acknowledged.
//!
//! A write counts as attempted from its question until its answer. One that is never answered counts until the next
//! acknowledged write of anybody, because nobody can say when its client gave up: this never flatters the cluster. Refusals for
//! the version or the token are neither attempts nor acknowledgements: they need not have come from a quorum.

use holdfast_check::Operation;
use serde::Serialize;

use super::operations::{Service, is_write, service};

/// Shorter ones are waiting, not unavailability.
pub const OUTAGE_MIN_NS: u64 = 250_000_000;

/// A stretch without an acknowledged write, longer than [`OUTAGE_MIN_NS`], in which writes were attempted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Outage {
    /// The first attempt after the last acknowledgement.
    pub from_ns: u64,
    /// The next acknowledgement, or the last attempt when nobody tried any more.
    pub until_ns: u64,
}

impl Outage {
    /// How long it was.
    #[must_use]
    pub const fn length_ns(&self) -> u64 {
        self.until_ns - self.from_ns
    }
}

/// All of a run, in order of time.
#[must_use]
pub fn outages(operations: &[Operation]) -> Vec<Outage> {
    let writes = || {
        operations
            .iter()
            .filter(|operation| is_write(&operation.action))
    };
    let mut answers: Vec<u64> = writes()
        .filter(|write| service(&write.outcome) == Service::Done)
        .filter_map(|write| write.returned_ns)
        .collect();
    answers.sort_unstable();
    // The clients' last sign of life: what is asked of the cluster ends there, though the run may go on.
    let end_ns = operations
        .iter()
        .map(|operation| operation.returned_ns.unwrap_or(operation.invoked_ns))
        .max()
        .unwrap_or(0);
    let mut attempts: Vec<(u64, u64)> = writes()
        .filter(|write| service(&write.outcome) != Service::Refused)
        .map(|write| {
            let until = write.returned_ns.unwrap_or_else(|| {
                let next = answers.partition_point(|&answer| answer <= write.invoked_ns);
                answers.get(next).copied().unwrap_or(end_ns)
            });
            (write.invoked_ns, until)
        })
        .collect();
    attempts.sort_unstable();

    let waiting = joined(&attempts, 0);
    let mut outages = Vec::new();
    // Clients pause between two tries: what follows within the least length of an outage is one stretch.
    for (from_ns, until_ns) in joined(&attempts, OUTAGE_MIN_NS) {
        let begin = answers.partition_point(|&answer| answer <= from_ns);
        let end = answers.partition_point(|&answer| answer < until_ns);
        let mut last = from_ns;
        for &answer in answers[begin..end.max(begin)].iter().chain([&until_ns]) {
            let first = waiting.partition_point(|&(_, until)| until <= last);
            let from_ns = waiting.get(first).map_or(last, |&(from, _)| from.max(last));
            if answer.saturating_sub(from_ns) > OUTAGE_MIN_NS {
                outages.push(Outage {
                    from_ns,
                    until_ns: answer,
                });
            }
            last = answer;
        }
    }
    outages
}

/// Stretches in which somebody tried: attempts of which the next begins at most `pause_ns` after the last are one.
fn joined(attempts: &[(u64, u64)], pause_ns: u64) -> Vec<(u64, u64)> {
    let mut stretches: Vec<(u64, u64)> = Vec::new();
    for &(from_ns, until_ns) in attempts {
        match stretches.last_mut() {
            Some(last) if from_ns <= last.1.saturating_add(pause_ns) => {
                last.1 = last.1.max(until_ns);
            }
            _ => stretches.push((from_ns, until_ns)),
        }
    }
    stretches
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::fixtures::{MS, get, put, refused};
    use holdfast_check::{Consistency, Outcome};

    fn times(operations: &[Operation]) -> Vec<(u64, u64)> {
        outages(operations)
            .iter()
            .map(|o| (o.from_ns / MS, o.until_ns / MS))
            .collect()
    }

    fn unanswered(invoked_ms: u64) -> Operation {
        let mut operation = refused(put(invoked_ms * MS, 0, 0), Outcome::Unknown);
        operation.returned_ns = None;
        operation
    }

    #[test]
    fn an_outage_reaches_from_the_first_vain_try_to_the_next_acknowledgement() {
        let mut operations = vec![put(0, 10 * MS, 1)];
        for at in (20..900).step_by(100) {
            operations.push(refused(
                put(at * MS, (at + 2) * MS, 2),
                Outcome::Unavailable,
            ));
        }
        operations.push(put(905 * MS, 930 * MS, 3));
        assert_eq!(times(&operations), [(20, 930)]);
    }

    #[test]
    fn a_write_that_waited_through_it_counts_as_a_try() {
        assert_eq!(
            times(&[put(0, 5 * MS, 1), put(6 * MS, 700 * MS, 2)]),
            [(6, 700)]
        );
        assert!(times(&[put(0, 5 * MS, 1), put(6 * MS, 255 * MS, 2)]).is_empty());
    }

    #[test]
    fn a_write_that_was_never_answered_counts_until_the_next_acknowledgement_only() {
        let operations = [
            unanswered(100),
            put(1000 * MS, 1010 * MS, 1),
            put(3000 * MS, 3010 * MS, 2),
        ];
        assert_eq!(times(&operations), [(100, 1010)]);
    }

    #[test]
    fn at_the_end_it_lasts_until_the_clients_fell_silent() {
        let silent = get(2000 * MS, 2010 * MS, Consistency::Stale, 1);
        assert_eq!(
            times(&[put(0, 5 * MS, 1), unanswered(500), silent]),
            [(500, 2010)]
        );
    }

    #[test]
    fn nobody_asking_is_not_an_outage() {
        let idle: Vec<_> = (0..5)
            .map(|s| put(s * 1000 * MS, (s * 1000 + 5) * MS, s))
            .collect();
        assert!(times(&idle).is_empty());
        let slow: Vec<_> = (0..9)
            .map(|n| put(n * 240 * MS, (n * 240 + 200) * MS, n))
            .collect();
        assert!(
            times(&slow).is_empty(),
            "a pause between writes is not part of a wait"
        );
        let reads = [
            put(0, MS, 1),
            get(2 * MS, 900 * MS, Consistency::Linearizable, 1),
        ];
        assert!(times(&reads).is_empty(), "reads are no writes");
        let mismatch = refused(put(2 * MS, 900 * MS, 2), Outcome::CasMismatch);
        assert!(times(&[put(0, MS, 1), mismatch]).is_empty());
        assert!(times(&[]).is_empty());
    }
}
