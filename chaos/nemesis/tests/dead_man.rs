//! When a harness dies with its faults installed, they end all the same.
#![expect(clippy::unwrap_used, reason = "a surprise fails the test")]

mod support;

use holdfast_nemesis::{FillDisk, HangDisk, Nemesis, Pause, sweep};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use support::{LIFE, Lab, until};

/// Tells a second copy of this test that it is the one to die, and where to say that it is ready.
const VICTIM: &str = "HOLDFAST_NEMESIS_VICTIM";

/// Installs faults and waits for its death.
fn be_the_victim(ready: &Path) {
    let lab = Lab::new();
    let (worker, target) = lab.run("exec sleep 60");
    let mut pause = Pause::new(LIFE);
    pause.install(&[target]).unwrap();
    let mut text = format!("{}\n", worker.child.id());
    let disk = lab.disk();
    let mut fill = FillDisk::new(LIFE);
    let mut hang = HangDisk::new(LIFE);
    if let Some(disk) = &disk {
        fill.install(&[lab.on_disk(disk)]).unwrap();
        hang.install(&[lab.on_disk(disk)]).unwrap();
        text = format!("{text}{}\n", disk.mount_point().display());
    }
    let draft = ready.with_extension("draft");
    fs::write(&draft, text).unwrap();
    fs::rename(draft, ready).unwrap();
    until("death", || false);
}

/// A harness with faults installed.
struct Victim {
    process: Child,
    sleeper: i32,
    /// Where its disk is mounted, if it could make one.
    mount_point: Option<String>,
}

impl Victim {
    /// A second copy of this program, that runs one test with its temporary files here.
    fn copy(dir: &Path, test: &str, variable: &str, value: &Path) -> Child {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test])
            .env(variable, value)
            .env("TMPDIR", dir)
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    }

    fn start(dir: &Path) -> Self {
        let ready = dir.join("ready");
        let process = Self::copy(
            dir,
            "faults_end_when_their_harness_is_killed",
            VICTIM,
            &ready,
        );
        until("faults", || ready.exists());
        let text = fs::read_to_string(&ready).unwrap();
        let mut lines = text.lines();
        Self {
            process,
            sleeper: lines.next().unwrap().parse().unwrap(),
            mount_point: lines.next().map(str::to_owned),
        }
    }

    fn kill(&mut self) {
        self.process.kill().unwrap();
        assert_eq!(self.process.wait().unwrap().signal(), Some(9));
    }

    fn sleeper_state(&self) -> Option<char> {
        stat(self.sleeper).map(|(state, _)| state)
    }

    fn is_mounted(&self) -> bool {
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
        let mount_point = self.mount_point.as_ref();
        mount_point.is_some_and(|name| mounts.contains(name))
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
        kill_process(Pid::from_raw(self.sleeper).unwrap(), Signal::KILL).unwrap();
    }
}

/// State and parent of a process.
fn stat(pid: i32) -> Option<(char, u32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

#[test]
fn faults_end_when_their_harness_is_killed() {
    if let Some(ready) = std::env::var_os(VICTIM) {
        be_the_victim(Path::new(&ready));
    }
    let dir = tempfile::tempdir().unwrap();
    let mut victim = Victim::start(dir.path());
    assert_eq!(victim.sleeper_state(), Some('T'));
    victim.kill();
    until("the paused one to go on", || {
        victim.sleeper_state() != Some('T')
    });
    until("the disk to be unmounted", || !victim.is_mounted());
}

/// Tells a copy of this test to sweep.
const SWEEPER: &str = "HOLDFAST_NEMESIS_SWEEPER";

#[test]
fn a_sweep_finds_what_even_the_watch_left() {
    if std::env::var_os(SWEEPER).is_some() {
        assert_eq!(sweep().len(), 1);
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut victim = Victim::start(dir.path());
    if victim.mount_point.is_none() {
        return;
    }
    let children = fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let (_, parent) = stat(pid)?;
            (parent == victim.process.id() && pid != victim.sleeper).then_some(pid)
        });
    for watch in children {
        kill_process(Pid::from_raw(watch).unwrap(), Signal::KILL).unwrap();
    }
    victim.kill();
    assert!(victim.is_mounted() && victim.sleeper_state() == Some('T'));
    let test = "a_sweep_finds_what_even_the_watch_left";
    let mut sweeper = Victim::copy(dir.path(), test, SWEEPER, Path::new("1"));
    assert!(sweeper.wait().unwrap().success());
    assert!(!victim.is_mounted());
}

#[test]
fn a_sweep_leaves_the_living_alone() {
    let lab = Lab::new();
    let Some(disk) = lab.disk() else { return };
    let swept = sweep();
    assert!(disk.is_mounted(), "{swept:?}");
    let name = disk.mount_point().to_owned();
    drop(disk);
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    assert!(!mounts.contains(&name.display().to_string()));
}
