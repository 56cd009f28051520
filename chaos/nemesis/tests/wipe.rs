//! A wiped disk: nothing is left, nothing else is touched, and a process that runs is not robbed of its data.

mod support;

use holdfast_nemesis::{Nemesis, NemesisError, WipeDisk};
use std::fs;
use std::os::unix::fs::symlink;
use support::Lab;

#[test]
fn everything_is_gone_and_nothing_beside_it() {
    let lab = Lab::new();
    let (dir, other) = (lab.fresh(), lab.fresh());
    fs::create_dir_all(dir.join("log/deep")).unwrap();
    fs::write(dir.join("log/deep/000007.log"), "entries").unwrap();
    fs::write(dir.join("watermark"), "mark").unwrap();
    fs::write(other.join("kept"), "kept").unwrap();
    symlink(&other, dir.join("elsewhere")).unwrap();
    let target = lab.grounds.target(1, None, &dir).unwrap();
    let mut wipe = WipeDisk::default();
    wipe.install(&[target]).unwrap();
    let evidence = wipe.verify().unwrap();
    assert!(evidence.bites, "{}", evidence.text);
    assert_eq!(evidence.text, "n1: 3 files and directories removed");
    assert_eq!(fs::read_dir(&dir).unwrap().count(), 0);
    assert!(other.join("kept").is_file(), "links are not followed");
    wipe.heal().unwrap();
}

#[test]
fn who_runs_keeps_everything() {
    let lab = Lab::new();
    let (worker, running) = lab.run("exec sleep 60");
    let refused = WipeDisk::default().install(&[running]);
    assert!(matches!(refused, Err(NemesisError::StillRuns { .. })));
    assert!(worker.data.join("output").is_file());
}

#[test]
fn an_empty_directory_had_nothing_to_forget() {
    let lab = Lab::new();
    let target = lab.grounds.target(1, None, &lab.fresh()).unwrap();
    let mut wipe = WipeDisk::default();
    assert!(!wipe.verify().unwrap().bites, "nothing was done yet");
    wipe.install(&[target]).unwrap();
    assert!(!wipe.verify().unwrap().bites);
}
