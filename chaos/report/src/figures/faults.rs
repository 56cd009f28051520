//! What each fault did: how long until it was noticed, a new leader stood, a write was acknowledged, the struck node was level.
//!
//! Where sampling leaves a doubt, the later time is told: a figure here may be worse than the truth by one sample, never
//! better.

use std::collections::BTreeSet;

use holdfast_check::{Fault, History, NodeSample, NodeState, Operation, Outcome};
use serde::Serialize;

use super::operations::is_write;

/// The times of one fault. All are lengths; `None` where it did not come to that.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FaultTimes {
    /// Its place in the history, from zero.
    pub fault: usize,
    /// Whether it cost the cluster its leader: it hit the one who led, and somebody noticed.
    pub leader_lost: bool,
    /// Whether it left more than half of the sampled nodes unstruck. Without them nobody can be elected before healing.
    pub quorum_left: bool,
    /// How long after the fault the struck leader still took writes: a full disk, say, does not end it at once. The next
    /// three times begin there. Zero where the logs do not tell whose writes they were.
    pub led_on_ns: u64,
    /// Until one other than the leader seeks votes or knows no leader.
    pub detected_ns: Option<u64>,
    /// Until somebody leads in a later term.
    pub elected_ns: Option<u64>,
    /// Until the first acknowledged write; where the fault cost the leader, until the first that a later leader took.
    pub first_ack_ns: Option<u64>,
    /// From healing until all that it struck have applied what was committed at healing.
    pub caught_up_ns: Option<u64>,
}

/// Of all faults, in their order.
#[must_use]
pub fn fault_times(history: &History) -> Vec<FaultTimes> {
    let mut samples: Vec<&NodeSample> = history.samples.iter().collect();
    samples.sort_by_key(|sample| sample.at_ns);
    let mut acknowledged: Vec<(u64, &Operation)> = history
        .operations
        .iter()
        .filter(|operation| is_write(&operation.action))
        .filter(|operation| matches!(operation.outcome, Outcome::Ok(_)))
        .filter_map(|operation| Some((operation.returned_ns?, operation)))
        .collect();
    acknowledged.sort_by_key(|(returned_ns, operation)| (*returned_ns, operation.id));
    let nodes: BTreeSet<u64> = samples.iter().map(|sample| sample.node).collect();
    let view = View {
        nodes: nodes.len(),
        samples,
        acknowledged,
        terms: terms(history),
    };
    let times = |(place, fault)| view.times(place, fault, window_end(history, fault));
    history.faults.iter().enumerate().map(times).collect()
}

/// What a later fault on a leader brings is not owed to this one.
fn window_end(history: &History, fault: &Fault) -> u64 {
    let later = |other: &&Fault| other.hit_leader && other.from_ns > fault.from_ns;
    history
        .faults
        .iter()
        .filter(later)
        .map(|other| other.from_ns)
        .min()
        .unwrap_or(u64::MAX)
}

/// Index and term of every entry that some node knows committed, in order.
fn terms(history: &History) -> Vec<(u64, u64)> {
    let mut terms: Vec<(u64, u64)> = history
        .logs
        .iter()
        .flat_map(|log| {
            log.records
                .iter()
                .filter(|record| record.index <= log.committed)
        })
        .map(|record| (record.index, record.term))
        .collect();
    terms.sort_unstable();
    terms.dedup_by_key(|(index, _)| *index);
    terms
}

struct View<'a> {
    nodes: usize,
    samples: Vec<&'a NodeSample>,
    acknowledged: Vec<(u64, &'a Operation)>,
    terms: Vec<(u64, u64)>,
}

