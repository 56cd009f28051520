//! Looks for texts that must be nowhere. What is found is told by place and length, never by content.

use aho_corasick::AhoCorasick;
use anyhow::Context;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// Most places that are told.
const FINDS_MAX: usize = 20;

/// Looks for many texts at once.
pub struct Hunter {
    automaton: AhoCorasick,
    lengths: Vec<usize>,
    searched_bytes: u64,
    finds: Vec<Find>,
}

/// A text that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Find {
    /// Where: a file, a row of a table, a packet.
    pub place: String,
    /// How long the text is, in bytes.
    pub length: usize,
}

impl Hunter {
    /// Looks for these. Texts too short to mean anything are left out.
    ///
    /// # Errors
    /// When they are too many to be looked for at once.
    pub fn new(canaries: &[Vec<u8>]) -> anyhow::Result<Self> {
        let worth: Vec<&Vec<u8>> = canaries.iter().filter(|canary| canary.len() >= 8).collect();
        Ok(Self {
            lengths: worth.iter().map(|canary| canary.len()).collect(),
            automaton: AhoCorasick::new(worth).context("preparing the search for canaries")?,
            searched_bytes: 0,
            finds: Vec::new(),
        })
    }

    /// How many texts are looked for.
    #[must_use]
    pub fn canaries(&self) -> usize {
        self.lengths.len()
    }

    /// How many bytes were looked through.
    #[must_use]
    pub const fn searched_bytes(&self) -> u64 {
        self.searched_bytes
    }

    /// What was found, the first few.
    #[must_use]
    pub fn finds(&self) -> &[Find] {
        &self.finds
    }

    /// Looks through some bytes.
    pub fn bytes(&mut self, place: impl FnOnce() -> String, bytes: &[u8]) {
        self.searched_bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let found = self
            .automaton
            .find(bytes)
            .map(|found| found.pattern().as_usize());
        if let Some(pattern) = found {
            self.found(place(), pattern);
        }
    }

    fn found(&mut self, place: String, pattern: usize) {
        let length = self.lengths.get(pattern).copied().unwrap_or(0);
        let find = Find { place, length };
        if self.finds.len() < FINDS_MAX && !self.finds.contains(&find) {
            self.finds.push(find);
        }
    }

    /// Looks through a file, or every file below a folder.
    ///
    /// # Errors
    /// When something cannot be read: what was not looked at cannot be called clean.
    pub fn files(&mut self, path: &Path) -> anyhow::Result<()> {
        let meta = std::fs::symlink_metadata(path)
            .with_context(|| format!("looking at {}", path.display()))?;
        if meta.is_dir() {
            let entries =
                std::fs::read_dir(path).with_context(|| format!("listing {}", path.display()))?;
            for entry in entries {
                self.files(&entry?.path())?;
            }
            return Ok(());
        }
        if !meta.is_file() {
            return Ok(());
        }
        let file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
        self.searched_bytes += meta.len();
        let mut found = Vec::new();
        for hit in self
            .automaton
            .stream_find_iter(BufReader::with_capacity(1 << 16, file))
        {
            found.push(
                hit.with_context(|| format!("reading {}", path.display()))?
                    .pattern()
                    .as_usize(),
            );
            if found.len() >= FINDS_MAX {
                break;
            }
        }
        for pattern in found {
            self.found(path.display().to_string(), pattern);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_is_there_and_tells_only_where() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("a")).unwrap();
        let mut long = vec![0_u8; 200_000];
        long.extend_from_slice(b"x canary-one y");
        std::fs::write(folder.path().join("a/long"), long).unwrap();
        std::fs::write(folder.path().join("clean"), b"nothing").unwrap();
        let canaries = [
            b"canary-one".to_vec(),
            b"canary-two".to_vec(),
            b"ab".to_vec(),
        ];
        let mut hunter = Hunter::new(&canaries).unwrap();
        assert_eq!(hunter.canaries(), 2, "two letters mean nothing");
        hunter.files(folder.path()).unwrap();
        hunter.bytes(|| "a row".to_owned(), b"..canary-two..");
        let places: Vec<&str> = hunter
            .finds()
            .iter()
            .map(|find| find.place.as_str())
            .collect();
        assert_eq!(places.len(), 2);
        assert!(places[0].ends_with("a/long") && places[1] == "a row");
        assert_eq!(hunter.searched_bytes(), 200_014 + 7 + 14);
        assert!(!format!("{:?}", hunter.finds()).contains("canary-"));
    }
}
