//! Which disks are mounted and by whom, in files of this user that outlive the program: a later one finds what was left.

use super::tools::run;
use crate::nemesis::NemesisError;
use crate::process::Process;
use std::ffi::OsStr;
use std::fs::{self, DirBuilder};
use std::io::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// One disk's note, removed with it.
pub(crate) struct Entry(PathBuf);

impl Entry {
    /// Notes a disk before it is mounted.
    ///
    /// # Errors
    /// When the note cannot be written: then nothing may be mounted.
    pub(crate) fn note(mount_point: &Path, folder: &Path) -> Result<Self, NemesisError> {
        let dir = own_dir().map_err(NemesisError::io("making the register of disks"))?;
        let us = Process::of(std::process::id()).ok_or(NemesisError::NotOurs {
            pid: std::process::id(),
        })?;
        let named = tempfile::Builder::new()
            .prefix("disk-")
            .tempfile_in(dir)
            .map_err(NemesisError::io("noting a disk"))?;
        let (mut file, path) = named
            .keep()
            .map_err(|error| NemesisError::io("noting a disk")(error.error))?;
        let mut text = format!("{} {}", us.pid(), us.started()).into_bytes();
        for part in [mount_point, folder] {
            text.push(0);
            text.extend_from_slice(part.as_os_str().as_bytes());
        }
        file.write_all(&text)
            .map_err(NemesisError::io("noting a disk"))?;
        Ok(Self(path))
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        // A note too many is looked at by the next sweep.
        drop(fs::remove_file(&self.0));
    }
}

/// The register: a directory that nobody else may write to.
fn own_dir() -> std::io::Result<PathBuf> {
    let user = rustix::process::geteuid().as_raw();
    let dir = std::env::temp_dir().join(format!("holdfast-chaos-disks-{user}"));
    match DirBuilder::new().mode(0o700).create(&dir) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let found = fs::symlink_metadata(&dir)?;
    if !found.is_dir() || found.uid() != user || found.mode() & 0o022 != 0 {
        return Err(std::io::Error::other("somebody else made it"));
    }
    Ok(dir)
}

/// Unmounts and removes the disks that dead programs left, and says which.
pub(crate) fn sweep() -> Vec<String> {
    let entries = own_dir().and_then(fs::read_dir);
    let mut removed = Vec::new();
    for entry in entries.into_iter().flatten().flatten() {
        let Some((owner, mount_point, folder)) = read(&entry.path()) else {
            continue;
        };
        if owner.runs() {
            continue;
        }
        if is_image_of(&mount_point, &folder) {
            drop(run(
                "fsfreeze",
                &[OsStr::new("-u"), mount_point.as_os_str()],
            ));
            drop(run("umount", &[OsStr::new("-l"), mount_point.as_os_str()]));
        }
        if !is_image_of(&mount_point, &folder) {
            // Images only: what the note says is ours, but a mistake in it must not cost anybody a file.
            if folder.join("image").is_file() {
                drop(fs::remove_dir_all(&folder));
            }
            drop(folder.parent().map(fs::remove_dir));
            drop(fs::remove_file(entry.path()));
            removed.push(format!("disk at {}", mount_point.display()));
        }
    }
    removed
}

fn read(path: &Path) -> Option<(Process, PathBuf, PathBuf)> {
    let text = fs::read(path).ok()?;
    let mut parts = text.split(|byte| *byte == 0);
    let owner = std::str::from_utf8(parts.next()?).ok()?;
    let (pid, started) = owner.split_once(' ')?;
    let mut path = || {
        let bytes = parts.next()?.to_vec();
        Some(PathBuf::from(std::ffi::OsString::from_vec(bytes)))
    };
    let owner = Process::named(pid.parse().ok()?, started.parse().ok()?);
    Some((owner, path()?, path()?))
}

/// Whether what is mounted there is the image of this folder.
fn is_image_of(mount_point: &Path, folder: &Path) -> bool {
    let text = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    text.lines().any(|line| {
        let Some((left, right)) = line.split_once(" - ") else {
            return false;
        };
        // Spaces and the like are written as octal numbers: such a place is not recognised, and left alone.
        let here = left.split(' ').nth(4).map(Path::new) == Some(mount_point);
        here && right
            .split(' ')
            .nth(1)
            .and_then(|device| device.strip_prefix("/dev/"))
            .and_then(|name| {
                fs::read_to_string(format!("/sys/block/{name}/loop/backing_file")).ok()
            })
            .is_some_and(|file| {
                Path::new(file.trim().trim_end_matches(" (deleted)")).starts_with(folder)
            })
    })
}
