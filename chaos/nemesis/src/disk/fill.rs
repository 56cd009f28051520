//! A full disk: ballast takes every free block.

use super::node_disk::NodeDisk;
use crate::nemesis::{Demand, Evidence, Nemesis, NemesisError};
use crate::target::Target;
use crate::watch::{Watch, heal_or_let_go, quoted};
use rustix::fs::{FallocateFlags, fallocate, statvfs};
use rustix::io::Errno;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const BALLAST: &str = ".holdfast-ballast";
const PROBE: &str = ".holdfast-probe";
/// More than fits beside an inode or in the end of a block.
const PROBE_BYTES: usize = 64 << 10;
/// The smallest piece of ballast.
const BLOCK: u64 = 1 << 10;

/// Fills disks.
pub struct FillDisk {
    life: Duration,
    struck: Vec<(u64, Arc<NodeDisk>)>,
    watch: Option<Watch>,
}

impl FillDisk {
    /// There is room again after `life` at the latest.
    #[must_use]
    pub const fn new(life: Duration) -> Self {
        Self {
            life,
            struck: Vec::new(),
            watch: None,
        }
    }
}

impl Nemesis for FillDisk {
    fn kind(&self) -> &'static str {
        "full-disk"
    }

    fn demand(&self) -> Demand {
        Demand::Runs
    }

    fn install(&mut self, targets: &[Target]) -> Result<(), NemesisError> {
        if self.watch.is_some() {
            return Err(NemesisError::Installed { fault: self.kind() });
        }
        let disks = Target::disks(targets)?;
        let undo: Vec<String> = disks
            .iter()
            .map(|(_, disk)| format!("rm -f {}", quoted(&disk.mount_point().join(BALLAST))))
            .collect();
        self.watch = Some(Watch::set(Some(self.life), &undo)?);
        self.struck = disks;
        let filled = self
            .struck
            .iter()
            .try_for_each(|(_, disk)| fill(disk.mount_point()));
        if filled.is_err() {
            self.heal()?;
        }
        filled
    }

    fn verify(&mut self) -> Result<Evidence, NemesisError> {
        let mut seen = Vec::new();
        for (node, disk) in &self.struck {
            let at = disk.mount_point();
            let free = statvfs(at).map_err(NemesisError::errno("looking at a disk"))?;
            let bytes = free.f_bavail.saturating_mul(free.f_frsize);
            let (bites, what) = match probe(at) {
                Ok(()) => (false, "a file can be written".to_owned()),
                Err(error) => (
                    error.kind() == ErrorKind::StorageFull,
                    format!("writing a file fails: {error}"),
                ),
            };
            let text = format!("{bytes} bytes are free; {what}");
            seen.push((*node, Evidence { bites, text }));
        }
        Ok(Evidence::join(seen))
    }

    fn heal(&mut self) -> Result<(), NemesisError> {
        while let Some((_, disk)) = self.struck.last() {
            match fs::remove_file(disk.mount_point().join(BALLAST)) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(NemesisError::io("removing ballast")(error));
                }
                _ => {}
            }
            self.struck.pop();
        }
        self.watch = None;
        Ok(())
    }
}

impl Drop for FillDisk {
    fn drop(&mut self) {
        heal_or_let_go(self.heal(), self.watch.take());
    }
}

/// Takes half of what cannot be had, until nothing can.
fn fill(at: &Path) -> Result<(), NemesisError> {
    let path = at.join(BALLAST);
    let what = format!("filling {}", at.display());
    let ballast = OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map_err(NemesisError::io(&*what))?;
    let disk = statvfs(at).map_err(NemesisError::errno(&*what))?;
    let mut piece = disk.f_blocks.saturating_mul(disk.f_frsize).max(BLOCK);
    let mut end = 0;
    while piece >= BLOCK {
        match fallocate(&ballast, FallocateFlags::empty(), end, piece) {
            Ok(()) => end += piece,
            Err(Errno::NOSPC) => piece /= 2,
            Err(errno) => return Err(NemesisError::errno(&*what)(errno)),
        }
    }
    Ok(())
}

fn probe(at: &Path) -> std::io::Result<()> {
    let path = at.join(PROBE);
    let mut file = File::create(&path)?;
    let written = file
        .write_all(&[1; PROBE_BYTES])
        .and_then(|()| file.sync_all());
    drop(fs::remove_file(path));
    written
}
