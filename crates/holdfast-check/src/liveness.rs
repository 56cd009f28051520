//! After everything was healed the cluster works again, everywhere, together, and about as fast as before.

use crate::judge::{Judge, count, held_by};
use crate::{Action, History, NodeSample, NodeState, Operation, Ruling, Verdict};
use std::collections::{BTreeMap, BTreeSet};

/// What is asked of a healed cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LivenessBounds {
    /// Within this time after healing every node that is asked has acknowledged a write, milliseconds.
    pub first_write_ms: u64,
    /// Throughput in the last third after healing, in percent of that before the first fault; 0 asks for none.
    pub throughput_percent: u64,
}

impl Default for LivenessBounds {
    fn default() -> Self {
        Self {
            first_write_ms: 30_000,
            throughput_percent: 50,
        }
    }
}

/// Spans shorter than this say nothing of throughput.
const SPAN_NS_MIN: u64 = 500_000_000;
/// Nor do fewer writes before the first fault.
const WRITES_MIN: u64 = 20;

/// Judges what happened after healing. Inconclusive when it ended too soon, or before was too short.
#[must_use]
pub fn liveness(history: &History, bounds: LivenessBounds) -> Verdict {
    let mut judge = Judge::new("liveness");
    let Some(healed_ns) = history.healed_ns else {
        judge.doubt("the run was not healed before it ended");
        return judge.finish("");
    };
    first_writes(history, healed_ns, bounds, &mut judge);
    convergence(history, healed_ns, &mut judge);
    if bounds.throughput_percent > 0 {
        throughput(history, healed_ns, bounds, &mut judge);
    }
    let held = format!(
        "after healing {} nodes took writes again, stood at one index, and were fast enough",
        judge.total()
    );
    judge.finish(held)
}

/// Whether the service is as fast again as asked, for as long as the history goes. Who records it may ask this and go on: what
/// stalls for a moment, with the whole machine perhaps, is not slow for good.
#[must_use]
pub fn is_fast_again(history: &History, bounds: LivenessBounds) -> bool {
    let mut judge = Judge::new("liveness");
    match history.healed_ns {
        Some(healed_ns) => throughput(history, healed_ns, bounds, &mut judge),
        None => judge.doubt("not healed"),
    }
    judge.finish("").ruling == Ruling::Ok
}

fn is_write(op: &Operation) -> bool {
    matches!(
        op.action,
        Action::Put { .. } | Action::Delete { .. } | Action::CreateToken { .. }
    )
}

fn first_writes(history: &History, healed_ns: u64, bounds: LivenessBounds, judge: &mut Judge) {
    let after = || {
        let all = history.operations.iter();
        all.filter(|op| is_write(op) && op.invoked_ns >= healed_ns)
    };
    let asked: BTreeSet<u64> = after().map(|op| op.node).collect();
    let mut first: BTreeMap<u64, u64> = BTreeMap::new();
    for op in after().filter(|op| op.is_ok()) {
        let at = first.entry(op.node).or_insert(u64::MAX);
        *at = (*at).min(op.end_ns());
    }
    judge.checked(asked.len());
    let deadline_ns = bounds.first_write_ms.saturating_mul(1_000_000);
    for node in &asked {
        let took_ns = first.get(node).map(|at| at - healed_ns);
        if took_ns.is_some_and(|took| took <= deadline_ns) {
            continue;
        }
        if took_ns.is_none() && history.ended_ns.saturating_sub(healed_ns) < deadline_ns {
            judge.doubt(format!(
                "node {node} acknowledged no write, and the run ended too soon to ask for it"
            ));
            continue;
        }
        let what = format!(
            "node {node} acknowledged no write within {} ms after everything was healed",
            bounds.first_write_ms
        );
        judge.blame(held_by(what, Some(healed_ns), &[*node]));
    }
    if asked.is_empty() {
        judge.doubt("no write was asked for after healing");
    }
}

/// At the end every node that takes part has applied what is committed, up to what any node knew a moment before.
fn convergence(history: &History, healed_ns: u64, judge: &mut Judge) {
    let mut last: BTreeMap<u64, &NodeSample> = BTreeMap::new();
    for sample in &history.samples {
        last.insert(sample.node, sample);
    }
    last.retain(|_, sample| sample.at_ns >= healed_ns);
    if last.is_empty() {
        judge.doubt("no node was looked at after healing");
        return;
    }
    let first_of_last = last.values().map(|sample| sample.at_ns).min().unwrap_or(0);
    // Clock entries are committed all the time: the last samples of nodes lie moments apart.
    let earlier = history.samples.iter().filter(|s| s.at_ns < first_of_last);
    let known = earlier.map(|sample| sample.committed).max().unwrap_or(0);
    for (node, sample) in last {
        let what = match sample.state {
            NodeState::Down => format!("node {node} is down at the end"),
            NodeState::Quarantined => continue,
            _ if sample.applied < sample.committed.min(known) || sample.applied < known => {
                format!(
                    "node {node} has applied up to {} at the end, and {known} had been committed before",
                    sample.applied
                )
            }
            _ => continue,
        };
        judge.blame(held_by(what, Some(sample.at_ns), &[node]));
    }
}

fn throughput(history: &History, healed_ns: u64, bounds: LivenessBounds, judge: &mut Judge) {
    let writes = |from: u64, to: u64| {
        let within =
            |op: &&Operation| is_write(op) && op.is_ok() && (from..to).contains(&op.end_ns());
        count(history.operations.iter().filter(within).count())
    };
    let acknowledged = |op: &&Operation| is_write(op) && op.is_ok();
    let began = history
        .operations
        .iter()
        .filter(acknowledged)
        .map(|op| op.invoked_ns)
        .min();
    // Not the last acknowledged, nor, where it is known better, the last asked: a service that has stopped again is slow, not
    // short, be it that it answers nobody.
    let asked = history.operations.iter().filter(|op| is_write(op));
    let last_asked = asked.map(|op| op.invoked_ns).max();
    let ended = history.load_until_ns.or(last_asked);
    let fault = history.faults.iter().map(|fault| fault.from_ns).min();
    let (Some(began), Some(ended), Some(fault)) = (began, ended, fault) else {
        judge.doubt("there is nothing to compare throughput with");
        return;
    };
    let third = ended.saturating_sub(healed_ns) / 3;
    let before = writes(began, fault);
    if fault.saturating_sub(began) < SPAN_NS_MIN || third < SPAN_NS_MIN || before < WRITES_MIN {
        judge.doubt("the times before the first fault and after healing are too short to compare throughput");
        return;
    }
    let after = writes(ended - third, ended);
    // after / third ≥ percent / 100 × before / (fault − began), without fractions.
    let is = u128::from(after) * u128::from(fault - began) * 100;
    let least = u128::from(before) * u128::from(third) * u128::from(bounds.throughput_percent);
    if is < least {
        let rate = |writes: u64, span: u64| u128::from(writes) * 1_000_000_000 / u128::from(span);
        let what = format!(
            "{} writes a second in the last third after healing, against {} before the first fault: less than {} %",
            rate(after, third),
            rate(before, fault - began),
            bounds.throughput_percent
        );
        judge.blame(held_by(what, Some(ended), &[]));
    }
}
