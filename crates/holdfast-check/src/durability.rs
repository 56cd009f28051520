//! What was acknowledged stays: every acknowledged write stands in the committed log, and nothing that was seen or
//! acknowledged later contradicts it. Older versions stay as they are.
//!
//! Ground truth is the merge of all nodes' logs up to what each knows committed. An entry past that counts when most nodes
//! hold it. Entries that every log which reached them has purged are judged by the reads after healing only, as all are
//! without logs.

use crate::judge::{Judge, count, held_by, shown};
use crate::keys::{Key, Put, Read, by_key};
use crate::linearizability::index::always_writes;
use crate::older::check_older;
use crate::{Action, History, LogRecord, Operation, Payload, Verdict};
use std::collections::BTreeMap;

/// Judges acknowledged writes against logs, later writes and the reads after healing.
#[must_use]
pub fn durability(history: &History) -> Verdict {
    let mut judge = Judge::new("durability");
    let merged = Merged::of(history, &mut judge);
    for op in &history.operations {
        if op.is_ok() && changes(op) {
            judge.checked(1);
            match (&merged, op.index()) {
                (Some(merged), Some(index)) => merged.check(op, index, &mut judge),
                (Some(_), None) if always_writes(op) => judge.doubt(format!(
                    "write {} was acknowledged without an index: no log can be asked for it",
                    op.id
                )),
                _ => {}
            }
        }
    }
    let healed_ns = history.healed_ns.unwrap_or(u64::MAX);
    let mut final_reads = 0;
    for (number, key) in by_key(history) {
        let last_look =
            |read: &&Read<'_>| read.is_linearizable() && read.op.invoked_ns >= healed_ns;
        let reads: Vec<Read<'_>> = key.reads.iter().filter(last_look).copied().collect();
        final_reads += reads.len() + key.older.len();
        check_writes(number, &key, &mut judge);
        check_older(number, &key, &mut judge);
        for read in reads {
            check_read(number, &key, read, &mut judge);
        }
    }
    if judge.total() == 0 {
        judge.doubt("no write was acknowledged");
    }
    if merged.is_none() && final_reads == 0 {
        judge.doubt("there are neither logs nor reads after healing to judge by");
    }
    let by = match (&merged, final_reads) {
        (None, reads) => format!("judged by {reads} reads after healing only: no logs were given"),
        (Some(_), 0) => "judged by the merged logs only: nothing was read after healing".to_owned(),
        (Some(merged), reads) => format!(
            "judged by {} merged entries and {reads} reads after healing",
            merged.committed.len()
        ),
    };
    let held = format!("{} acknowledged writes, none lost; {by}", judge.total());
    judge.finish(held)
}

const fn changes(op: &Operation) -> bool {
    matches!(
        op.action,
        Action::Put { .. }
            | Action::Delete { .. }
            | Action::CreateToken { .. }
            | Action::RevokeToken { .. }
    )
}

/// The committed entries of all nodes.
struct Merged<'a> {
    committed: BTreeMap<u64, &'a LogRecord>,
    /// The last index that any node knows committed, or that most nodes hold alike.
    last: u64,
    /// Of each log what it purged and what it knows committed: between the two it has an entry at each index.
    spans: Vec<(u64, u64)>,
}

impl<'a> Merged<'a> {
    fn of(history: &'a History, judge: &mut Judge) -> Option<Self> {
        if history.logs.is_empty() {
            return None;
        }
        let purged = history.logs.iter().map(|log| log.purged).max().unwrap_or(0);
        let known = history.logs.iter().map(|log| log.committed).max();
        let mut merged = Self {
            committed: BTreeMap::new(),
            last: known.unwrap_or(0).max(purged),
            spans: history
                .logs
                .iter()
                .map(|log| (log.purged, log.committed))
                .collect(),
        };
        let mut owner: BTreeMap<u64, u64> = BTreeMap::new();
        for log in &history.logs {
            for record in log.records.iter().filter(|r| r.index <= log.committed) {
                let first = *merged.committed.entry(record.index).or_insert(record);
                let node = *owner.entry(record.index).or_insert(log.node);
                if first.hash != record.hash {
                    let what = format!(
                        "nodes {node} and {} have different committed entries at index {}",
                        log.node, record.index
                    );
                    judge.blame(held_by(what, None, &[node, log.node]));
                }
            }
        }
        merged.add_held_by_most(history);
        Some(merged)
    }

    /// Nodes note rarely what is committed: past that, what most of them hold alike is.
    fn add_held_by_most(&mut self, history: &'a History) {
        let mut holders: BTreeMap<(u64, &str), (u64, &LogRecord)> = BTreeMap::new();
        let last = self.last;
        for log in &history.logs {
            for record in log.records.iter().filter(|r| r.index > last) {
                let held = holders
                    .entry((record.index, record.hash.as_str()))
                    .or_insert((0, record));
                held.0 += 1;
            }
        }
        for (holding, record) in holders.into_values() {
            if holding * 2 > count(history.logs.len()) {
                self.last = self.last.max(record.index);
                self.committed.entry(record.index).or_insert(record);
            }
        }
    }

