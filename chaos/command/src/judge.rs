//! Which checkers judge a run, and the judgements that need more than a history.

use crate::evidence::Evidence;
use crate::runner::Facts;
use crate::scenario::Scenario;
use holdfast_check::{
    Claims, History, LivenessBounds, Nonces, Ruling, Verdict, Violation, judge_all,
};

/// Name and meaning of the checkers that real processes have beside those of histories.
pub const OF_PROCESSES: &[(&str, &str)] = &[
    (
        "processes",
        "no process panicked, or ended by itself that nothing had struck",
    ),
    (
        "recovery",
        "after healing all nodes were level in time and everything could be looked at once more",
    ),
    (
        "state-scan",
        "a full scan of each node's state arrives at the digest that the node keeps",
    ),
];

/// How fast it must be again after healing, in percent of before. Real machines have other things to do as well.
const BOUNDS: LivenessBounds = LivenessBounds {
    first_write_ms: 15_000,
    throughput_percent: 40,
};

/// Judges a run.
pub(crate) fn judge(
    scenario: &Scenario,
    history: &History,
    facts: &Facts,
    evidence: &Evidence,
) -> Vec<Verdict> {
    let mut verdicts = judge_all(history, &scenario.claims(), BOUNDS);
    if !facts.lost.is_empty() {
        // Of a node that was damaged beyond use on purpose, service is not asked.
        let of_others = without(history, facts);
        replace(&mut verdicts, holdfast_check::liveness(&of_others, BOUNDS));
    }
    if !scenario.asks_for_service() {
        verdicts.retain(|verdict| verdict.checker != "liveness");
    }
    verdicts.extend(
        evidence
            .hunter
            .verdict()
            .map(|verdict| searched(verdict, evidence)),
    );
    verdicts.push(nonces(evidence));
    verdicts.push(processes(facts, evidence));
    if scenario.asks_for_service() {
        verdicts.push(recovery(facts));
    }
    verdicts.push(state_scan(facts, evidence));
    verdicts
}

/// Judges what a history alone shows.
#[must_use]
pub fn history_alone(history: &History, claims: &Claims) -> Vec<Verdict> {
    judge_all(history, claims, BOUNDS)
}

fn replace(verdicts: &mut [Verdict], by: Verdict) {
    if let Some(place) = verdicts
        .iter_mut()
        .find(|verdict| verdict.checker == by.checker)
    {
        *place = by;
    }
}

/// The history of the nodes that are not lost.
fn without(history: &History, facts: &Facts) -> History {
    let there = |node: u64| !facts.lost.contains(&node);
    History {
        operations: history
            .operations
            .iter()
            .filter(|one| there(one.node))
            .cloned()
            .collect(),
        samples: history
            .samples
            .iter()
            .filter(|one| there(one.node))
            .cloned()
            .collect(),
        faults: history.faults.clone(),
        logs: Vec::new(),
        healed_ns: history.healed_ns,
        ended_ns: history.ended_ns,
    }
}

fn verdict(checker: &str, checked: usize, held: &str, wrong: Vec<String>) -> Verdict {
    let violation = |what| Violation {
        what,
        at_ns: None,
        operations: Vec::new(),
        nodes: Vec::new(),
    };
    Verdict {
        checker: checker.to_owned(),
        ruling: if wrong.is_empty() {
            Ruling::Ok
        } else {
            Ruling::Violation
        },
        checked: u64::try_from(checked).unwrap_or(u64::MAX),
        summary: wrong.first().map_or_else(|| held.to_owned(), Clone::clone),
        violations: wrong.into_iter().take(20).map(violation).collect(),
    }
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
        nonces.see(record.key_term, b"", &record.nonce, &record.hash);
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
                "node {} ended by itself: {}, and nothing had struck it",
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
    if facts.lost.is_empty() && !reads.is_complete() {
        wrong.push(format!(
            "{} keys could not be written and read on every node, {} tokens not tried",
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
