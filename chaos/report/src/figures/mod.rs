//! Figures that follow from a history. Pure: the same history gives the same figures.

mod faults;
mod intervals;
mod lanes;
mod operations;
mod outages;
mod quantile;
mod staleness;

use holdfast_check::{History, Operation};
use serde::Serialize;

pub use faults::{FaultTimes, fault_times};
pub use intervals::{INTERVALS_MAX, Interval, intervals};
pub use lanes::{Lane, LeaderChange, Stretch, lanes, leader_changes};
pub use operations::{ActionCount, action_counts};
pub use outages::{OUTAGE_MIN_NS, Outage, outages};
pub use quantile::Quantiles;
pub use staleness::{CONSISTENCIES, ReadAge, Staleness, read_ages, staleness};

use crate::run::Run;

/// Everything that a report says beside the verdicts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// To where the time axis reaches.
    pub span_ns: u64,
    /// How many operations were asked.
    pub operations: u64,
    /// How many were acknowledged.
    pub acknowledged: u64,
    /// Answers by what was asked.
    pub actions: Vec<ActionCount>,
    /// When another leader, or the same one in a later term, was seen.
    pub leader_changes: Vec<LeaderChange>,
    /// The times of each fault.
    pub faults: Vec<FaultTimes>,
    /// The same over all faults.
    pub recovery: Recovery,
    /// Throughput and latency through time.
    pub intervals: Vec<Interval>,
    /// When no write was acknowledged.
    pub outages: Vec<Outage>,
    /// How old reads were.
    pub staleness: Vec<Staleness>,
    /// What each node was, through time.
    pub lanes: Vec<Lane>,
}

/// Times over all faults that they were asked of; lengths in nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Recovery {
    /// Faults that hit the leader.
    pub leader_hits: u64,
    /// Of those, the ones that cost the cluster its leader.
    pub leader_losses: u64,
    /// Of those, the ones that left a quorum; the next three figures are about them. With no quorum left, how long it takes
    /// is how long the fault lasts.
    pub leader_losses_with_quorum: u64,
    /// Until it was noticed.
    pub detected: Quantiles,
    /// Until another stood.
    pub elected: Quantiles,
    /// Until a write was acknowledged by another.
    pub first_ack: Quantiles,
    /// From healing until the struck nodes were level; of faults that were healed and struck nodes.
    pub caught_up: Quantiles,
}

impl Figures {
    /// Those of a run.
    #[must_use]
    pub fn of(run: &Run) -> Self {
        let history = &run.history;
        let span_ns = span_ns(run);
        let named: Vec<u64> = run.nodes.iter().map(|node| node.id).collect();
        let actions = action_counts(&history.operations);
        let faults = fault_times(history);
        Self {
            span_ns,
            operations: history.operations.len() as u64,
            acknowledged: actions.iter().map(|row| row.acknowledged).sum(),
            actions,
            leader_changes: leader_changes(&history.samples),
            recovery: recovery(history, &faults),
            faults,
            intervals: intervals(&history.operations, span_ns),
            outages: outages(&history.operations),
            staleness: staleness(&read_ages(&history.operations)),
            lanes: lanes(&history.samples, &named, span_ns),
        }
    }

    /// The longest time without an acknowledged write, if there was one worth the name.
    #[must_use]
    pub fn outage_longest_ns(&self) -> Option<u64> {
        self.outages.iter().map(Outage::length_ns).max()
    }
}

/// Times of the faults, taken together.
#[must_use]
pub fn recovery(history: &History, faults: &[FaultTimes]) -> Recovery {
    let all_lost = faults.iter().filter(|times| times.leader_lost);
    let lost = || {
        faults
            .iter()
            .filter(|times| times.leader_lost && times.quorum_left)
    };
    let healed = faults.iter().filter(|times| {
        let fault = &history.faults[times.fault];
        fault.until_ns.is_some() && !fault.nodes.is_empty()
    });
    Recovery {
        leader_hits: history
            .faults
            .iter()
            .filter(|fault| fault.hit_leader)
            .count() as u64,
        leader_losses: all_lost.count() as u64,
        leader_losses_with_quorum: lost().count() as u64,
        detected: Quantiles::of_some(lost().map(|times| times.detected_ns)),
        elected: Quantiles::of_some(lost().map(|times| times.elected_ns)),
        first_ack: Quantiles::of_some(lost().map(|times| times.first_ack_ns)),
        caught_up: Quantiles::of_some(healed.map(|times| times.caught_up_ns)),
    }
}

fn span_ns(run: &Run) -> u64 {
    let history = &run.history;
    let last = |operation: &Operation| operation.returned_ns.unwrap_or(operation.invoked_ns);
    let ends = history.operations.iter().map(last);
    let samples = history.samples.iter().map(|sample| sample.at_ns);
    let faults = history
        .faults
        .iter()
        .map(|fault| fault.until_ns.unwrap_or(fault.from_ns));
    ends.chain(samples)
        .chain(faults)
        .chain([run.duration_ns, history.ended_ns])
        .max()
        .unwrap_or(0)
}

#[cfg(test)]
pub(crate) mod fixtures;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::html::tests::run;

    #[test]
    fn percentiles_over_faults_leave_out_what_left_no_quorum() {
        let mut run = run();
        let figures = Figures::of(&run);
        assert_eq!(
            (
                figures.recovery.leader_losses,
                figures.recovery.first_ack.count
            ),
            (1, 1)
        );
        run.history.faults[0].nodes = vec![1, 2];
        let recovery = Figures::of(&run).recovery;
        assert_eq!(
            (recovery.leader_losses, recovery.leader_losses_with_quorum),
            (1, 0)
        );
        assert_eq!((recovery.first_ack.count, recovery.elected.count), (0, 0));
        assert_eq!(recovery.caught_up.count, 1);
    }

    #[test]
    fn the_axis_reaches_as_far_as_anything_that_happened() {
        let mut run = run();
        assert_eq!(Figures::of(&run).span_ns, 3000 * fixtures::MS);
        run.history.faults[0].until_ns = Some(9000 * fixtures::MS);
        assert_eq!(Figures::of(&run).span_ns, 9000 * fixtures::MS);
    }
}
