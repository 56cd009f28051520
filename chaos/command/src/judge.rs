//! Which checkers judge a run, and the judgements that need more than a history.

mod answers;
mod control;
#[cfg(test)]
mod tests;

use crate::catalogue::{self, Cost};
use crate::evidence::Evidence;
use crate::runner::Facts;
use crate::scenario::Scenario;
use holdfast_check::{
    Claims, Fault, History, Judge, LivenessBounds, NodeState, Nonces, Ruling, Verdict, judge_all,
};
use std::collections::BTreeSet;

/// Name and meaning of the checkers that real processes have beside those of histories.
pub const OF_PROCESSES: &[(&str, &str)] = &[
    (
        "answers",
        "every answer was one that the API has, and none told of a failure inside that no fault explains",
    ),
    (
        "processes",
        "no process panicked, ended by itself that nothing had struck, or ended badly when it was asked to",
    ),
    (
        "recovery",
        "after healing all nodes were level in time and everything could be looked at once more",
    ),
    (
        "state-scan",
        "a full scan of each node's state arrives at the digest that the node keeps",
    ),
    (
        "control",
        "where a scenario makes writes vanish on purpose, durability saw it",
    ),
    (
        "quarantine",
        "a node whose disk was set back or wiped never leads or seeks votes again",
    ),
];

/// How fast it must be again after healing, in percent of before. Real machines have other things to do as well.
pub(crate) fn bounds() -> LivenessBounds {
    LivenessBounds {
        first_write_ms: 15_000,
        throughput_percent: 40,
    }
}

/// Judges a run.
pub(crate) fn judge(
    scenario: &Scenario,
    history: &History,
    facts: &Facts,
    evidence: &Evidence,
) -> Vec<Verdict> {
    let mut verdicts = as_it_is(history, scenario, &facts.lost);
    verdicts.extend(
        evidence
            .hunter
            .verdict()
            .map(|verdict| searched(verdict, evidence)),
    );
    verdicts.push(nonces(evidence));
    verdicts.push(answers::answers(
        &facts.odd,
        &history.faults,
        history.healed_ns,
        history.operations.len(),
    ));
    verdicts.push(processes(facts, evidence));
    if scenario.asks_for_service() {
        verdicts.push(recovery(facts));
    }
    verdicts.push(state_scan(facts, evidence));
    verdicts.extend(quarantine(history));
    if scenario.expect.loss {
        control::control(&mut verdicts);
    }
    verdicts
}

/// Judges what a history shows of a scenario. Of nodes that are lost, service is not asked.
#[must_use]
pub fn of_history(history: &History, scenario: &Scenario, lost: &BTreeSet<u64>) -> Vec<Verdict> {
    let mut verdicts = as_it_is(history, scenario, lost);
    if scenario.expect.loss {
        control::control(&mut verdicts);
    }
    verdicts
}

fn as_it_is(history: &History, scenario: &Scenario, lost: &BTreeSet<u64>) -> Vec<Verdict> {
    let mut verdicts = judge_all(history, &scenario.claims(), bounds());
    if scenario.asks_for_service() {
        let served = service(history, lost);
        replace(&mut verdicts, holdfast_check::liveness(&served, bounds()));
    } else {
        verdicts.retain(|verdict| verdict.checker != "liveness");
    }
    verdicts
}

/// Nodes whose disks were damaged and that did not take part again, as far as a history shows it.
#[must_use]
pub fn lost(history: &History) -> BTreeSet<u64> {
    let costs_them =
        |kind: &str| catalogue::find(kind).is_some_and(|fault| fault.cost == Cost::Lost);
    let faults = history
        .faults
        .iter()
        .filter(|fault| costs_them(&fault.kind));
    let damaged: BTreeSet<u64> = faults.flat_map(|fault| fault.nodes.clone()).collect();
    let takes_part = |node: &u64| {
        let last = history.samples.iter().rev().find(|one| one.node == *node);
        last.is_some_and(|one| matches!(one.state, NodeState::Leader | NodeState::Follower))
    };
    damaged
        .into_iter()
        .filter(|node| !takes_part(node))
        .collect()
}

/// Judges a history of which nothing else is known.
#[must_use]
pub fn history_alone(history: &History) -> Vec<Verdict> {
    judge_all(history, &Claims::default(), bounds())
}

/// What clients were served, without nodes that are lost.
fn service(history: &History, lost: &BTreeSet<u64>) -> History {
    let there = |node: u64| !lost.contains(&node);
    let operations = history.operations.iter();
    let samples = history.samples.iter();
    History {
        operations: operations.filter(|one| there(one.node)).cloned().collect(),
        samples: samples.filter(|one| there(one.node)).cloned().collect(),
        faults: history.faults.clone(),
        logs: Vec::new(),
        healed_ns: history.healed_ns,
        load_until_ns: history.load_until_ns,
        ended_ns: history.ended_ns,
    }
}

fn replace(verdicts: &mut [Verdict], by: Verdict) {
    if let Some(place) = verdicts
        .iter_mut()
        .find(|verdict| verdict.checker == by.checker)
    {
        *place = by;
    }
}

