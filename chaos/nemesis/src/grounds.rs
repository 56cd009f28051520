//! The rails: faults strike only processes that this program started, and files below a directory that it made its own.

use crate::nemesis::NemesisError;
use crate::process::Process;
use crate::target::Target;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

/// Lies in the root of every grounds.
const MARKER: &str = ".holdfast-chaos-grounds";

/// A directory that a run may do its worst in.
pub struct Grounds {
    root: PathBuf,
    /// Holds disk images; in memory where there is room, so that they are fast. Removed with this.
    images: tempfile::TempDir,
}

impl Grounds {
    /// Makes a directory a run's grounds. It must be empty, or not there yet, or grounds already; and ours.
    ///
    /// # Errors
    /// When it is none of these, or cannot be written.
    pub fn claim(root: &Path) -> Result<Self, NemesisError> {
        let failed = || NemesisError::io(format!("claiming {}", root.display()));
        fs::create_dir_all(root).map_err(failed())?;
        let root = root.canonicalize().map_err(failed())?;
        let ours =
            fs::metadata(&root).map_err(failed())?.uid() == rustix::process::geteuid().as_raw();
        let marker = root.join(MARKER);
        let empty = fs::read_dir(&root).map_err(failed())?.next().is_none();
        if !ours || !(empty || marker.exists()) {
            return Err(NemesisError::OutsideGrounds { path: root });
        }
        let text = "A chaos run may damage everything below this directory.\n";
        fs::write(&marker, text).map_err(failed())?;
        let images = tempfile::Builder::new()
            .prefix("holdfast-chaos-images-")
            .tempdir_in(fast_dir())
            .map_err(NemesisError::io("making a directory for disk images"))?;
        Ok(Self { root, images })
    }

    /// The directory.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where disk images lie.
    #[must_use]
    pub fn images(&self) -> &Path {
        self.images.path()
    }

    /// A node that faults may strike. `pid` is that of its process when it runs.
    ///
    /// # Errors
    /// When the process does not descend from this program, or the data lies elsewhere.
    pub fn target(
        &self,
        node: u64,
        pid: Option<u32>,
        data_dir: &Path,
    ) -> Result<Target, NemesisError> {
        let data_dir = self.inside(data_dir)?;
        let process = pid.map(Process::ours).transpose()?;
        Ok(Target::new(node, process, data_dir))
    }

    /// The path, all links resolved, if it lies in the grounds. The last parts need not be there.
    pub(crate) fn inside(&self, path: &Path) -> Result<PathBuf, NemesisError> {
        let refused = || NemesisError::OutsideGrounds {
            path: path.to_owned(),
        };
        if path.components().any(|part| part == Component::ParentDir) {
            return Err(refused());
        }
        let mut missing = Vec::new();
        let mut at = path;
        let there = loop {
            match at.canonicalize() {
                Ok(there) => break there,
                // A link that leads nowhere may lead out of here later.
                Err(_) if at.is_symlink() => return Err(refused()),
                Err(_) => {
                    missing.push(at.file_name().ok_or_else(refused)?);
                    at = at.parent().ok_or_else(refused)?;
                }
            }
        };
        let whole = missing.iter().rev().fold(there, |at, part| at.join(part));
        if whole.starts_with(&self.root) && whole != self.root {
            Ok(whole)
        } else {
            Err(refused())
        }
    }
}

/// Memory if there is a file system on it, else where temporary files go.
fn fast_dir() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if tempfile::tempfile_in(&memory).is_ok() {
        memory
    } else {
        std::env::temp_dir()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_directory_with_something_in_it_is_not_claimed() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("precious"), "").unwrap();
        assert!(matches!(
            Grounds::claim(dir.path()),
            Err(NemesisError::OutsideGrounds { .. })
        ));
        let free = dir.path().join("free");
        drop(Grounds::claim(&free).unwrap());
        assert!(Grounds::claim(&free).is_ok(), "ours already");
    }

    #[test]
    fn what_lies_elsewhere_is_refused_however_it_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let grounds = Grounds::claim(&dir.path().join("grounds")).unwrap();
        let root = grounds.root();
        let elsewhere = dir.path().join("elsewhere");
        fs::create_dir(&elsewhere).unwrap();
        symlink(&elsewhere, root.join("link")).unwrap();
        symlink(dir.path().join("later"), root.join("dangling")).unwrap();
        for path in [
            elsewhere.clone(),
            root.to_owned(),
            root.join("link"),
            root.join("link/data"),
            root.join("dangling/data"),
            root.join("../elsewhere"),
            PathBuf::from("/"),
        ] {
            assert!(grounds.target(1, None, &path).is_err(), "{path:?}");
        }
        assert!(grounds.target(1, None, &root.join("disk1/data")).is_ok());
    }
}
