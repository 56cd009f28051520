//! Which checkers judge a run, and the judgements that need more than a history.

use crate::coverage::{self, Coverage};
use crate::evidence::Evidence;
use crate::runner::Facts;
use crate::scenario::Scenario;
use holdfast_check::{History, Ruling, Verdict, Violation};
use std::collections::BTreeMap;

/// Name and meaning of every checker.
pub const CHECKERS: &[(&str, &str)] = &[
    (
        coverage::NAME,
        "the run exercised what it claims: operations, changes of the leader, faults that bit",
    ),
    (
        "processes",
        "no process ended by itself or panicked that nothing struck",
    ),
    (
        "canaries",
        "no plaintext, name, token or share in any data directory, log file or relayed packet",
    ),
    (
        "nonces",
        "no nonce twice under one key, restored images included",
    ),
    (
        "digests",
        "every node's state has the digest that it keeps, and the same as the others at the same entry",
    ),
];

/// Judges a run.
pub(crate) fn judge(
    scenario: &Scenario,
    history: &History,
    facts: &Facts,
    evidence: &Evidence,
) -> Vec<Verdict> {
    vec![
        Coverage::of(history).judge(scenario),
        processes(facts, evidence),
        canaries(evidence),
        nonces(evidence),
        digests(evidence),
    ]
}

fn verdict(checker: &str, checked: u64, held: &str, violations: Vec<String>) -> Verdict {
    let violation = |what| Violation {
        what,
        at_ns: None,
        operations: Vec::new(),
        nodes: Vec::new(),
    };
    Verdict {
        checker: checker.to_owned(),
        ruling: if violations.is_empty() {
            Ruling::Ok
        } else {
            Ruling::Violation
        },
        checked,
        summary: violations
            .first()
            .map_or_else(|| held.to_owned(), Clone::clone),
        violations: violations.into_iter().take(20).map(violation).collect(),
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn processes(facts: &Facts, evidence: &Evidence) -> Verdict {
    let unexplained = facts
        .deaths
        .iter()
        .filter(|death| death.under.is_empty() && !facts.lost.contains(&death.node));
    let mut wrong: Vec<String> = unexplained
        .map(|death| {
            format!(
                "node {} ended by itself: {}, and nothing had struck it",
                death.node, death.how
            )
        })
        .collect();
    wrong.extend(evidence.panics.iter().cloned());
    if let Some(what) = &facts.not_level {
        wrong.push(format!("after everything was healed: {what}"));
    }
    verdict(
        "processes",
        count(evidence.nodes.len()),
        "every process ran until it was struck or stopped",
        wrong,
    )
}

fn canaries(evidence: &Evidence) -> Verdict {
    let hunter = &evidence.hunter;
    let wrong = hunter
        .finds()
        .iter()
        .map(|find| format!("a canary of {} bytes stands in {}", find.length, find.place))
        .collect();
    let mib = hunter.searched_bytes() >> 20;
    let held = format!("{} canaries are nowhere in {mib} MiB", hunter.canaries());
    verdict("canaries", count(hunter.canaries()), &held, wrong)
}

fn nonces(evidence: &Evidence) -> Verdict {
    let mut seen: BTreeMap<(u32, [u8; 24]), [u8; 32]> = BTreeMap::new();
    let mut wrong = Vec::new();
    let stopped = evidence
        .nodes
        .iter()
        .filter_map(|(node, data)| Some((*node, &data.as_ref().ok()?.records)));
    let remembered = evidence
        .remembered
        .iter()
        .map(|(node, records)| (*node, records));
    for (node, records) in stopped.chain(remembered) {
        for record in records {
            let first = *seen
                .entry((record.key_term, record.nonce))
                .or_insert(record.hash);
            if first != record.hash {
                wrong.push(format!(
                    "two records on node {node} have one nonce under key term {}",
                    record.key_term
                ));
            }
        }
    }
    let held = format!("{} records, each with a nonce of its own", seen.len());
    verdict("nonces", count(seen.len()), &held, wrong)
}

fn digests(evidence: &Evidence) -> Verdict {
    let mut at: BTreeMap<u64, (u64, &str)> = BTreeMap::new();
    let mut wrong = Vec::new();
    let mut compared = 0_u64;
    for (node, data) in &evidence.nodes {
        let Ok(data) = data else { continue };
        if !data.digest_holds {
            wrong.push(format!(
                "the state of node {node} is not what its digest says"
            ));
        }
        let (index, digest) = &data.digest;
        let (other, first) = *at.entry(*index).or_insert((*node, digest));
        compared += 1;
        if first != digest {
            wrong.push(format!("nodes {other} and {node} differ at entry {index}"));
        }
    }
    verdict(
        "digests",
        compared,
        "states agree where they can be compared",
        wrong,
    )
}

/// Judges what a history alone shows.
pub(crate) fn history_alone(_history: &History) -> Vec<Verdict> {
    Vec::new()
}

/// The ruling of several verdicts together. None at all say nothing.
pub(crate) fn worst(verdicts: &[Verdict]) -> Ruling {
    let any = |ruling| verdicts.iter().any(|verdict| verdict.ruling == ruling);
    if any(Ruling::Violation) {
        Ruling::Violation
    } else if any(Ruling::Inconclusive) || verdicts.is_empty() {
        Ruling::Inconclusive
    } else {
        Ruling::Ok
    }
}
