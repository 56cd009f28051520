//! Where faults are tried: grounds of their own, children that do next to nothing, a small disk.

use crate::disk::NodeDisk;
use crate::grounds::Grounds;
use crate::nemesis::{Evidence, Nemesis, NemesisError};
use crate::shim::ShimControl;
use crate::target::Target;
use crate::wait::until;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

/// A small disk.
const DISK_BYTES: u64 = 16 << 20;
/// Longest time for a fault to be seen to bite.
const BITES: Duration = Duration::from_secs(3);
/// The life of a fault that is tried.
pub(super) const LIFE: Duration = Duration::from_secs(10);

/// What a child does, over and over, until this program is gone.
#[derive(Clone, Copy)]
pub(super) enum Work {
    Sleep,
    Compute,
    /// Writes and syncs a file.
    Sync,
    /// Looks at the clock.
    Date,
}

pub(super) struct Bench {
    /// Unmounted before the grounds go.
    disk: Option<Arc<NodeDisk>>,
    pub(super) grounds: Grounds,
    count: u64,
    _folder: tempfile::TempDir,
}

impl Work {
    /// Shell loops end when this program does.
    const fn script(self) -> &'static str {
        match self {
            Self::Sleep => "exec sleep 60",
            Self::Compute => "while kill -0 $PPID; do for i in 1 2 3 4 5 6 7 8 9; do :; done; done",
            Self::Sync => {
                "while kill -0 $PPID; do dd if=/dev/zero of=file bs=512 count=2 conv=fsync; done"
            }
            Self::Date => "while kill -0 $PPID; do date; done",
        }
    }
}

/// A child that ends with this.
pub(super) struct Worker(Child);

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Bench {
    pub(super) fn new() -> Result<Self, NemesisError> {
        let folder = tempfile::Builder::new()
            .prefix("holdfast-doctor-")
            .tempdir()
            .map_err(NemesisError::io("making a directory"))?;
        Ok(Self {
            disk: None,
            grounds: Grounds::claim(&folder.path().join("grounds"))?,
            count: 0,
            _folder: folder,
        })
    }

    fn fresh(&mut self, what: &str) -> PathBuf {
        self.count += 1;
        self.grounds.root().join(format!("{what}-{}", self.count))
    }

    /// A child at work, and itself as a target.
    pub(super) fn worker(&mut self, work: Work) -> Result<(Worker, Target), NemesisError> {
        self.start(work, None)
    }

    /// The same under the shim.
    pub(super) fn shimmed(&mut self, work: Work) -> Result<(Worker, Target), NemesisError> {
        let path = self.fresh("control");
        let control = Arc::new(ShimControl::create(&self.grounds, &path)?);
        self.start(work, Some(control))
    }

    fn start(
        &mut self,
        work: Work,
        shim: Option<Arc<ShimControl>>,
    ) -> Result<(Worker, Target), NemesisError> {
        let data = self.fresh("data");
        let failed = || NemesisError::io("starting a child to try faults on");
        fs::create_dir(&data).map_err(failed())?;
        let mut command = Command::new("sh");
        command.args(["-c", work.script()]).current_dir(&data);
        command.stdin(Stdio::null()).stderr(Stdio::null());
        command.stdout(File::create(data.join("output")).map_err(failed())?);
        if let Some(shim) = &shim {
            command.envs(shim.environment());
        }
        let worker = Worker(command.spawn().map_err(failed())?);
        let mut target = self.grounds.target(1, Some(worker.0.id()), &data)?;
        if let Some(shim) = shim {
            target = target.with_shim(shim);
        }
        let process = target.process()?;
        // One that is still being loaded has neither its memory nor its files yet.
        let sleeps = || process.is_called("sleep") && process.thread_states() == ['S'];
        if matches!(work, Work::Sleep) {
            until("a child that sleeps", BITES, sleeps)?;
        }
        Ok((worker, target))
    }

    /// A directory on a disk of its own, with no process.
    pub(super) fn disk(&mut self) -> Result<(Arc<NodeDisk>, Target), NemesisError> {
        let disk = match &self.disk {
            Some(disk) => Arc::clone(disk),
            None => {
                let at = self.fresh("disk");
                let disk = Arc::new(NodeDisk::create(&self.grounds, &at, DISK_BYTES)?);
                Arc::clone(self.disk.insert(disk))
            }
        };
        let data = disk.mount_point().join("data");
        let target = self.grounds.target(1, None, &data)?;
        Ok((Arc::clone(&disk), target.with_disk(disk)))
    }
}

/// Lets a fault in, waits until it bites, and heals it. Gives what was seen.
pub(super) fn strike(nemesis: &mut dyn Nemesis, target: &Target) -> Result<String, NemesisError> {
    nemesis.install(std::slice::from_ref(target))?;
    let mut seen = Ok(Evidence {
        bites: false,
        text: String::new(),
    });
    let bites = until(nemesis.kind(), BITES, || {
        seen = nemesis.verify();
        !matches!(&seen, Ok(seen) if !seen.bites)
    });
    nemesis.heal()?;
    let seen = seen?;
    bites.map_err(|_| NemesisError::Unsupported {
        fault: nemesis.kind(),
        why: format!("it was installed and did not bite: {}", seen.text),
    })?;
    Ok(seen.text)
}
