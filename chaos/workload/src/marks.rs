//! Canaries: marks that stand in every value and every name, so that a byte scan finds whatever leaks.
//!
//! They are letters and digits, at least sixteen of them, and come of the seed: a repeated run has the same.

use crate::rng::Rng;

/// Letters and digits of a mark.
const MARK_BYTES: usize = 20;
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Stream of the marks; seats count from 1.
const STREAM: u64 = u64::MAX;

/// The marks of a run.
pub(crate) struct Marks {
    value: String,
    name: String,
}

impl Marks {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed, STREAM);
        let mut mark = || -> String {
            let letters = (0..MARK_BYTES).map(|_| {
                let letter = ALPHABET
                    .get(rng.index(ALPHABET.len()))
                    .copied()
                    .unwrap_or(b'a');
                char::from(letter)
            });
            letters.collect()
        };
        Self {
            value: mark(),
            name: mark(),
        }
    }

    /// The text of a value: the mark, its number, and the mark again and again up to a length.
    pub(crate) fn value(&self, number: u64, bytes: usize) -> String {
        let mut text = format!("{}-{number}", self.value);
        while text.len() < bytes {
            text.push('-');
            text.push_str(&self.value);
        }
        text
    }

    /// The number in the text of a value of a length. `None` unless it is that value to the last byte: what was altered or
    /// cut anywhere is no value that anybody wrote.
    pub(crate) fn number(&self, text: &str, bytes: usize) -> Option<u64> {
        let rest = text.strip_prefix(&self.value)?.strip_prefix('-')?;
        let number = rest.split('-').next()?.parse().ok()?;
        (self.value(number, bytes) == text).then_some(number)
    }

    /// One segment of a path.
    pub(crate) fn name(&self, what: &str) -> String {
        format!("{what}-{}", self.name)
    }

    /// The segment that stands for a key.
    pub(crate) fn key(&self, key: u64) -> String {
        format!("{}-{key}", self.name)
    }

    /// The key that a segment stands for.
    pub(crate) fn key_of(&self, segment: &str) -> Option<u64> {
        segment
            .strip_prefix(&self.name)?
            .strip_prefix('-')?
            .parse()
            .ok()
    }

    /// The marks themselves.
    pub(crate) fn canaries(&self) -> [Vec<u8>; 2] {
        [
            self.value.clone().into_bytes(),
            self.name.clone().into_bytes(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_names_come_back_as_numbers() {
        let marks = Marks::new(1);
        for bytes in [0, 30, 500] {
            let text = marks.value(7 << 24 | 9, bytes);
            assert!(text.len() >= bytes && text.len() < bytes + 64);
            assert_eq!(marks.number(&text, bytes), Some(7 << 24 | 9));
        }
        assert_eq!(marks.key_of(&marks.key(12)), Some(12));
        assert_eq!(marks.key_of(&Marks::new(2).key(12)), None);
        assert_eq!(marks.number(&marks.key(12), 0), None);
    }

    #[test]
    fn a_value_that_was_altered_or_cut_anywhere_is_none() {
        let marks = Marks::new(1);
        let text = marks.value(7, 100);
        for place in 0..text.len() {
            let cut = &text[..place];
            assert_eq!(marks.number(cut, 100), None, "cut at {place}");
            let mut altered = text.clone().into_bytes();
            altered[place] ^= 1;
            let altered = String::from_utf8(altered).unwrap();
            assert_ne!(marks.number(&altered, 100), Some(7), "altered at {place}");
        }
        assert_eq!(marks.number(&format!("{text}x"), 100), None);
        assert_eq!(marks.number(&marks.value(7, 0), 100), None);
        assert_eq!(marks.number(&text.replacen("-7-", "-+7-", 1), 100), None);
    }

    #[test]
    fn every_value_and_name_holds_a_canary() {
        let marks = Marks::new(3);
        let [value, name] = marks.canaries();
        let holds =
            |text: &str, mark: &[u8]| text.as_bytes().windows(mark.len()).any(|part| part == mark);
        assert!(value.len() >= 16 && name.len() >= 16);
        assert!(holds(&marks.value(1, 0), &value) && holds(&marks.key(1), &name));
        assert!(holds(&marks.name("folder"), &name));
    }
}