impl View<'_> {
    fn times(&self, place: usize, fault: &Fault, end_ns: u64) -> FaultTimes {
        let struck: BTreeSet<u64> = fault.nodes.iter().copied().collect();
        let mut times = FaultTimes {
            fault: place,
            quorum_left: struck.len() * 2 < self.nodes,
            caught_up_ns: self.caught_up(fault),
            ..FaultTimes::default()
        };
        let mut floor = Floor {
            at_ns: fault.from_ns,
            term: None,
        };
        let mut loss = Loss::default();
        // Without a leader seen before there is no telling which one came after.
        if let Some((term, leader)) = self.leader_before(fault).filter(|_| fault.hit_leader) {
            loss = self.loss(fault, (term, leader), end_ns);
            times.leader_lost = loss.detected_ns.is_some();
            if let Some(at_ns) = loss.detected_ns {
                floor = Floor {
                    at_ns,
                    term: Some(term),
                };
            }
        }
        let first_ack_ns = self.first_ack(fault.from_ns, &floor);
        let led_until_ns = floor
            .term
            .and_then(|term| self.last_taken(fault.from_ns, first_ack_ns?, term))
            .unwrap_or(fault.from_ns);
        let since = |at_ns: u64| at_ns.saturating_sub(led_until_ns);
        times.led_on_ns = led_until_ns - fault.from_ns;
        times.detected_ns = loss.detected_ns.map(since);
        times.elected_ns = loss.elected_ns.map(since);
        times.first_ack_ns = first_ack_ns.map(since);
        times
    }

    fn after(&self, at_ns: u64) -> &[&NodeSample] {
        &self.samples[self.samples.partition_point(|sample| sample.at_ns <= at_ns)..]
    }

    fn before(&self, at_ns: u64) -> &[&NodeSample] {
        &self.samples[..self.samples.partition_point(|sample| sample.at_ns <= at_ns)]
    }

    /// The latest term in which somebody was seen to lead until the fault, and who.
    fn leader_before(&self, fault: &Fault) -> Option<(u64, u64)> {
        let leading = self
            .before(fault.from_ns)
            .iter()
            .filter(|s| s.state == NodeState::Leader);
        leading.map(|sample| (sample.term, sample.node)).max()
    }

    fn loss(&self, fault: &Fault, (term, leader): (u64, u64), end_ns: u64) -> Loss {
        let mut knew = self.knew_a_leader(fault.from_ns);
        let mut loss = Loss::default();
        let after = self.after(fault.from_ns).iter();
        for sample in after.take_while(|sample| sample.at_ns <= end_ns) {
            let runs = !matches!(sample.state, NodeState::Down | NodeState::Quarantined);
            if !runs {
                continue;
            }
            let healed = fault.until_ns.is_some_and(|until| sample.at_ns >= until);
            let leads = sample.state == NodeState::Leader;
            if sample.term > term && (leads || sample.leader.is_some()) {
                loss.elected_ns = Some(sample.at_ns);
                loss.detected_ns = loss.detected_ns.or(loss.elected_ns);
                break;
            }
            if healed && leads && loss.detected_ns.is_none() {
                // The old leader came back in time to go on.
                break;
            }
            let lost_sight = sample.leader.is_none() && !leads && knew.contains(&sample.node);
            let elsewhere = sample.node != leader;
            if elsewhere && (lost_sight || sample.state == NodeState::Candidate) {
                loss.detected_ns = loss.detected_ns.or(Some(sample.at_ns));
            }
            if sample.leader.is_some() {
                knew.push(sample.node);
            }
        }
        loss
    }

    fn knew_a_leader(&self, at_ns: u64) -> Vec<u64> {
        let mut seen = Vec::new();
        let mut knew = Vec::new();
        for sample in self.before(at_ns).iter().rev() {
            if !seen.contains(&sample.node) {
                seen.push(sample.node);
                if sample.leader.is_some() {
                    knew.push(sample.node);
                }
            }
        }
        knew
    }

    fn first_ack(&self, from_ns: u64, floor: &Floor) -> Option<u64> {
        let first = self
            .acknowledged
            .partition_point(|(returned, _)| *returned <= from_ns);
        let found = self.acknowledged[first..]
            .iter()
            .find(|(returned_ns, write)| {
                let Some(term) = floor.term else {
                    return write.invoked_ns >= from_ns;
                };
                match self.term_of(write) {
                    Some(taken) => taken > term,
                    None => *returned_ns >= floor.at_ns,
                }
            });
        found.map(|(returned_ns, _)| *returned_ns)
    }

    /// When the last write was asked for that a leader of this term took, of those acknowledged between two times. Not when
    /// it was acknowledged: a later leader may answer for what an earlier one took.
    fn last_taken(&self, from_ns: u64, until_ns: u64, term: u64) -> Option<u64> {
        let place = |at_ns| {
            self.acknowledged
                .partition_point(|(returned_ns, _)| *returned_ns <= at_ns)
        };
        let between = self.acknowledged[place(from_ns)..place(until_ns)].iter();
        let taken = between.filter(|(_, write)| self.term_of(write) == Some(term));
        let asked = taken.map(|(_, write)| write.invoked_ns);
        asked.max().filter(|asked| *asked > from_ns)
    }

    /// The term of the leader that took this write, if the logs still say.
    fn term_of(&self, write: &Operation) -> Option<u64> {
        let Outcome::Ok(seen) = &write.outcome else {
            return None;
        };
        let place = self
            .terms
            .binary_search_by_key(&seen.index?, |(index, _)| *index)
            .ok()?;
        Some(self.terms[place].1)
    }

    fn caught_up(&self, fault: &Fault) -> Option<u64> {
        let healed_ns = fault.until_ns?;
        let target = self
            .before(healed_ns)
            .iter()
            .map(|sample| sample.committed)
            .max()?;
        let mut behind = fault.nodes.clone();
        if behind.is_empty() {
            return None;
        }
        for sample in self.after(healed_ns) {
            if sample.applied >= target && sample.state != NodeState::Down {
                behind.retain(|node| *node != sample.node);
            }
            if behind.is_empty() {
                return Some(sample.at_ns - healed_ns);
            }
        }
        None
    }
}

#[derive(Default)]
struct Loss {
    detected_ns: Option<u64>,
    elected_ns: Option<u64>,
}

/// From where on an acknowledgement counts: by the leader's term where the logs tell it, else by time.
struct Floor {
    at_ns: u64,
    term: Option<u64>,
}

#[cfg(test)]
mod tests;
