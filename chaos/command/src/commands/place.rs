//! Where reports go when nobody says: a folder that nothing was written to before, so that no evidence is lost.

use anyhow::{Context, bail};
use std::path::{Path, PathBuf};

/// Folders of one name in one place; whoever has so many should put some away.
const SAME_NAME_MAX: u32 = 10_000;

/// What was asked for, or a new folder of this name.
///
/// # Errors
/// When it cannot be made.
pub(super) fn out(asked: Option<&Path>, name: &str) -> anyhow::Result<PathBuf> {
    match asked {
        Some(asked) => Ok(asked.to_owned()),
        None => {
            let base = std::env::var_os("HOLDFAST_CHAOS_REPORTS");
            fresh(
                &base.map_or_else(|| "chaos-reports".into(), PathBuf::from),
                name,
            )
        }
    }
}

fn fresh(base: &Path, name: &str) -> anyhow::Result<PathBuf> {
    std::fs::create_dir_all(base).with_context(|| format!("making {}", base.display()))?;
    for number in 1..=SAME_NAME_MAX {
        let folder = match number {
            1 => base.join(name),
            number => base.join(format!("{name}-{number}")),
        };
        match std::fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                return Err(error).with_context(|| format!("making {}", folder.display()));
            }
        }
    }
    bail!(
        "{} has {SAME_NAME_MAX} folders of the name {name}: put some away, or name one with --out",
        base.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_before_stays() {
        let base = tempfile::tempdir().unwrap();
        let names = || fresh(&base.path().join("reports"), "leader-kill-7").unwrap();
        let (first, second) = (names(), names());
        assert!(first.ends_with("leader-kill-7") && second.ends_with("leader-kill-7-2"));
        assert!(first.is_dir() && second.is_dir());
        assert_eq!(out(Some(&first), "other").unwrap(), first);
    }
}
