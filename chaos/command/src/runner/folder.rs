//! The folder in which a run happens: gone with the run, unless somebody will want to look.

use anyhow::{Context, anyhow};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Packets are many, and are only there to be searched.
const PACKETS: &str = "packets";

/// When the folder stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Never.
    Never,
    /// When the run ended with an error of the harness, unless it was interrupted.
    Broken,
    /// Always.
    Always,
}

/// The folder. Only its owner may look inside: keys of certificates lie there.
pub(super) struct Folder {
    dir: TempDir,
    keep: Keep,
}

impl Folder {
    /// Makes one.
    pub(super) fn make(keep: Keep) -> anyhow::Result<Self> {
        let mut dir = tempfile::Builder::new()
            .prefix("holdfast-chaos-")
            .tempdir()
            .context("making a temporary folder")?;
        dir.disable_cleanup(keep == Keep::Always);
        Ok(Self { dir, keep })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Where packets are kept.
    pub(super) fn packets(folder: &Path) -> PathBuf {
        folder.join(PACKETS)
    }

    /// A run that could not be done: keeps the folder where that was asked for, and says in the error where it is.
    pub(super) fn explain(mut self, error: anyhow::Error, interrupted: bool) -> anyhow::Error {
        match self.keep {
            Keep::Always => {}
            Keep::Broken if !interrupted => {
                self.dir.disable_cleanup(true);
                // There may be none yet.
                drop(std::fs::remove_file(Self::packets(self.path())));
            }
            Keep::Broken | Keep::Never => return error,
        }
        anyhow!(
            "{error:#}; what the nodes left is kept in {}",
            self.path().display()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the folder stays, and what is said of it.
    fn after(keep: Keep, interrupted: bool) -> (bool, String) {
        let folder = Folder::make(keep).unwrap();
        let path = folder.path().to_owned();
        std::fs::write(path.join("node1.log"), "why").unwrap();
        std::fs::write(Folder::packets(&path), "many").unwrap();
        let told = folder.explain(anyhow!("it ended"), interrupted).to_string();
        assert!(told.starts_with("it ended"), "{told}");
        let (there, packets) = (path.join("node1.log").exists(), Folder::packets(&path));
        assert_eq!(there, told.contains(path.to_str().unwrap()), "{told}");
        assert_eq!(packets.exists(), keep == Keep::Always);
        // The test's own, whatever was decided.
        drop(std::fs::remove_dir_all(path));
        (there, told)
    }

    #[test]
    fn what_explains_an_error_stays_and_the_error_says_where() {
        assert!(after(Keep::Broken, false).0);
        assert!(after(Keep::Always, true).0);
        assert_eq!(after(Keep::Broken, true), (false, "it ended".to_owned()));
        assert_eq!(after(Keep::Never, false), (false, "it ended".to_owned()));
    }

    #[test]
    fn a_run_that_could_be_done_leaves_a_folder_only_when_asked() {
        let of = |keep| {
            let folder = Folder::make(keep).unwrap();
            let path = folder.path().to_owned();
            drop(folder);
            path
        };
        assert!(!of(Keep::Broken).exists());
        let kept = of(Keep::Always);
        assert!(kept.exists());
        std::fs::remove_dir(kept).unwrap();
    }
}
