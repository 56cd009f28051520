//! What is committed never differs and never changes, and every later leader has it.

use crate::judge::{Judge, held_by};
use crate::{History, LogRecord, Verdict};
use std::collections::BTreeMap;

/// Judges what logs hold as committed.
#[must_use]
pub fn committed_immutable(history: &History) -> Verdict {
    let mut judge = Judge::new("committed-immutable");
    let mut committed: BTreeMap<u64, (&LogRecord, u64)> = BTreeMap::new();
    for log in &history.logs {
        for record in log.records.iter().filter(|r| r.index <= log.committed) {
            judge.checked(1);
            let (first, node) = *committed.entry(record.index).or_insert((record, log.node));
            if first.hash != record.hash {
                let what = format!(
                    "nodes {node} and {} have different committed entries at index {}",
                    log.node, record.index
                );
                judge.blame(held_by(what, None, &[node, log.node]));
            }
        }
    }
    leaders_complete(history, &committed, &mut judge);
    if judge.total() == 0 {
        judge.doubt("there are no committed entries to compare");
    }
    let held = format!("{} committed entries, the same on all nodes", judge.total());
    judge.finish(held)
}

/// A leader of a later term never made an entry in the place of one that had been known committed in an earlier term.
fn leaders_complete(
    history: &History,
    committed: &BTreeMap<u64, (&LogRecord, u64)>,
    judge: &mut Judge,
) {
    // The earliest term in which somebody knew so much committed: rising in both.
    let mut known: BTreeMap<u64, u64> = BTreeMap::new();
    for sample in &history.samples {
        let most = known.entry(sample.term).or_default();
        *most = (*most).max(sample.committed);
    }
    let mut most = 0;
    let known: Vec<(u64, u64)> = known
        .into_iter()
        .map(|(term, upto)| {
            most = most.max(upto);
            (term, most)
        })
        .collect();
    for log in &history.logs {
        for record in &log.records {
            let Some((standing, _)) = committed.get(&record.index) else {
                continue;
            };
            let earlier = known.partition_point(|(term, _)| *term < record.term);
            let upto = earlier.checked_sub(1).map_or(0, |at| known[at].1);
            if standing.hash != record.hash && record.index <= upto {
                let what = format!(
                    "leader {} of term {} made another entry at index {}, which had been committed before its term",
                    record.leader, record.term, record.index
                );
                judge.blame(held_by(what, None, &[record.leader, log.node]));
            }
        }
    }
}
