//! Equal positions, equal states: wherever two samples tell the digest of the state at one index, they tell the same.

use crate::judge::{Judge, held_by};
use crate::{History, Verdict};
use std::collections::BTreeMap;

/// Judges the digests in samples, across nodes and over time. Inconclusive when no two could be compared.
#[must_use]
pub fn digests(history: &History) -> Verdict {
    let mut judge = Judge::new("digests");
    let mut first: BTreeMap<u64, (u64, &str)> = BTreeMap::new();
    let mut indexes = 0_u64;
    for sample in &history.samples {
        for (index, digest) in &sample.digests {
            let Some((node, known)) = first.get(index) else {
                first.insert(*index, (sample.node, digest));
                indexes += 1;
                continue;
            };
            judge.checked(1);
            if *known != digest.as_str() {
                let what = if *node == sample.node {
                    format!("node {node} told two states at index {index}")
                } else {
                    format!(
                        "nodes {node} and {} have different states at index {index}",
                        sample.node
                    )
                };
                judge.blame(held_by(what, Some(sample.at_ns), &[*node, sample.node]));
            }
        }
    }
    if judge.total() == 0 {
        judge.doubt("no two digests could be compared");
    }
    let held = format!(
        "{} digests agree with those told before, at {indexes} indexes",
        judge.total()
    );
    judge.finish(held)
}
