//! Images of a disk at a moment, and going back to one: what a restored backup of a machine does.

use super::node_disk::NodeDisk;
use super::tools::run;
use crate::nemesis::{Demand, Evidence, Nemesis, NemesisError};
use crate::target::Target;
use crate::watch::{Watch, quoted};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Longest a disk is held still for a copy.
const STILL: Duration = Duration::from_secs(10);
/// Images are compared in pieces of this size.
const PIECE: usize = 64 << 10;

/// A disk as it was. Removed when dropped.
pub struct Snapshot {
    path: PathBuf,
    taken: Instant,
}

impl NodeDisk {
    /// Copies the disk as it is. Its process may run: writes wait for as long as the copy takes, milliseconds for a small
    /// disk in memory.
    ///
    /// # Errors
    /// When there is no room for the copy.
    pub fn snapshot(&self) -> Result<Snapshot, NemesisError> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let snapshot = Snapshot {
            path: self.folder().join(format!("snapshot-{count}")),
            taken: Instant::now(),
        };
        if !self.is_mounted() {
            copy(&self.image(), &snapshot.path)?;
            return Ok(snapshot);
        }
        let at = self.mount_point();
        let watch = Watch::set(Some(STILL), &[format!("fsfreeze -u {}", quoted(at))])?;
        run("fsfreeze", &[OsStr::new("-f"), at.as_os_str()])?;
        let copied = copy(&self.image(), &snapshot.path);
        let thawed = run("fsfreeze", &[OsStr::new("-u"), at.as_os_str()]);
        if thawed.is_err() {
            watch.fire();
        }
        // A copy that outlived the stillness may be of two moments.
        copied.and(thawed).map(|()| snapshot)
    }

    /// Sets the disk back to what it was. It must be unmounted.
    fn set_back(&self, to: &Snapshot) -> Result<(), NemesisError> {
        let fresh = self.folder().join("image.new");
        copy(&to.path, &fresh)?;
        fs::rename(&fresh, self.image()).map_err(NemesisError::io("replacing an image"))
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        // It goes with its disk at the latest.
        drop(fs::remove_file(&self.path));
    }
}

/// Sets disks back to older snapshots.
pub struct RollBack {
    to: Vec<(u64, Arc<Snapshot>)>,
    done: Vec<(u64, Evidence)>,
}

impl RollBack {
    /// Each node to its snapshot.
    #[must_use]
    pub const fn to(to: Vec<(u64, Arc<Snapshot>)>) -> Self {
        Self {
            to,
            done: Vec::new(),
        }
    }
}

impl Nemesis for RollBack {
    fn kind(&self) -> &'static str {
        "rolled-back-disk"
    }

    fn demand(&self) -> Demand {
        Demand::DownToInstall
    }

    fn install(&mut self, targets: &[Target]) -> Result<(), NemesisError> {
        let mut planned = Vec::new();
        for target in targets {
            target.is_down()?;
            let node = target.node();
            let snapshot = self.to.iter().find(|(of, _)| *of == node);
            let (_, snapshot) = snapshot.ok_or(NemesisError::Lacks {
                node,
                lacks: "snapshot",
            })?;
            planned.push((node, target.disk()?, snapshot));
        }
        for (node, disk, snapshot) in planned {
            disk.unmount()?;
            let changed = differing(&disk.image(), &snapshot.path);
            let set_back = changed.and_then(|changed| {
                disk.set_back(snapshot)?;
                Ok(changed)
            });
            disk.mount()?;
            let changed = set_back?;
            let text = format!(
                "set back by {} ms; {changed} pieces of {} KiB had changed since",
                snapshot.taken.elapsed().as_millis(),
                PIECE >> 10
            );
            let bites = changed > 0;
            self.done.push((node, Evidence { bites, text }));
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

fn copy(from: &Path, to: &Path) -> Result<(), NemesisError> {
    let options = ["--sparse=always", "--reflink=auto"].map(OsStr::new);
    run(
        "cp",
        &[&options[..], &[from.as_os_str(), to.as_os_str()]].concat(),
    )
}

/// How many pieces of two images differ.
fn differing(one: &Path, other: &Path) -> Result<u64, NemesisError> {
    let failed = || NemesisError::io("comparing images");
    let open = |path| File::open(path).map_err(failed());
    let (mut one, mut other) = (open(one)?, open(other)?);
    let (mut left, mut right) = (vec![0; PIECE], vec![0; PIECE]);
    let mut count = 0;
    loop {
        let read = fill(&mut one, &mut left).map_err(failed())?;
        let same = fill(&mut other, &mut right).map_err(failed())? == read;
        if read == 0 {
            return Ok(count);
        }
        count += u64::from(!same || left[..read] != right[..read]);
    }
}

fn fill(file: &mut File, piece: &mut [u8]) -> std::io::Result<usize> {
    let mut read = 0;
    while read < piece.len() {
        match file.read(&mut piece[read..])? {
            0 => break,
            more => read += more,
        }
    }
    Ok(read)
}
