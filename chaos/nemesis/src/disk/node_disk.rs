//! A file system in an image file, mounted for one node.
//!
//! Whatever becomes of this program, it is unmounted and the image removed: by dropping, by a watch process, or by the next
//! program's sweep.

use super::registry::Entry;
use super::tools::run;
use crate::grounds::Grounds;
use crate::nemesis::NemesisError;
use crate::watch::{Watch, quoted};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// An ext4 journal and a little room.
const BYTES_MIN: u64 = 16 << 20;
/// No image fills a machine's memory.
const BYTES_MAX: u64 = 16 << 30;
/// Longest time for a killed process to let go of its files.
const LET_GO: Duration = Duration::from_secs(10);
/// How often to try again.
const POLL: Duration = Duration::from_millis(20);

/// A node's disk.
pub struct NodeDisk {
    mount_point: PathBuf,
    /// Holds the image and its snapshots.
    folder: PathBuf,
    bytes: u64,
    _watch: Watch,
    _entry: Entry,
}

impl NodeDisk {
    /// Makes an ext4 image of so many bytes and mounts it. `mount_point` is a directory in the grounds; it is made if need
    /// be. Blocks are taken as they are written.
    ///
    /// # Errors
    /// When the size is out of range, or this user may not mount.
    pub fn create(grounds: &Grounds, mount_point: &Path, bytes: u64) -> Result<Self, NemesisError> {
        if !(BYTES_MIN..=BYTES_MAX).contains(&bytes) {
            return Err(NemesisError::Range {
                what: "the size of a disk",
            });
        }
        let mount_point = grounds.inside(mount_point)?;
        let what = format!("making a disk at {}", mount_point.display());
        let failed = || NemesisError::io(&*what);
        fs::create_dir_all(&mount_point).map_err(failed())?;
        let folder = tempfile::Builder::new()
            .prefix("disk-")
            .tempdir_in(grounds.images())
            .map_err(failed())?
            .keep();
        let entry = Entry::note(&mount_point, &folder)?;
        let undo = [
            format!("fsfreeze -u {}", quoted(&mount_point)),
            format!("umount -l {}", quoted(&mount_point)),
            format!("rm -rf {}", quoted(&folder)),
            format!("rmdir {}", quoted(grounds.images())),
        ];
        let disk = Self {
            _watch: Watch::set(None, &undo)?,
            _entry: entry,
            mount_point,
            folder,
            bytes,
        };
        let image = File::create_new(disk.image()).map_err(failed())?;
        image.set_len(bytes).map_err(failed())?;
        // Nothing is reserved for the administrator: a full disk is full for everybody.
        let options = ["-q", "-F", "-m", "0", "-E", "nodiscard"].map(OsStr::new);
        run(
            "mkfs.ext4",
            &[&options[..], &[disk.image().as_os_str()]].concat(),
        )?;
        disk.mount()?;
        Ok(disk)
    }

    /// Where it is mounted.
    #[must_use]
    pub fn mount_point(&self) -> &Path {
        &self.mount_point
    }

    /// Its size.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn image(&self) -> PathBuf {
        self.folder.join("image")
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether it is mounted.
    #[must_use]
    pub fn is_mounted(&self) -> bool {
        let device = |path: &Path| fs::metadata(path).map(|it| it.dev()).ok();
        let parent = self.mount_point.parent().unwrap_or(Path::new("/"));
        device(&self.mount_point) != device(parent)
    }

    /// Mounts it, if it is not. What an interrupted write left is repaired first where the journal alone does not do.
    ///
    /// # Errors
    /// When this user may not mount, or the file system is beyond repair.
    pub fn mount(&self) -> Result<(), NemesisError> {
        if self.is_mounted() {
            return Ok(());
        }
        let image = self.image();
        let options = ["-o", "loop,noatime,nodev,nosuid,noexec"].map(OsStr::new);
        let args = [
            &options[..],
            &[image.as_os_str(), self.mount_point.as_os_str()],
        ]
        .concat();
        run("mount", &args).or_else(|first| {
            // Its exit code is 1 when it repaired something, which only the next mount can judge.
            drop(run("e2fsck", &[OsStr::new("-p"), image.as_os_str()]));
            run("mount", &args).map_err(|_| first)
        })
    }

    /// Unmounts it, if it is mounted. The process must be gone; it is waited for while the kernel closes its files.
    ///
    /// # Errors
    /// When somebody still has a file open.
    pub fn unmount(&self) -> Result<(), NemesisError> {
        let deadline = Instant::now() + LET_GO;
        while self.is_mounted() {
            match run("umount", &[&self.mount_point]) {
                Ok(()) => {}
                Err(busy) if Instant::now() >= deadline => return Err(busy),
                Err(_) => std::thread::sleep(POLL),
            }
        }
        Ok(())
    }

    /// Unmounts it and mounts it again: what a machine does when its power is back. The process must be gone.
    ///
    /// # Errors
    /// As [`Self::unmount`] and [`Self::mount`].
    pub fn restore_power(&self) -> Result<(), NemesisError> {
        self.unmount()?;
        self.mount()
    }
}

impl Drop for NodeDisk {
    fn drop(&mut self) {
        // Nobody hangs on this disk for ever, and what cannot be unmounted now is let go of.
        drop(run(
            "fsfreeze",
            &[OsStr::new("-u"), self.mount_point.as_os_str()],
        ));
        if self.is_mounted() && run("umount", &[&self.mount_point]).is_err() {
            drop(run(
                "umount",
                &[OsStr::new("-l"), self.mount_point.as_os_str()],
            ));
        }
        drop(fs::remove_dir_all(&self.folder));
    }
}
