//! When a harness dies with its faults installed, they end all the same.
#![expect(clippy::unwrap_used, reason = "a surprise fails the test")]

mod support;

use holdfast_nemesis::{FillDisk, HangDisk, Nemesis, Pause, sweep};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use support::{LIFE, Lab, until};

/// Tells a second copy of this test that it is the one to die, and where to say that it is ready.
const VICTIM: &str = "HOLDFAST_NEMESIS_VICTIM";

/// Installs faults and waits for its death.
fn be_the_victim(ready: &Path) {
    let lab = Lab::new();
    let (worker, target) = lab.run("exec sleep 60");
    let mut pause = Pause::new(LIFE);
    pause.install(&[target]).unwrap();
    let mut text = format!("{}\n{}\n", lab.grounds.root().display(), worker.child.id());
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

#[test]
fn faults_end_when_their_harness_is_killed() {
    if let Some(ready) = std::env::var_os(VICTIM) {
        be_the_victim(Path::new(&ready));
    }
    let dir = tempfile::tempdir().unwrap();
    let ready = dir.path().join("ready");
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "faults_end_when_their_harness_is_killed"])
        .env(VICTIM, &ready)
        .env("TMPDIR", dir.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    until("faults", || ready.exists());
    victim.kill().unwrap();
    assert_eq!(victim.wait().unwrap().signal(), Some(9));
    let text = fs::read_to_string(&ready).unwrap();
    let mut lines = text.lines().skip(1);
    let sleeper: i32 = lines.next().unwrap().parse().unwrap();
    let state = || {
        let stat = fs::read_to_string(format!("/proc/{sleeper}/stat")).unwrap();
        stat.rsplit_once(") ").unwrap().1.chars().next()
    };
    until("the paused one to go on", || state() != Some('T'));
    kill_process(Pid::from_raw(sleeper).unwrap(), Signal::KILL).unwrap();
    if let Some(mount_point) = lines.next().map(PathBuf::from) {
        let name = mount_point.display().to_string();
        until("the disk to be unmounted", || {
            !fs::read_to_string("/proc/self/mounts")
                .unwrap()
                .contains(&name)
        });
    }
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
