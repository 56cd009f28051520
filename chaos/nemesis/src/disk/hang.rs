//! A disk that does not answer: every write waits until it does.
//!
//! The harness must not write there either while it lasts: it would wait as well.

use super::node_disk::NodeDisk;
use super::tools::run;
use crate::nemesis::{Demand, Evidence, Nemesis, NemesisError};
use crate::target::Target;
use crate::wait::until;
use crate::watch::{Watch, heal_or_let_go, quoted};
use std::ffi::OsStr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

const PROBE: &str = ".holdfast-probe";
/// A write that takes longer than this waits for the disk.
const WAITS: Duration = Duration::from_millis(200);
/// Longest time for a write to end once the disk answers.
const ANSWERS: Duration = Duration::from_secs(10);

/// Hangs disks.
pub struct HangDisk {
    life: Duration,
    struck: Vec<Struck>,
    watch: Option<Watch>,
}

struct Struck {
    node: u64,
    disk: Arc<NodeDisk>,
    /// A process that writes there.
    probe: Option<Child>,
}

impl HangDisk {
    /// They answer after `life` at the latest.
    #[must_use]
    pub const fn new(life: Duration) -> Self {
        Self {
            life,
            struck: Vec::new(),
            watch: None,
        }
    }
}

impl Nemesis for HangDisk {
    fn kind(&self) -> &'static str {
        "hung-disk"
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
            .map(|(_, disk)| format!("fsfreeze -u {}", quoted(disk.mount_point())))
            .collect();
        self.watch = Some(Watch::set(Some(self.life), &undo)?);
        for (node, disk) in disks {
            let frozen = switch("-f", disk.mount_point());
            self.struck.push(Struck {
                node,
                disk,
                probe: None,
            });
            if frozen.is_err() {
                self.heal()?;
                return frozen;
            }
        }
        Ok(())
    }

    fn verify(&mut self) -> Result<Evidence, NemesisError> {
        let mut seen = Vec::new();
        for struck in &mut self.struck {
            let probe = match &mut struck.probe {
                Some(probe) => probe,
                None => struck.probe.insert(start_probe(struck.disk.mount_point())?),
            };
            let bites = until("a write", WAITS, || ended(probe)).is_err();
            let text = if bites {
                format!(
                    "a write has waited for {} ms and still does",
                    WAITS.as_millis()
                )
            } else {
                "a write ended".to_owned()
            };
            seen.push((struck.node, Evidence { bites, text }));
        }
        Ok(Evidence::join(seen))
    }

    fn heal(&mut self) -> Result<(), NemesisError> {
        let mut failed = Ok(());
        for struck in &self.struck {
            // The watch may have been first: then there is nothing to thaw, and the write below tells.
            failed = failed.and(match switch("-u", struck.disk.mount_point()) {
                Err(NemesisError::Tool { said, .. }) if said.contains("Invalid argument") => Ok(()),
                other => other,
            });
        }
        failed?;
        while let Some(struck) = self.struck.last_mut() {
            if let Some(probe) = &mut struck.probe {
                until("a write to a disk that answers", ANSWERS, || ended(probe))?;
                drop(std::fs::remove_file(struck.disk.mount_point().join(PROBE)));
            }
            self.struck.pop();
        }
        self.watch = None;
        Ok(())
    }
}

impl Drop for HangDisk {
    fn drop(&mut self) {
        heal_or_let_go(self.heal(), self.watch.take());
    }
}

fn switch(option: &str, at: &Path) -> Result<(), NemesisError> {
    run("fsfreeze", &[OsStr::new(option), at.as_os_str()])
}

fn start_probe(at: &Path) -> Result<Child, NemesisError> {
    Command::new("touch")
        .arg(at.join(PROBE))
        .env_remove("LD_PRELOAD")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(NemesisError::io("starting a process that writes"))
}

fn ended(probe: &mut Child) -> bool {
    matches!(probe.try_wait(), Ok(Some(_)) | Err(_))
}
