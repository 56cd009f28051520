//! Which server is tried.

use anyhow::{Context, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The server: the one that was asked for (`--binary`, `HOLDFAST_BIN`), else `holdfast` beside this program.
///
/// # Errors
/// When there is none.
pub fn find(asked: Option<&Path>) -> anyhow::Result<PathBuf> {
    let found = match asked {
        Some(path) => path.to_owned(),
        None => std::env::current_exe()
            .context("finding this program")?
            .with_file_name("holdfast"),
    };
    if !found.is_file() {
        bail!(
            "there is no server at {}: name one with --binary or HOLDFAST_BIN, or let `cargo xtask chaos` build one",
            found.display()
        );
    }
    found
        .canonicalize()
        .with_context(|| format!("finding {}", found.display()))
}

/// What the server says of its version.
///
/// # Errors
/// When it cannot be run.
pub fn version(binary: &Path) -> anyhow::Result<String> {
    let said = Command::new(binary)
        .arg("--version")
        .output()
        .with_context(|| format!("running {}", binary.display()))?;
    Ok(String::from_utf8_lossy(&said.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_lacks_a_server_is_told_what_gives_one() {
        let error = find(Some(Path::new("/no/server"))).unwrap_err().to_string();
        for told in ["/no/server", "--binary", "`cargo xtask chaos`"] {
            assert!(error.contains(told), "{error}");
        }
    }
}
