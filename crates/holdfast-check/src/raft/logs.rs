//! Log matching: logs that agree on one entry agree on everything before it.

use crate::judge::{Judge, held_by};
use crate::{History, LogRecord, NodeLog, Verdict};
use std::collections::BTreeMap;

/// Judges every pair of logs.
#[must_use]
pub fn log_matching(history: &History) -> Verdict {
    let mut judge = Judge::new("log-matching");
    for log in &history.logs {
        well_formed(log, &mut judge);
    }
    for (at, log) in history.logs.iter().enumerate() {
        for other in &history.logs[at + 1..] {
            compare(log, other, &mut judge);
        }
    }
    if history.logs.len() < 2 || judge.total() == 0 {
        judge.doubt("there are no two logs to compare");
    }
    let held = format!(
        "{} entries in common, each after the same ones",
        judge.total()
    );
    judge.finish(held)
}

/// A log has no gaps and begins after what was purged.
fn well_formed(log: &NodeLog, judge: &mut Judge) {
    for pair in log.records.windows(2) {
        if pair[1].index != pair[0].index.saturating_add(1) {
            let what = format!(
                "node {}'s log goes from index {} to index {}",
                log.node, pair[0].index, pair[1].index
            );
            judge.blame(held_by(what, None, &[log.node]));
        }
    }
}

fn compare(log: &NodeLog, other: &NodeLog, judge: &mut Judge) {
    let at: BTreeMap<u64, &LogRecord> = other.records.iter().map(|r| (r.index, r)).collect();
    let both = || {
        log.records
            .iter()
            .filter_map(|record| Some((record, *at.get(&record.index)?)))
    };
    let one_leader = |a: &LogRecord, b: &LogRecord| (a.term, a.leader) == (b.term, b.leader);
    let last_equal = both()
        .filter(|(a, b)| one_leader(a, b))
        .map(|(a, _)| a.index)
        .max();
    let Some(last_equal) = last_equal else { return };
    for (record, theirs) in both().filter(|(record, _)| record.index <= last_equal) {
        judge.checked(1);
        if record.hash != theirs.hash || !one_leader(record, theirs) {
            let what = format!(
                "nodes {} and {} agree on entry {last_equal} and differ at entry {} before it",
                log.node, other.node, record.index
            );
            judge.blame(held_by(what, None, &[log.node, other.node]));
            return;
        }
    }
}
