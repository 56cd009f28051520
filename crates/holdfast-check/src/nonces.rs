//! No nonce is ever used twice under one key, whoever used it and whatever was restored meanwhile.

use crate::Verdict;
use crate::judge::{Judge, held_by};
use std::collections::BTreeMap;

/// Violations kept while records are seen.
const REPEATS_MAX: u64 = 1_000;

/// Every nonce that was seen. Holds hashes and nonces, which are no secrets.
#[derive(Default)]
pub struct Nonces {
    seen: BTreeMap<(u32, Vec<u8>, Vec<u8>), Vec<u8>>,
    repeats: Vec<(u32, u64)>,
    records: u64,
}

impl Nonces {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A record was seen: the term of the key that sealed it, what else tells keys of that term apart (a namespace; empty when
    /// nothing does), its nonce, and a hash of the whole record. The same record may be seen any number of times: in a log, in
    /// a state, in an image of either.
    pub fn see(&mut self, key_term: u32, context: &[u8], nonce: &[u8], record_hash: &[u8]) {
        self.records += 1;
        let place = (key_term, context.to_vec(), nonce.to_vec());
        let first = self
            .seen
            .entry(place)
            .or_insert_with(|| record_hash.to_vec());
        if first != record_hash && crate::judge::count(self.repeats.len()) < REPEATS_MAX {
            self.repeats.push((key_term, self.records));
        }
    }

    /// What was seen so far. Inconclusive when nothing was.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let mut judge = Judge::new("nonces");
        judge.checked(self.seen.len());
        for (term, record) in &self.repeats {
            let what = format!(
                "two different records have one nonce under key term {term}; the second is the {record}th seen"
            );
            judge.blame(held_by(what, None, &[]));
        }
        if self.records == 0 {
            judge.doubt("no sealed record was seen");
        }
        judge.finish(format!(
            "{} records, {} nonces, none of two records",
            self.records,
            self.seen.len()
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Ruling;

    #[test]
    fn a_nonce_of_two_records_is_found_and_one_record_seen_twice_is_not() {
        let mut nonces = Nonces::new();
        assert_eq!(nonces.verdict().ruling, Ruling::Inconclusive);
        nonces.see(1, b"", &[7; 24], b"one");
        nonces.see(1, b"", &[7; 24], b"one");
        nonces.see(2, b"", &[7; 24], b"two");
        nonces.see(1, b"namespace", &[7; 24], b"three");
        assert_eq!(nonces.verdict().ruling, Ruling::Ok);
        assert_eq!(nonces.verdict().checked, 3);
        nonces.see(1, b"", &[7; 24], b"four");
        let verdict = nonces.verdict();
        assert_eq!(verdict.ruling, Ruling::Violation);
        assert!(verdict.summary.contains("key term 1"));
    }
}
