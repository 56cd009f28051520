//! The files that git tracks or would track: paths relative to the root, with `/`, and their text.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::source::Source;

/// A text file of the repository.
#[derive(Debug)]
pub(crate) struct Tracked {
    pub(crate) path: String,
    pub(crate) text: String,
    /// The text apart: code, comments. Only for `.rs`.
    pub(crate) source: Option<Source>,
}

impl Tracked {
    pub(crate) fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        let (path, text) = (path.into(), text.into());
        let source = path.ends_with(".rs").then(|| Source::read(&text));
        Self { path, text, source }
    }

    /// The file's own name.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The first folder or, at the root, the file itself.
    pub(crate) fn top(&self) -> &str {
        self.path.split('/').next().unwrap_or(&self.path)
    }
}

/// Reads all of them. A file that is not text keeps its path and loses its contents.
pub(crate) fn read(root: &Path) -> Result<Vec<Tracked>> {
    let listed = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root)
        .output()
        .context("cannot run git, which knows the repository's files")?;
    if !listed.status.success() {
        bail!(
            "git ls-files: {}",
            String::from_utf8_lossy(&listed.stderr).trim()
        );
    }
    let mut files = Vec::new();
    for path in String::from_utf8_lossy(&listed.stdout)
        .split('\0')
        .filter(|p| !p.is_empty())
    {
        match fs::read(root.join(path)) {
            Ok(bytes) => files.push(Tracked::new(
                path,
                String::from_utf8(bytes).unwrap_or_default(),
            )),
            // Deleted, and git has not been told yet.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("cannot read {path}")),
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files.dedup_by(|a, b| a.path == b.path);
    Ok(files)
}