    /// Whether the entry at an index may rightly be missing: somebody purged it, and nobody ought to hold it.
    fn was_purged(&self, index: u64) -> bool {
        let mut spans = self.spans.iter();
        let holds = |(purged, committed): &(u64, u64)| (*purged + 1..=*committed).contains(&index);
        !spans.clone().any(holds) && spans.any(|(purged, _)| index <= *purged)
    }

    fn check(&self, op: &Operation, index: u64, judge: &mut Judge) {
        let id = op.id;
        match self.committed.get(&index) {
            None if index > self.last => {
                let what = format!(
                    "write {id} was acknowledged at index {index}, and the committed log ends at {}",
                    self.last
                );
                judge.blame(shown(what, &[op]));
            }
            None if !self.was_purged(index) => {
                let what = format!(
                    "write {id} was acknowledged at index {index}, and no node has a committed entry there"
                );
                judge.blame(shown(what, &[op]));
            }
            Some(record)
                if always_writes(op) && !matches!(record.payload, Payload::Transaction { .. }) =>
            {
                let what = format!(
                    "write {id} was acknowledged at index {index}, and another kind of entry stands there"
                );
                judge.blame(shown(what, &[op]));
            }
            None | Some(_) => {}
        }
    }
}

/// No write makes a version that an earlier acknowledged one had made already: that one would be gone.
fn check_writes(number: u64, key: &Key<'_>, judge: &mut Judge) {
    let told = key.puts.iter().copied();
    let mut ended: Vec<(u64, Put<'_>)> =
        told.filter_map(|put| Some((put.version()?, put))).collect();
    let mut begun = ended.clone();
    ended.sort_by_key(|(_, put)| (put.op.end_ns(), put.op.id));
    begun.sort_by_key(|(_, put)| (put.op.invoked_ns, put.op.id));
    let mut ended = ended.into_iter().peekable();
    let mut highest: Option<(u64, Put<'_>)> = None;
    let mut made: BTreeMap<u64, Put<'_>> = BTreeMap::new();
    for (version, put) in begun {
        while let Some(earlier) = ended.next_if(|(_, earlier)| earlier.op.is_before(put.op)) {
            if highest.is_none_or(|(highest, _)| earlier.0 > highest) {
                highest = Some(earlier);
            }
        }
        let lost = highest
            .filter(|(highest, _)| *highest >= version)
            .or_else(|| made.get(&version).map(|other| (version, *other)));
        if let Some((older, other)) = lost {
            let what = format!(
                "secret {number}: version {older} of acknowledged write {} was lost: later write {} made version {version}",
                other.op.id, put.op.id
            );
            judge.blame(shown(what, &[other.op, put.op]));
        }
        made.insert(version, put);
    }
}

/// A read after healing shows nothing older than, or other than, what was acknowledged before it.
fn check_read(number: u64, key: &Key<'_>, read: Read<'_>, judge: &mut Judge) {
    let before = |put: &&Put<'_>| put.op.is_ok() && put.op.is_before(read.op);
    let newest = key.puts.iter().filter(before).max_by_key(|p| p.version());
    let Some(newest) = newest else { return };
    let id = read.op.id;
    let lost = |put: &Put<'_>, how: String| {
        let what = format!(
            "secret {number}: acknowledged write {} is lost: {how}",
            put.op.id
        );
        shown(what, &[put.op, read.op])
    };
    if read.seen.version.is_none() && read.seen.value.is_none() {
        if key.deletes.is_empty() {
            judge.blame(lost(
                newest,
                format!("read {id} after healing found nothing"),
            ));
        }
        return;
    }
    let Some(version) = read.seen.version else {
        return;
    };
    if newest.version().is_some_and(|made| made > version) {
        let how = format!("read {id} after healing found only version {version}");
        judge.blame(lost(newest, how));
        return;
    }
    let Some(value) = read.seen.value else { return };
    let same = key.puts.iter().find(|p| p.version() == Some(version));
    let Some(same) = same else { return };
    if same.value != value {
        let how = format!("read {id} after healing found another value at version {version}");
        judge.blame(lost(same, how));
    }
    let struck = key
        .deletes
        .iter()
        .find(|delete| delete.is_ok() && same.op.is_before(delete) && delete.is_before(read.op));
    if let Some(delete) = struck {
        let what = format!(
            "secret {number}: acknowledged delete {} is lost: read {id} after healing found version {version}",
            delete.id
        );
        judge.blame(shown(what, &[same.op, delete, read.op]));
    }
}
