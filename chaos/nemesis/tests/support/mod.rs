//! Grounds, children and disks for the tests of faults. Children end with their handle, or when the test's process is gone.
#![allow(
    dead_code,
    clippy::allow_attributes,
    clippy::unwrap_used,
    reason = "each test file uses a part of it; a surprise here fails the test"
)]

use holdfast_nemesis::{Evidence, Grounds, Nemesis, NodeDisk, ShimControl, Target};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The life of a fault that the test heals itself.
pub(crate) const LIFE: Duration = Duration::from_secs(60);
const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) struct Lab {
    pub(crate) grounds: Grounds,
    _folder: tempfile::TempDir,
}

/// A child of the test.
pub(crate) struct Worker {
    pub(crate) child: Child,
    pub(crate) data: PathBuf,
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Lab {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let grounds = Grounds::claim(&folder.path().join("grounds")).unwrap();
        Self {
            grounds,
            _folder: folder,
        }
    }

    /// Runs a script in a fresh directory; what it prints goes to `output` there.
    pub(crate) fn run(&self, script: &str) -> (Worker, Target) {
        self.run_in(self.fresh(), script, None)
    }

    /// The same under the shim.
    pub(crate) fn run_shimmed(&self, script: &str) -> (Worker, Target, Arc<ShimControl>) {
        let data = self.fresh();
        let path = data.join("control");
        let shim = Arc::new(ShimControl::create(&self.grounds, &path).unwrap());
        let (worker, target) = self.run_in(data, script, Some(&shim));
        (worker, target.with_shim(Arc::clone(&shim)), shim)
    }

    pub(crate) fn fresh(&self) -> PathBuf {
        tempfile::tempdir_in(self.grounds.root()).unwrap().keep()
    }

    pub(crate) fn run_in(
        &self,
        data: PathBuf,
        script: &str,
        shim: Option<&Arc<ShimControl>>,
    ) -> (Worker, Target) {
        let mut command = Command::new("sh");
        command.arg("-c").arg(script).current_dir(&data);
        command.stdin(Stdio::null()).stderr(Stdio::null());
        command.stdout(File::create(data.join("output")).unwrap());
        if let Some(shim) = shim {
            command.envs(shim.environment());
        }
        let child = command.spawn().unwrap();
        let target = self.grounds.target(1, Some(child.id()), &data).unwrap();
        (Worker { child, data }, target)
    }

    /// A disk of 32 MiB; `None`, and a word why, where disks cannot be mounted.
    pub(crate) fn disk(&self) -> Option<Arc<NodeDisk>> {
        let missing = if !rustix::process::geteuid().is_root() {
            "it needs root"
        } else if !capable_of_mounts() {
            "it needs CAP_SYS_ADMIN"
        } else if !Path::new("/dev/loop-control").exists() {
            "it needs loop devices"
        } else {
            let at = self.fresh();
            let disk = NodeDisk::create(&self.grounds, &at, 32 << 20);
            return Some(Arc::new(disk.unwrap()));
        };
        skip(missing);
        None
    }

    /// A node without a process on a disk.
    pub(crate) fn on_disk(&self, disk: &Arc<NodeDisk>) -> Target {
        let data = disk.mount_point().join("data");
        let target = self.grounds.target(1, None, &data).unwrap();
        target.with_disk(Arc::clone(disk))
    }
}

fn capable_of_mounts() -> bool {
    const SYS_ADMIN: u32 = 21;
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let set = line.and_then(|set| u64::from_str_radix(set.trim(), 16).ok());
    set.is_some_and(|set| set >> SYS_ADMIN & 1 == 1)
}

#[expect(clippy::print_stderr, reason = "whoever runs the tests shall know")]
pub(crate) fn skip(why: &str) {
    eprintln!("skipped: {why}");
}

pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

pub(crate) fn lines(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    // The last line may be half written.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(str::to_owned).collect()
}

/// Waits until it bites, and gives what was seen.
pub(crate) fn bites(nemesis: &mut dyn Nemesis) -> String {
    let mut seen: Option<Evidence> = None;
    let deadline = Instant::now() + DEADLINE;
    loop {
        let now = nemesis.verify().unwrap();
        if now.bites {
            return now.text;
        }
        assert!(Instant::now() < deadline, "does not bite: {seen:?}");
        seen = Some(now);
        std::thread::sleep(Duration::from_millis(2));
    }
}
