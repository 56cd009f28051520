//! The log as its callers see it: bounds, vote, and the latest entries in memory.
//!
//! It runs ahead of the disk: what was handed in is readable at once. Invariants: the cache holds `cache_from..end`
//! without a gap; nothing at or above `written` has left it; `cache_from` is at least `first`.

use super::{LogBounds, Purged};
use bytes::Bytes;
use std::collections::VecDeque;

pub(crate) struct Tail {
    pub(crate) purged: Option<Purged>,
    pub(crate) vote: Option<Bytes>,
    pub(crate) committed: Option<Bytes>,
    /// One more than the last index; after a purge of everything, one more than the purged one.
    end: u64,
    /// The disk holds everything below, as far as is known.
    written: u64,
    cache: VecDeque<Bytes>,
    cache_from: u64,
    cache_bytes: usize,
    cache_bytes_max: usize,
    /// Counts truncations: what was planned before one is void.
    epoch: u64,
}

/// Where the next entries of a range are.
pub(crate) enum Source {
    /// There are none.
    End,
    /// In memory; here they are.
    Memory(Vec<(u64, Bytes)>),
    /// On disk, from here up to there (exclusive), valid while the epoch stands.
    Disk { from: u64, upto: u64 },
}

impl Tail {
    pub(crate) fn new(purged: Option<Purged>, end: u64, cache_bytes_max: usize) -> Self {
        Self {
            purged,
            vote: None,
            committed: None,
            end,
            written: end,
            cache: VecDeque::new(),
            cache_from: end,
            cache_bytes: 0,
            cache_bytes_max,
            epoch: 0,
        }
    }

    pub(crate) fn first(&self) -> u64 {
        self.purged.as_ref().map_or(0, |purged| purged.index + 1)
    }

    pub(crate) const fn end(&self) -> u64 {
        self.end
    }

    pub(crate) const fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(crate) fn bounds(&self) -> LogBounds {
        LogBounds {
            purged: self.purged.clone(),
            last: (self.end > self.first()).then(|| self.end - 1),
        }
    }

    /// Whether entries may be appended: each index follows the one before.
    pub(crate) fn accepts(&self, entries: &[(u64, Bytes)]) -> bool {
        (self.end..)
            .zip(entries)
            .all(|(next, (index, _))| next == *index)
    }

    pub(crate) fn append(&mut self, entries: &[(u64, Bytes)]) {
        assert!(self.accepts(entries), "the caller checked that they follow");
        for (_, entry) in entries {
            self.cache_bytes += entry.len();
            self.cache.push_back(entry.clone());
        }
        self.end += entries.len() as u64;
    }

    /// Drops everything from `end` on.
    pub(crate) fn truncate(&mut self, end: u64) {
        let end = end.max(self.first());
        if end >= self.end {
            return;
        }
        while self.cache_from + (self.cache.len() as u64) > end {
            match self.cache.pop_back() {
                Some(entry) => self.cache_bytes -= entry.len(),
                None => self.cache_from = end,
            }
        }
        self.end = end;
        self.written = self.written.min(end);
        self.epoch += 1;
    }

    pub(crate) fn purge(&mut self, upto: Purged) {
        let first = upto.index + 1;
        while self.cache_from < first {
            match self.cache.pop_front() {
                Some(entry) => {
                    self.cache_bytes -= entry.len();
                    self.cache_from += 1;
                }
                None => self.cache_from = first,
            }
        }
        if first > self.end {
            self.end = first;
            self.written = first;
            self.epoch += 1;
        }
        self.purged = Some(upto);
    }

    /// The disk holds everything below `end`, written in `epoch`; older entries may leave the cache.
    pub(crate) fn on_written(&mut self, epoch: u64, end: u64) {
        if epoch == self.epoch {
            self.written = self.written.max(end);
        }
        while self.cache_bytes > self.cache_bytes_max && self.cache_from < self.written {
            if let Some(entry) = self.cache.pop_front() {
                self.cache_bytes -= entry.len();
            }
            self.cache_from += 1;
        }
    }

    /// Where to find what is present of `from..to`.
    pub(crate) fn locate(&self, from: u64, to: u64, max_bytes: usize) -> Source {
        let (from, to) = (from.max(self.first()), to.min(self.end));
        if from >= to {
            return Source::End;
        }
        if from < self.cache_from {
            let upto = to.min(self.cache_from);
            return Source::Disk { from, upto };
        }
        let skip = usize::try_from(from - self.cache_from).expect("an offset into a deque");
        let mut bytes = 0;
        let mut found = Vec::new();
        for (index, entry) in (from..to).zip(self.cache.iter().skip(skip)) {
            if !found.is_empty() && bytes + entry.len() > max_bytes {
                break;
            }
            bytes += entry.len();
            found.push((index, entry.clone()));
        }
        Source::Memory(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(range: std::ops::Range<u64>) -> Vec<(u64, Bytes)> {
        range.map(|i| (i, Bytes::from(vec![0; 10]))).collect()
    }

    fn purged(index: u64) -> Purged {
        Purged {
            index,
            log_id: Bytes::new(),
        }
    }

    #[test]
    fn keeps_what_is_not_written_and_evicts_what_is() {
        let mut tail = Tail::new(None, 0, 25);
        assert!(!tail.accepts(&entries(1..2)));
        tail.append(&entries(0..10));
        assert_eq!(tail.cache.len(), 10, "nothing is written yet");
        tail.on_written(0, 6);
        assert_eq!(tail.cache_from, 6);
        tail.on_written(0, 10);
        assert_eq!((tail.cache_from, tail.cache_bytes), (8, 20));
        assert!(matches!(
            tail.locate(0, 10, 99),
            Source::Disk { from: 0, upto: 8 }
        ));
        assert!(matches!(tail.locate(8, 99, 9), Source::Memory(found) if found.len() == 1));
    }

    #[test]
    fn a_late_write_of_truncated_entries_frees_nothing() {
        let mut tail = Tail::new(None, 0, 0);
        tail.append(&entries(0..5));
        tail.truncate(2);
        tail.append(&entries(2..4));
        tail.on_written(0, 5);
        assert_eq!((tail.cache_from, tail.end), (0, 4));
        tail.on_written(tail.epoch(), 4);
        assert_eq!((tail.cache_from, tail.cache_bytes), (4, 0));
    }

    #[test]
    fn purging_beyond_the_end_moves_the_end() {
        let mut tail = Tail::new(None, 0, 1000);
        tail.append(&entries(0..5));
        tail.purge(purged(2));
        assert_eq!(tail.bounds().last, Some(4));
        tail.truncate(0);
        assert_eq!(tail.bounds().last, None, "purged entries are not truncated");
        tail.purge(purged(9));
        assert_eq!((tail.bounds().last, tail.end), (None, 10));
        assert!(tail.accepts(&entries(10..11)));
        assert!(matches!(tail.locate(0, 99, 9), Source::End));
    }
}
