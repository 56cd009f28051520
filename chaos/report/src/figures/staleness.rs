//! How old what clients read was: in milliseconds as the node said, and in entries as acknowledged writes tell.

use holdfast_check::{Operation, Outcome};
use serde::Serialize;

use super::operations::{consistency, consistency_name, is_write};
use super::quantile::Quantiles;

/// The ways to ask, from the freshest.
pub const CONSISTENCIES: [&str; 4] = ["linearizable", "at least", "bounded", "stale"];

/// One answered read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ReadAge {
    /// When the answer came.
    pub at_ns: u64,
    /// How fresh it had to be.
    pub consistency: &'static str,
    /// How old the node said it may be.
    pub age_ms: Option<u64>,
    /// By how many entries it was behind the latest write that had been acknowledged when it was asked.
    pub lag: Option<u64>,
}

/// Of all reads that were asked the same way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Staleness {
    /// How fresh they had to be.
    pub consistency: &'static str,
    /// How many were answered.
    pub reads: u64,
    /// Of those that told their age: milliseconds.
    pub age_ms: Quantiles,
    /// Of those that told their index: entries.
    pub lag: Quantiles,
}

/// Each answered read, in order of invocation.
#[must_use]
pub fn read_ages(operations: &[Operation]) -> Vec<ReadAge> {
    let acknowledged = acknowledged_indexes(operations);
    operations
        .iter()
        .filter_map(|read| {
            let Outcome::Ok(seen) = &read.outcome else {
                return None;
            };
            let before = acknowledged.partition_point(|(at_ns, _)| *at_ns < read.invoked_ns);
            let newest = before
                .checked_sub(1)
                .map_or(0, |place| acknowledged[place].1);
            Some(ReadAge {
                at_ns: read.returned_ns?,
                consistency: consistency_name(consistency(&read.action)?),
                age_ms: seen.age_ms,
                lag: seen.index.map(|index| newest.saturating_sub(index)),
            })
        })
        .collect()
}

/// The highest index that had been acknowledged by each moment.
fn acknowledged_indexes(operations: &[Operation]) -> Vec<(u64, u64)> {
    let mut indexes: Vec<(u64, u64)> = operations
        .iter()
        .filter(|operation| is_write(&operation.action))
        .filter_map(|write| match &write.outcome {
            Outcome::Ok(seen) => Some((write.returned_ns?, seen.index?)),
            _ => None,
        })
        .collect();
    indexes.sort_unstable();
    let mut highest = 0;
    for (_, index) in &mut indexes {
        highest = highest.max(*index);
        *index = highest;
    }
    indexes
}

/// Read ages by the way they were asked; only ways that were used.
#[must_use]
pub fn staleness(ages: &[ReadAge]) -> Vec<Staleness> {
    CONSISTENCIES
        .into_iter()
        .map(|consistency| {
            let same = || {
                ages.iter()
                    .filter(move |read| read.consistency == consistency)
            };
            Staleness {
                consistency,
                reads: same().count() as u64,
                age_ms: Quantiles::of(same().filter_map(|read| read.age_ms).collect()),
                lag: Quantiles::of(same().filter_map(|read| read.lag).collect()),
            }
        })
        .filter(|row| row.reads > 0)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::fixtures::{get, put, refused};
    use holdfast_check::Consistency;

    #[test]
    fn a_read_lags_behind_what_was_acknowledged_before_it_was_asked() {
        let operations = [
            put(0, 10, 7),
            put(0, 20, 9),
            put(0, 25, 8),
            refused(put(0, 26, 99), Outcome::Unknown),
            get(5, 30, Consistency::Stale, 3),
            get(15, 30, Consistency::Stale, 3),
            get(30, 40, Consistency::Bounded { millis: 100 }, 3),
            get(30, 41, Consistency::Linearizable, 12),
        ];
        let ages = read_ages(&operations);
        let lags: Vec<_> = ages.iter().map(|read| read.lag).collect();
        assert_eq!(lags, [Some(0), Some(4), Some(6), Some(0)]);
        let rows = staleness(&ages);
        let names: Vec<_> = rows
            .iter()
            .map(|row| (row.consistency, row.reads))
            .collect();
        assert_eq!(names, [("linearizable", 1), ("bounded", 1), ("stale", 2)]);
        assert_eq!((rows[2].lag.p50, rows[2].lag.max), (Some(0), Some(4)));
        assert_eq!(
            rows[2].age_ms.count, 0,
            "ages that were not told are not counted as zero"
        );
    }
}
