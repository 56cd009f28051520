//! Looks for byte patterns that must stand nowhere in the clear: as they are, in hexadecimal, in base64, as lists of numbers.
//!
//! Streams: bytes come in pieces of any size, and a pattern across two pieces is found. What is found is told by place,
//! encoding and length, never by content.

use crate::Verdict;
use crate::judge::{Judge, count, held_by};
use aho_corasick::{AhoCorasick, BuildError, MatchKind};
use std::collections::{BTreeMap, BTreeSet};

/// Shorter patterns turn up by chance.
pub const PATTERN_BYTES_MIN: usize = 8;
/// Of a list of numbers so many of the pattern's bytes are looked for: the list is long, and so many do not meet by chance.
const NUMBERS: usize = 12;
/// Places told.
const PLACES_MAX: usize = 1_000;

/// Why patterns cannot be looked for.
#[derive(Debug, thiserror::Error)]
pub enum CanariesError {
    /// It would turn up by chance.
    #[error("pattern {at} has {bytes} bytes; it needs {PATTERN_BYTES_MIN} to mean anything")]
    Short {
        /// Which, counted from 0.
        at: usize,
        /// Its length.
        bytes: usize,
    },
    /// They are too many, or too long together.
    #[error("the patterns cannot be looked for all at once")]
    Build(#[source] Box<BuildError>),
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Encoding {
    Raw,
    HexLower,
    HexUpper,
    Base64,
    Base64Url,
    Numbers,
}

impl Encoding {
    const fn name(self) -> &'static str {
        match self {
            Self::Raw => "as it is",
            Self::HexLower | Self::HexUpper => "in hexadecimal",
            Self::Base64 | Self::Base64Url => "in base64",
            Self::Numbers => "as a list of numbers",
        }
    }
}

/// A search over many places.
pub struct Canaries {
    automaton: AhoCorasick,
    /// Of each pattern of the automaton: which canary, and how encoded.
    forms: Vec<(usize, Encoding)>,
    canaries: usize,
    longest: usize,
    /// The end of the place that is being read, in which a pattern may have begun.
    place: String,
    tail: Vec<u8>,
    found: BTreeMap<String, BTreeSet<(usize, Encoding)>>,
    lengths: Vec<usize>,
    bytes: u64,
}

impl Canaries {
    /// Looks for these patterns.
    ///
    /// # Errors
    /// When one is too short to mean anything, or all are too many.
    pub fn new<P: AsRef<[u8]>>(patterns: &[P]) -> Result<Self, CanariesError> {
        let mut needles: Vec<Vec<u8>> = Vec::new();
        let mut forms = Vec::new();
        for (at, pattern) in patterns.iter().map(AsRef::as_ref).enumerate() {
            if pattern.len() < PATTERN_BYTES_MIN {
                let bytes = pattern.len();
                return Err(CanariesError::Short { at, bytes });
            }
            for (encoding, needle) in encodings(pattern) {
                forms.push((at, encoding));
                needles.push(needle);
            }
        }
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .build(&needles)
            .map_err(|why| CanariesError::Build(Box::new(why)))?;
        Ok(Self {
            automaton,
            forms,
            canaries: patterns.len(),
            longest: needles.iter().map(Vec::len).max().unwrap_or(1),
            place: String::new(),
            tail: Vec::new(),
            found: BTreeMap::new(),
            lengths: patterns.iter().map(|p| p.as_ref().len()).collect(),
            bytes: 0,
        })
    }

