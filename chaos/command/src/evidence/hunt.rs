//! Looks through files and rows for texts that must be nowhere.

use anyhow::Context;
use holdfast_check::{Canaries, PATTERN_BYTES_MIN, Verdict};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Bytes read at once.
const PIECE_BYTES: usize = 1 << 20;

/// A search over everything that a run left behind.
pub struct Hunter {
    canaries: Option<Canaries>,
}

impl Hunter {
    /// Looks for these. Texts too short to mean anything are left out.
    ///
    /// # Errors
    /// When they are too many to be looked for at once.
    pub fn new(canaries: &[Vec<u8>]) -> anyhow::Result<Self> {
        let worth: Vec<&Vec<u8>> = canaries
            .iter()
            .filter(|canary| canary.len() >= PATTERN_BYTES_MIN)
            .collect();
        let canaries = Canaries::new(&worth).context("preparing the search for canaries")?;
        Ok(Self {
            canaries: Some(canaries),
        })
    }

    /// Looks for nothing: for who reads for another reason.
    #[must_use]
    pub const fn idle() -> Self {
        Self { canaries: None }
    }

    /// Looks through some bytes.
    pub fn bytes(&mut self, place: impl FnOnce() -> String, bytes: &[u8]) {
        if let Some(canaries) = &mut self.canaries {
            canaries.scan(&place(), bytes);
            canaries.end_place();
        }
    }

    /// Looks through a file, or every file below a folder.
    ///
    /// # Errors
    /// When something cannot be read: what was not looked at cannot be called clean.
    pub fn files(&mut self, path: &Path) -> anyhow::Result<()> {
        let Some(canaries) = &mut self.canaries else {
            return Ok(());
        };
        let shown = path.display().to_string();
        let meta =
            std::fs::symlink_metadata(path).with_context(|| format!("looking at {shown}"))?;
        if meta.is_dir() {
            let entries = std::fs::read_dir(path).with_context(|| format!("listing {shown}"))?;
            for entry in entries {
                self.files(&entry?.path())?;
            }
            return Ok(());
        }
        if !meta.is_file() {
            return Ok(());
        }
        let mut file = File::open(path).with_context(|| format!("opening {shown}"))?;
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            let read = file
                .read(&mut piece)
                .with_context(|| format!("reading {shown}"))?;
            if read == 0 {
                canaries.end_place();
                return Ok(());
            }
            canaries.scan(&shown, &piece[..read]);
        }
    }

    /// What was found.
    #[must_use]
    pub fn verdict(&self) -> Option<Verdict> {
        self.canaries.as_ref().map(Canaries::verdict)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdfast_check::Ruling;

    #[test]
    fn finds_what_is_there_and_tells_only_where() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("a")).unwrap();
        let mut long = vec![0_u8; PIECE_BYTES - 5];
        long.extend_from_slice(b"canary-one y");
        std::fs::write(folder.path().join("a/long"), long).unwrap();
        std::fs::write(folder.path().join("clean"), b"nothing").unwrap();
        let canaries = [
            b"canary-one".to_vec(),
            b"canary-two".to_vec(),
            b"ab".to_vec(),
        ];
        let mut hunter = Hunter::new(&canaries).unwrap();
        hunter.files(folder.path()).unwrap();
        hunter.bytes(|| "a row".to_owned(), b"..canary-two..");
        let verdict = hunter.verdict().unwrap();
        assert_eq!(
            (verdict.ruling, verdict.checked),
            (Ruling::Violation, 2),
            "two letters mean nothing"
        );
        let told: Vec<&str> = verdict
            .violations
            .iter()
            .map(|one| one.what.as_str())
            .collect();
        assert_eq!(told.len(), 2);
        assert!(
            told[0].ends_with("a/long") && told[1].ends_with("a row"),
            "{told:?}"
        );
        assert!(!told.join("").contains("canary-"));
    }
}
