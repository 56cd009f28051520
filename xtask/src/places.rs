//! Where things are: the clone, the cache that all clones share, and cargo's target directory.
//!
//! Invariant: nothing is written into the clone. The cache may be deleted at any time; it is built again.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The directories that every command works with, found once at start.
#[derive(Debug)]
pub(crate) struct Places {
    /// The root of the clone.
    pub(crate) root: PathBuf,
    /// `$HOLDFAST_CACHE`, else `$XDG_CACHE_HOME/holdfast`, else `~/.cache/holdfast`.
    pub(crate) cache: PathBuf,
    /// `$CARGO_TARGET_DIR`, else `target` inside the cache.
    pub(crate) target: PathBuf,
}

impl Places {
    /// Finds the three from the environment and makes the cache directory.
    pub(crate) fn find() -> Result<Self> {
        let package = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = package
            .parent()
            .context("xtask has no folder above it")?
            .to_path_buf();
        let cache = cache_from(|name| env::var_os(name).map(PathBuf::from))
            .context("no HOME: set HOLDFAST_CACHE to a directory for built products")?;
        let cache = if cache.is_absolute() {
            cache
        } else {
            root.join(cache)
        };
        fs::create_dir_all(&cache).with_context(|| format!("cannot create {}", cache.display()))?;
        let target = env::var_os("CARGO_TARGET_DIR")
            .filter(|dir| !dir.is_empty())
            .map_or_else(|| cache.join("target"), |dir| root.join(dir));
        Ok(Self {
            root,
            cache,
            target,
        })
    }

    /// The file that keeps a step's whole output.
    pub(crate) fn log(&self, name: &str) -> Result<PathBuf> {
        let folder = self.target.join("xtask-logs");
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        Ok(folder.join(format!("{name}.log")))
    }

    /// A program that cargo built.
    pub(crate) fn built(&self, name: &str, release: bool) -> PathBuf {
        self.target
            .join(if release { "release" } else { "debug" })
            .join(name)
    }
}

fn cache_from(var: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let set = |name| var(name).filter(|path| !path.as_os_str().is_empty());
    set("HOLDFAST_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|dir| dir.join("holdfast")))
        .or_else(|| set("HOME").map(|dir| dir.join(".cache").join("holdfast")))
}

/// Looks a program up in `PATH`.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    if program.contains('/') {
        return Path::new(program).is_file().then(|| PathBuf::from(program));
    }
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|dir| dir.join(program))
        .find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_variable_names_the_cache() {
        let all = |name: &str| Some(PathBuf::from(format!("/{name}")));
        assert_eq!(cache_from(all), Some("/HOLDFAST_CACHE".into()));
        let no_own = |name: &str| all(name).filter(|_| name != "HOLDFAST_CACHE");
        assert_eq!(cache_from(no_own), Some("/XDG_CACHE_HOME/holdfast".into()));
        let only_home = |name: &str| all(name).filter(|_| name == "HOME");
        assert_eq!(cache_from(only_home), Some("/HOME/.cache/holdfast".into()));
        assert_eq!(cache_from(|_| None), None);
    }

    #[test]
    fn an_empty_variable_counts_as_unset() {
        let empty = |name: &str| Some(PathBuf::from(if name == "HOME" { "/h" } else { "" }));
        assert_eq!(cache_from(empty), Some("/h/.cache/holdfast".into()));
    }

    #[test]
    fn a_program_is_found_only_where_it_is() {
        assert!(on_path("sh").is_some());
        assert!(on_path("no-program-has-this-name").is_none());
    }
}