    /// Looks through the next piece of a place. Pieces of one place follow each other; another place begins anew.
    pub fn scan(&mut self, place: &str, chunk: &[u8]) {
        self.bytes += count(chunk.len());
        if place != self.place {
            place.clone_into(&mut self.place);
            self.tail.clear();
        }
        let keep = self.longest - 1;
        // Only what can belong to a pattern that began before needs to be joined.
        let head = &chunk[..chunk.len().min(keep)];
        if !self.tail.is_empty() {
            let mut border = std::mem::take(&mut self.tail);
            border.extend_from_slice(head);
            self.look(&border);
            self.tail = border;
            if chunk.len() > head.len() {
                self.tail.clear();
            }
        }
        self.look(chunk);
        if self.tail.is_empty() {
            self.tail
                .extend_from_slice(&chunk[chunk.len().saturating_sub(keep)..]);
        } else {
            let over = self.tail.len().saturating_sub(keep);
            self.tail.drain(..over);
        }
    }

    /// Ends the place that is being read: what comes next does not follow it, even under its name.
    pub fn end_place(&mut self) {
        self.place.clear();
        self.tail.clear();
    }

    fn look(&mut self, bytes: &[u8]) {
        for found in self.automaton.find_overlapping_iter(bytes) {
            let form = self.forms[found.pattern().as_usize()];
            if self.found.len() < PLACES_MAX || self.found.contains_key(&self.place) {
                self.found
                    .entry(self.place.clone())
                    .or_default()
                    .insert(form);
            }
        }
    }

    /// What was found so far. Inconclusive when nothing was looked for or looked through.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let mut judge = Judge::new("canaries");
        judge.checked(self.canaries);
        for (place, forms) in &self.found {
            for (canary, encoding) in forms {
                let what = format!(
                    "canary {canary} of {} bytes stands {} in {place}",
                    self.lengths[*canary],
                    encoding.name()
                );
                judge.blame(held_by(what, None, &[]));
            }
        }
        if self.canaries == 0 || self.bytes == 0 {
            judge.doubt("there was nothing to look for or nothing to look through");
        }
        judge.finish(format!(
            "none of {} canaries stands in {} bytes, in any of these encodings: as it is, hexadecimal, base64, list of numbers",
            self.canaries, self.bytes
        ))
    }
}

fn encodings(pattern: &[u8]) -> Vec<(Encoding, Vec<u8>)> {
    let mut all = vec![(Encoding::Raw, pattern.to_vec())];
    let hex = |digits: &[u8; 16]| -> Vec<u8> {
        let digit = |nibble: u8| digits[usize::from(nibble)];
        pattern
            .iter()
            .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
            .collect()
    };
    all.push((Encoding::HexLower, hex(b"0123456789abcdef")));
    all.push((Encoding::HexUpper, hex(b"0123456789ABCDEF")));
    for alignment in 0..3 {
        all.push((Encoding::Base64, base64(pattern, alignment, b"+/")));
        all.push((Encoding::Base64Url, base64(pattern, alignment, b"-_")));
    }
    // As debug output and as JSON write bytes.
    for between in [", ", ","] {
        let numbers = pattern.iter().take(NUMBERS).map(u8::to_string);
        let list = numbers.collect::<Vec<_>>().join(between);
        all.push((Encoding::Numbers, list.into_bytes()));
    }
    all.sort();
    // Without the letters in which they differ, two forms are one.
    all.dedup_by(|a, b| a.1 == b.1);
    all
}

/// The letters of base64 that depend on the pattern alone, when it begins so many bytes into a group of three.
fn base64(pattern: &[u8], alignment: usize, last: &[u8; 2]) -> Vec<u8> {
    const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let letter = |six: u8| match usize::from(six) {
        at @ 0..62 => LETTERS[at],
        62 => last[0],
        _ => last[1],
    };
    let bit = |at: usize| pattern[at / 8] >> (7 - at % 8) & 1;
    // The first group of six bits that lies wholly in the pattern.
    let first = (6 - alignment * 8 % 6) % 6;
    let whole = (pattern.len() * 8 - first) / 6;
    (0..whole)
        .map(|group| {
            let from = first + group * 6;
            letter((from..from + 6).fold(0, |six, at| six << 1 | bit(at)))
        })
        .collect()
}

#[cfg(test)]
mod tests;
