//! A disk that is lost: the node comes back with an empty one, as after a machine was replaced.

use crate::nemesis::{Demand, Evidence, Nemesis, NemesisError};
use crate::target::Target;
use std::fs;
use std::path::Path;

/// Removes everything that lies in data directories; the directories stay.
#[derive(Default)]
pub struct WipeDisk {
    done: Vec<(u64, Evidence)>,
}

impl Nemesis for WipeDisk {
    fn kind(&self) -> &'static str {
        "wiped-disk"
    }

    fn demand(&self) -> Demand {
        Demand::DownToInstall
    }

    fn install(&mut self, targets: &[Target]) -> Result<(), NemesisError> {
        targets.iter().try_for_each(Target::is_down)?;
        for target in targets {
            let removed = empty(target.data_dir())?;
            let evidence = Evidence {
                // A directory that was empty before has nothing to forget.
                bites: removed > 0,
                text: format!("{removed} files and directories removed"),
            };
            self.done.push((target.node(), evidence));
        }
        Ok(())
    }

    fn verify(&mut self) -> Result<Evidence, NemesisError> {
        Ok(Evidence::join(self.done.iter().cloned()))
    }

    /// What is gone is gone.
    fn heal(&mut self) -> Result<(), NemesisError> {
        Ok(())
    }
}

/// Empties a directory, and says how much lay right in it. Links are removed and not followed.
fn empty(dir: &Path) -> Result<usize, NemesisError> {
    let failed = || NemesisError::io("emptying a data directory");
    let mut removed = 0;
    for entry in fs::read_dir(dir).map_err(failed())? {
        let entry = entry.map_err(failed())?;
        let is_dir = entry.file_type().map_err(failed())?.is_dir();
        let remove = if is_dir {
            fs::remove_dir_all
        } else {
            fs::remove_file
        };
        remove(entry.path()).map_err(failed())?;
        removed += 1;
    }
    Ok(removed)
}
