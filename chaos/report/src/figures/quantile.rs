//! Percentiles by nearest rank: always a value that was seen, never one between two.

use serde::Serialize;

/// The middle, the tail and the worst of some times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Quantiles {
    /// How many there were, the missing ones included.
    pub count: u64,
    /// How many of them never came to an end. They rank above all others.
    pub missing: u64,
    /// Half took at most this; `None` when there were none, or when it is one that never came to an end.
    pub p50: Option<u64>,
    /// 99 of 100 took at most this; `None` as above.
    pub p99: Option<u64>,
    /// The longest; `None` as above.
    pub max: Option<u64>,
}

impl Quantiles {
    /// Of values that are all there.
    #[must_use]
    pub fn of(values: Vec<u64>) -> Self {
        Self::of_reached(values, 0)
    }

    /// Of values of which some may never have come.
    #[must_use]
    pub fn of_some(values: impl IntoIterator<Item = Option<u64>>) -> Self {
        let mut missing = 0;
        let mut reached = Vec::new();
        for value in values {
            match value {
                Some(value) => reached.push(value),
                None => missing += 1,
            }
        }
        Self::of_reached(reached, missing)
    }

    fn of_reached(mut values: Vec<u64>, missing: u64) -> Self {
        values.sort_unstable();
        let count = values.len() as u64 + missing;
        let at = |percent| values.get(rank(count, percent)?).copied();
        Self {
            count,
            missing,
            p50: at(50),
            p99: at(99),
            max: at(100),
        }
    }
}

/// The place of a percentile among `count` sorted values, from zero; `None` of none.
fn rank(count: u64, percent: u64) -> Option<usize> {
    let rank = count.saturating_mul(percent).div_ceil(100).max(1);
    usize::try_from(rank - 1).ok().filter(|_| count > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_the_value_at_its_nearest_rank() {
        let q = Quantiles::of((1..=100).rev().collect());
        assert_eq!((q.p50, q.p99, q.max), (Some(50), Some(99), Some(100)));
        let q = Quantiles::of(vec![30, 10, 20]);
        assert_eq!((q.p50, q.p99, q.max), (Some(20), Some(30), Some(30)));
        let q = Quantiles::of(vec![7]);
        assert_eq!((q.p50, q.p99, q.max), (Some(7), Some(7), Some(7)));
    }

    #[test]
    fn of_nothing_there_is_none() {
        assert_eq!(Quantiles::of(Vec::new()), Quantiles::default());
    }

    #[test]
    fn what_never_ended_ranks_last_and_is_not_left_out() {
        let q = Quantiles::of_some([Some(5), None, Some(1), Some(3)]);
        assert_eq!((q.count, q.missing), (4, 1));
        assert_eq!((q.p50, q.p99, q.max), (Some(3), None, None));
    }
}
