//! Who can reach the data directory. What it holds is sealed, but names of nodes, sizes and times are not, and a
//! directory that others can write is not a place to keep votes in.

use crate::disk::Disk;
use crate::files;
use crate::open::OpenError;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

/// Makes a private directory, takes over an empty one of ours, or checks the one that is there.
pub(super) fn make_or_check_dir(disk: &dyn Disk, dir: &Path) -> Result<(), OpenError> {
    match files::make_private_dir(disk, dir) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            if !dir.is_dir() {
                let text = format!("{} is not a directory", dir.display());
                return Err(OpenError::Foreign(text));
            }
            let ours = fs::metadata(dir)?.uid() == rustix::process::geteuid().as_raw();
            if ours && fs::read_dir(dir)?.next().is_none() {
                fs::set_permissions(dir, Permissions::from_mode(0o700))?;
            }
            check_private(dir)
        }
        Err(error) => Err(OpenError::Io(format!("making {}: {error}", dir.display()))),
    }
}

/// Checks owner and mode of a file or directory, if it is there.
pub(super) fn check_private(path: &Path) -> Result<(), OpenError> {
    let about = match fs::metadata(path) {
        Ok(about) => about,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let us = rustix::process::geteuid().as_raw();
    let remedy = if about.uid() != us {
        format!("chown -R {us} '{}'", path.display())
    } else if about.mode() & 0o077 != 0 {
        let mode = if about.is_dir() { "700" } else { "600" };
        format!("chmod {mode} '{}'", path.display())
    } else {
        return Ok(());
    };
    Err(OpenError::Permissions {
        path: path.display().to_string(),
        remedy,
    })
}
