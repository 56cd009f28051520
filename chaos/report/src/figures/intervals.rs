//! Throughput and latency through time: the run cut into intervals of equal, round length.

use holdfast_check::Operation;
use serde::Serialize;

use super::operations::{Service, latency_ns, service};
use super::quantile::Quantiles;

/// At most so many intervals: more than this many columns nobody can tell apart on a page.
pub const INTERVALS_MAX: u64 = 240;
/// Fewer operations than this in an interval say little about its latency.
const OPERATIONS_MIN: u64 = 5;
const INTERVALS_MIN: u64 = 24;

/// One stretch of the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Interval {
    /// Where it begins.
    pub from_ns: u64,
    /// Where it ends; the last one may reach beyond the end of the run.
    pub until_ns: u64,
    /// Operations acknowledged in it.
    pub acknowledged: u64,
    /// Operations rightly refused in it (version, token).
    pub refused: u64,
    /// Operations that were not served, or of which nobody knows: counted where the answer came, else where it was asked.
    pub failed: u64,
    /// Nanoseconds from question to acknowledgement, of those acknowledged in it.
    pub latency: Quantiles,
}

/// Cuts a run of `span_ns` into intervals and puts each operation into one.
#[must_use]
pub fn intervals(operations: &[Operation], span_ns: u64) -> Vec<Interval> {
    if span_ns == 0 {
        return Vec::new();
    }
    let width_ns = width_ns(operations.len() as u64, span_ns);
    let mut intervals: Vec<Interval> = (0..span_ns.div_ceil(width_ns))
        .map(|n| Interval {
            from_ns: n * width_ns,
            until_ns: (n + 1) * width_ns,
            ..Interval::default()
        })
        .collect();
    let mut latencies = vec![Vec::new(); intervals.len()];
    let last = intervals.len() - 1;
    for operation in operations {
        let at_ns = operation.returned_ns.unwrap_or(operation.invoked_ns);
        let place = usize::try_from(at_ns / width_ns).map_or(last, |place| place.min(last));
        match service(&operation.outcome) {
            Service::Done => {
                intervals[place].acknowledged += 1;
                latencies[place].extend(latency_ns(operation));
            }
            Service::Refused => intervals[place].refused += 1,
            Service::Failed => intervals[place].failed += 1,
        }
    }
    for (interval, latencies) in intervals.iter_mut().zip(latencies) {
        interval.latency = Quantiles::of(latencies);
    }
    intervals
}

/// The shortest round length that keeps the intervals few and not too empty.
fn width_ns(operations: u64, span_ns: u64) -> u64 {
    let count = (operations / OPERATIONS_MIN).clamp(INTERVALS_MIN, INTERVALS_MAX);
    round_up(span_ns.div_ceil(count))
}

/// The next length that is round enough to say aloud.
fn round_up(least: u64) -> u64 {
    let mut tenth = 1_u64;
    loop {
        for digits in [10, 15, 20, 25, 30, 40, 50, 60, 80] {
            let round = tenth.saturating_mul(digits);
            if round >= least {
                return round;
            }
        }
        tenth = tenth.saturating_mul(10);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::fixtures::{MS, put, refused};
    use holdfast_check::Outcome;

    #[test]
    fn each_operation_stands_where_its_answer_came() {
        let span = 24 * 10 * MS;
        let mut lost = refused(put(35 * MS, 0, 3), Outcome::Unknown);
        lost.returned_ns = None;
        let operations = [
            put(0, 5 * MS, 1),
            put(MS, 15 * MS, 2),
            put(12 * MS, 19 * MS, 2),
            lost,
            refused(put(36 * MS, 37 * MS, 4), Outcome::CasMismatch),
            put(230 * MS, 500 * MS, 5),
        ];
        let cut = intervals(&operations, span);
        assert_eq!(
            (cut.len(), cut[1].from_ns, cut[1].until_ns),
            (24, 10 * MS, 20 * MS)
        );
        assert_eq!((cut[0].acknowledged, cut[1].acknowledged), (1, 2));
        assert_eq!(
            (cut[1].latency.p50, cut[1].latency.max),
            (Some(7 * MS), Some(14 * MS))
        );
        assert_eq!((cut[3].failed, cut[3].refused), (1, 1));
        assert_eq!(
            cut[23].acknowledged, 1,
            "what came too late counts at the end"
        );
    }

    #[test]
    fn there_are_never_too_many_and_none_of_nothing() {
        assert!(intervals(&[], 0).is_empty());
        for span in [1, 999, 86_400_000 * MS, u64::MAX / 4] {
            assert!(intervals(&[], span).len() as u64 <= INTERVALS_MIN);
        }
        assert_eq!(width_ns(1_000_000, 240 * MS), MS);
        assert_eq!(width_ns(1_000_000, 241 * MS), 1_500_000);
        assert_eq!(
            [0, 11, 31, 81, 201, 801].map(round_up),
            [10, 15, 40, 100, 250, 1000]
        );
    }
}
