//! Election safety: what one leader made is one thing, and no leader is elected after a later one.

use crate::judge::{Judge, held_by};
use crate::{History, NodeSample, NodeState, Verdict};
use std::collections::{BTreeMap, BTreeSet};

/// Faults that take durable state from a node, whose vote is then no proof any more. Parts of their names.
const TAKES_STATE: [&str; 6] = ["roll", "wipe", "flip", "lie", "lying", "corrupt"];

/// Judges leaders by the entries that they made and by what nodes said of themselves.
#[must_use]
pub fn election_safety(history: &History) -> Verdict {
    let mut judge = Judge::new("election-safety");
    one_history_each(history, &mut judge);
    logs_rise(history, &mut judge);
    votes_last(history, &mut judge);
    if judge.total() == 0 {
        judge.doubt("neither logs nor leaders were seen");
    }
    let held = format!(
        "{} entries and leaders seen, never two leaders in one place",
        judge.total()
    );
    judge.finish(held)
}

/// Two entries of one leader at one index are one entry.
fn one_history_each(history: &History, judge: &mut Judge) {
    let mut made: BTreeMap<(u64, u64, u64), (&str, u64)> = BTreeMap::new();
    for log in &history.logs {
        judge.checked(log.records.len());
        for record in &log.records {
            let place = (record.term, record.leader, record.index);
            let (hash, node) = *made.entry(place).or_insert((&record.hash, log.node));
            if hash != record.hash {
                let what = format!(
                    "leader {} of term {} made two entries at index {}: two nodes led under one name",
                    record.leader, record.term, record.index
                );
                judge.blame(held_by(what, None, &[node, log.node]));
            }
        }
    }
}

/// Along a log, leaders only ever follow each other upwards.
fn logs_rise(history: &History, judge: &mut Judge) {
    for log in &history.logs {
        for pair in log.records.windows(2) {
            let (before, after) = (&pair[0], &pair[1]);
            if (after.term, after.leader) < (before.term, before.leader) {
                let what = format!(
                    "in node {}'s log an entry of leader {} in term {} follows one of leader {} in term {} at index {}",
                    log.node, after.leader, after.term, before.leader, before.term, after.index
                );
                judge.blame(held_by(
                    what,
                    None,
                    &[log.node, before.leader, after.leader],
                ));
            }
        }
    }
}

/// Who led in a term has its vote for good, and so has the quorum that elected it: it does not fall back behind that term,
/// and no lesser node begins to seek votes of that term afterwards and wins.
fn votes_last(history: &History, judge: &mut Judge) {
    let mut led: BTreeMap<u64, u64> = BTreeMap::new();
    // The greatest leader seen so far of each term, and when.
    let mut leaders: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
    let mut behind: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
    let unproven = Unproven::of(history);
    let told = |sample: &&NodeSample| sample.state != NodeState::Down && !unproven.contains(sample);
    for sample in history.samples.iter().filter(told) {
        let (node, term) = (sample.node, sample.term);
        if led.get(&node).is_some_and(|led| *led > term) {
            let what = format!(
                "node {node} led in term {} and fell back to term {term}",
                led[&node]
            );
            judge.blame(held_by(what, Some(sample.at_ns), &[node]));
            led.remove(&node);
        }
        if sample.state != NodeState::Leader {
            behind.insert(node, (term, sample.at_ns));
            continue;
        }
        judge.checked(1);
        let was = behind.get(&node).filter(|(was, _)| *was < term);
        if let (Some((_, was_ns)), Some((other, since_ns))) = (was, leaders.get(&term))
            && node < *other
            && since_ns < was_ns
        {
            let what = format!(
                "node {node} was elected in term {term} after node {other} had led in it, which only forgotten votes allow"
            );
            judge.blame(held_by(what, Some(sample.at_ns), &[node, *other]));
        }
        led.insert(node, term);
        let first = leaders.entry(term).or_insert((node, sample.at_ns));
        if node > first.0 {
            *first = (node, sample.at_ns);
        }
    }
}

/// Where nodes may rightly have forgotten.
struct Unproven {
    /// From when on a node's state had been taken.
    taken: BTreeMap<u64, u64>,
    /// Processes that said themselves that their data cannot be trusted: node and life.
    quarantined: BTreeSet<(u64, u64)>,
}

impl Unproven {
    fn of(history: &History) -> Self {
        let takes = |kind: &str| TAKES_STATE.iter().any(|part| kind.contains(part));
        let mut taken: BTreeMap<u64, u64> = BTreeMap::new();
        for fault in history.faults.iter().filter(|fault| takes(&fault.kind)) {
            for node in &fault.nodes {
                let from_ns = taken.entry(*node).or_insert(fault.from_ns);
                *from_ns = (*from_ns).min(fault.from_ns);
            }
        }
        let samples = history.samples.iter();
        let quarantined = samples.filter(|sample| sample.state == NodeState::Quarantined);
        Self {
            taken,
            quarantined: quarantined
                .map(|sample| (sample.node, sample.life))
                .collect(),
        }
    }

    fn contains(&self, sample: &NodeSample) -> bool {
        let taken = self.taken.get(&sample.node);
        taken.is_some_and(|from_ns| sample.at_ns >= *from_ns)
            || self.quarantined.contains(&(sample.node, sample.life))
    }
}
