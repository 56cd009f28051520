//! The folder of a development cluster: the user's, kept; or a temporary one, removed when dropped.

use anyhow::Context;
use std::fs::{DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Where certificates, configurations, logs and data of all nodes are; mode 0700.
pub(super) enum Folder {
    /// Named with `--data-dir`; an absolute path.
    Kept(PathBuf),
    /// Gone with this value.
    Temporary(TempDir),
}

impl Folder {
    pub(super) fn open(named: Option<&Path>) -> anyhow::Result<Self> {
        let Some(named) = named else {
            let folder = tempfile::Builder::new()
                .prefix("holdfast-dev-")
                .permissions(Permissions::from_mode(0o700))
                .tempdir()
                .context("making a temporary folder")?;
            return Ok(Self::Temporary(folder));
        };
        let at = || format!("--data-dir {}", named.display());
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(named)
            .with_context(at)?;
        Ok(Self::Kept(named.canonicalize().with_context(at)?))
    }

    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Kept(path) => path,
            Self::Temporary(folder) => folder.path(),
        }
    }

    pub(super) const fn is_kept(&self) -> bool {
        matches!(self, Self::Kept(_))
    }
}
