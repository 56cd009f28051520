//! A power cut: what was not synced is gone.
//!
//! ext4 is told to shut down without writing its journal, at all targets by one process. From then on nothing reaches the
//! disk; what the process had written and not synced is in memory only, and goes when it is unmounted.

use super::node_disk::NodeDisk;
use crate::nemesis::{Demand, Evidence, Nemesis, NemesisError};
use crate::shim::find_shim;
use crate::target::Target;
use std::ffi::OsString;
use std::fs::{self, File};
use std::process::{Command, Stdio};
use std::sync::Arc;

/// Told to the shim: the mount points to cut, a line each. It does so as it is loaded, and ends the process.
const CUT_ENV: &str = "HOLDFAST_SHIM_CUT";
/// A file that is tried to be made.
const PROBE: &str = ".holdfast-probe";

/// Cuts the power of disks. The process is left to kill.
#[derive(Default)]
pub struct CutPower {
    struck: Vec<(Target, Arc<NodeDisk>)>,
}

impl Nemesis for CutPower {
    fn kind(&self) -> &'static str {
        "power-cut"
    }

    fn demand(&self) -> Demand {
        Demand::DownToHeal
    }

    fn install(&mut self, targets: &[Target]) -> Result<(), NemesisError> {
        if !self.struck.is_empty() {
            return Err(NemesisError::Installed { fault: self.kind() });
        }
        let disks = Target::disks(targets)?;
        if let Some((node, _)) = disks.iter().find(|(_, disk)| !disk.is_mounted()) {
            let lacks = "mounted disk";
            return Err(NemesisError::Lacks { node: *node, lacks });
        }
        cut(&disks)?;
        let disks = disks.into_iter().map(|(_, disk)| disk);
        self.struck = targets.iter().cloned().zip(disks).collect();
        Ok(())
    }

    fn verify(&mut self) -> Result<Evidence, NemesisError> {
        Ok(Evidence::join(self.struck.iter().map(|(target, disk)| {
            let path = disk.mount_point().join(PROBE);
            let (bites, text) = match File::create(&path) {
                Ok(_) => {
                    drop(fs::remove_file(path));
                    (false, "a file can be made".to_owned())
                }
                Err(error) => (true, format!("making a file fails: {error}")),
            };
            (target.node(), Evidence { bites, text })
        })))
    }

    fn heal(&mut self) -> Result<(), NemesisError> {
        while let Some((target, disk)) = self.struck.last() {
            target.is_down()?;
            disk.restore_power()?;
            self.struck.pop();
        }
        Ok(())
    }
}

impl Drop for CutPower {
    fn drop(&mut self) {
        // A disk whose process still runs stays cut; it goes when the disk does.
        drop(self.heal());
    }
}

fn cut(disks: &[(u64, Arc<NodeDisk>)]) -> Result<(), NemesisError> {
    let mut lines = OsString::new();
    for (_, disk) in disks {
        lines.push(disk.mount_point());
        lines.push("\n");
    }
    let output = Command::new("true")
        .env("LD_PRELOAD", find_shim()?)
        .env(CUT_ENV, lines)
        .stdin(Stdio::null())
        .output()
        .map_err(NemesisError::io("running a process to cut the power"))?;
    // Were the library not loaded, `true` would succeed: success is a number of its own.
    if output.status.code() == Some(CUT) {
        return Ok(());
    }
    Err(NemesisError::Tool {
        command: "cutting the power".to_owned(),
        said: format!(
            "{} ({})",
            String::from_utf8_lossy(&output.stderr).trim(),
            output.status
        ),
    })
}

/// How the process ends when all were cut.
const CUT: i32 = 99;