fn verdict(checker: &'static str, checked: usize, held: &str, wrong: Vec<String>) -> Verdict {
    let mut judge = Judge::new(checker);
    judge.checked(checked);
    for what in wrong {
        judge.blame(what.into());
    }
    judge.finish(held)
}

/// What was not searched cannot be called clean.
fn searched(mut verdict: Verdict, evidence: &Evidence) -> Verdict {
    if evidence.missed_packets > 0 && verdict.ruling == Ruling::Ok {
        verdict.ruling = Ruling::Inconclusive;
        verdict.summary = format!(
            "{} packets were too many to be kept and searched",
            evidence.missed_packets
        );
    }
    verdict
}

fn nonces(evidence: &Evidence) -> Verdict {
    let mut nonces = Nonces::new();
    let stopped = evidence
        .nodes
        .values()
        .filter_map(|data| Some(&data.as_ref().ok()?.records));
    let remembered = evidence.remembered.iter().map(|(_, records)| records);
    for record in stopped.chain(remembered).flatten() {
        nonces.see(
            record.key_term,
            &record.namespace,
            &record.nonce,
            &record.hash,
        );
    }
    nonces.verdict()
}

fn processes(facts: &Facts, evidence: &Evidence) -> Verdict {
    let unexplained = facts
        .deaths
        .iter()
        .filter(|death| death.under.is_empty() && !facts.damaged.contains(&death.node));
    let mut wrong: Vec<String> = unexplained
        .map(|death| {
            format!(
                "node {} ended: {}, and nothing explains it",
                death.node, death.how
            )
        })
        .collect();
    wrong.extend(evidence.panics.iter().cloned());
    verdict(
        "processes",
        evidence.nodes.len(),
        "every process ran until it was struck or stopped",
        wrong,
    )
}

fn recovery(facts: &Facts) -> Verdict {
    let reads = &facts.final_reads;
    let mut wrong: Vec<String> = facts.not_level.iter().cloned().collect();
    // Who is lost was not asked; of everybody else everything is.
    if !reads.is_complete() {
        wrong.push(format!(
            "{} keys could not be read, written and read on every node that is not lost, {} tokens not tried",
            reads.incomplete, reads.undecided
        ));
    }
    let checked = reads.keys + reads.tokens;
    let held = format!(
        "{} keys and {} tokens were looked at on every node",
        reads.keys, reads.tokens
    );
    verdict(
        "recovery",
        usize::try_from(checked).unwrap_or(usize::MAX),
        &held,
        wrong,
    )
}

fn state_scan(facts: &Facts, evidence: &Evidence) -> Verdict {
    let mut wrong = Vec::new();
    let mut checked = 0;
    for (node, data) in &evidence.nodes {
        if let Ok(data) = data
            && !facts.damaged.contains(node)
        {
            checked += 1;
            if !data.digest_holds {
                wrong.push(format!(
                    "the state of node {node} is not what its digest says"
                ));
            }
            if let Some(why) = &data.quarantine {
                wrong.push(format!(
                    "node {node} is quarantined, and nobody had damaged its disk: {why}"
                ));
            }
        }
    }
    verdict(
        "state-scan",
        checked,
        "every state is what its digest says",
        wrong,
    )
}

/// Faults of a disk after which a node has forgotten what it promised.
const FORGETS: [&str; 2] = ["rolled-back-disk", "wiped-disk"];

/// A node whose disk was set back, or wiped, has forgotten what it promised: it must never lead or seek votes again, and must
/// have noticed by the end, or it would give the next vote that it is asked for. `None` when no disk was.
fn quarantine(history: &History) -> Option<Verdict> {
    let forgets = |fault: &&Fault| FORGETS.contains(&fault.kind.as_str());
    let forgetful: Vec<&Fault> = history.faults.iter().filter(forgets).collect();
    if forgetful.is_empty() {
        return None;
    }
    let mut judge = Judge::new("quarantine");
    for (fault, node) in forgetful
        .iter()
        .flat_map(|fault| fault.nodes.iter().map(move |node| (fault, *node)))
    {
        let since = fault.until_ns.unwrap_or(u64::MAX);
        let samples = history.samples.iter();
        let seen: Vec<NodeState> = samples
            .filter(|sample| sample.node == node && sample.at_ns >= since)
            .map(|sample| sample.state)
            .collect();
        judge.checked(seen.len());
        // An older image is taken up until somebody notices; on an empty disk Raft does not even start.
        let wiped = fault.kind == "wiped-disk";
        let seeks = |state: &NodeState| match state {
            NodeState::Leader | NodeState::Candidate => true,
            NodeState::Follower => wiped,
            _ => false,
        };
        if seen.iter().any(seeks) {
            judge
                .blame(format!("node {node} takes part in elections after its disk forgot").into());
        }
        match seen.last() {
            None => judge.doubt(format!("node {node} was not seen after its disk forgot")),
            Some(NodeState::Quarantined) => {}
            Some(NodeState::Down) if !wiped || seen.contains(&NodeState::Quarantined) => {}
            Some(NodeState::Down) => {
                judge.blame(format!("node {node} never said that its disk forgot").into());
            }
            Some(_) => {
                judge.blame(format!("node {node} would still vote although its disk forgot").into())
            }
        }
    }
    Some(judge.finish("no node led, sought votes or would give one after its disk forgot"))
}
