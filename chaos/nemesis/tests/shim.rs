//! Faults through the shim: what the calls of a child really do.
#![expect(clippy::unwrap_used, reason = "a surprise fails the test")]

mod support;

use holdfast_nemesis::{BendClock, Calls, Effect, FaultFiles, Nemesis, NemesisError};
use std::fs;
use std::slice::from_ref;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use support::{LIFE, Lab, bites, lines, until};

/// Writes two blocks and syncs, again and again, and says how each time went.
const WRITE: &str = "while kill -0 $PPID; do \
    if LC_ALL=C dd if=/dev/zero of=file.log bs=512 count=2 conv=fsync 2>said; then echo yes; else head -n 1 said; fi; done";

fn fails_until_healed(mut nemesis: FaultFiles, message: &str) {
    let lab = Lab::new();
    let (worker, target, shim) = lab.run_shimmed(WRITE);
    let output = worker.data.join("output");
    let says = |word: &str| {
        lines(&output)
            .last()
            .is_some_and(|last| last.contains(word))
    };
    until("a write", || says("yes"));
    assert!(shim.attached().unwrap() > 0);
    nemesis.install(from_ref(&target)).unwrap();
    until(message, || says(message));
    bites(&mut nemesis);
    nemesis.heal().unwrap();
    until("a write again", || says("yes"));
}

#[test]
fn writes_and_syncs_fail_as_told() {
    let on = ".log";
    fails_until_healed(FaultFiles::io_error(LIFE).on(on), "Input/output error");
    fails_until_healed(FaultFiles::no_space(LIFE).on(on), "No space left on device");
    let syncs = FaultFiles::new("sync-error", Calls::Syncs, Effect::Fails, LIFE);
    fails_until_healed(syncs.on(on), "fsync failed");
}

#[test]
fn a_fault_ends_with_its_life_and_with_its_handle() {
    let lab = Lab::new();
    let (worker, target, _) = lab.run_shimmed(WRITE);
    let output = worker.data.join("output");
    let says = |word: &str| {
        lines(&output)
            .last()
            .is_some_and(|last| last.contains(word))
    };
    let mut short = FaultFiles::io_error(Duration::from_secs(1)).on(".log");
    short.install(from_ref(&target)).unwrap();
    until("an error", || says("Input/output error"));
    until("the end of it", || says("yes"));
    let mut held = FaultFiles::io_error(LIFE).on(".log");
    held.install(from_ref(&target)).unwrap();
    until("an error", || says("Input/output error"));
    drop(held);
    until("the end of it", || says("yes"));
}

#[test]
fn other_files_are_left_alone() {
    let lab = Lab::new();
    let (worker, target, _) = lab.run_shimmed(WRITE);
    let mut other = FaultFiles::io_error(LIFE).on(".sst");
    other.install(&[target]).unwrap();
    let output = worker.data.join("output");
    let before = lines(&output).len();
    until("writes", || lines(&output).len() > before + 5);
    assert!(lines(&output).iter().all(|line| line == "yes"));
    let seen = other.verify().unwrap();
    assert!(!seen.bites, "{}", seen.text);
}

#[test]
fn a_slow_sync_takes_its_time() {
    let lab = Lab::new();
    let delay = Duration::from_millis(100);
    let (worker, target, _) = lab.run_shimmed(WRITE);
    let mut slow = FaultFiles::slow_sync(delay, LIFE).on(".log");
    slow.install(&[target]).unwrap();
    bites(&mut slow);
    let output = worker.data.join("output");
    let before = lines(&output).len();
    let started = Instant::now();
    until("five syncs", || lines(&output).len() >= before + 5);
    // The first of them may have begun before.
    assert!(started.elapsed() >= delay * 3, "{:?}", started.elapsed());
}

#[test]
fn a_torn_write_leaves_half_once() {
    let lab = Lab::new();
    // Writes one block when it is told to.
    let script = "until [ -e go ]; do :; done; \
        for i in 1 2; do LC_ALL=C dd if=/dev/zero of=torn$i.log bs=512 count=1 2>&1; done; exec sleep 60";
    let (worker, target, _) = lab.run_shimmed(script);
    let mut torn = FaultFiles::torn_write(LIFE).on(".log");
    torn.install(&[target]).unwrap();
    fs::write(worker.data.join("go"), "").unwrap();
    let second = worker.data.join("torn2.log");
    until("the second write", || {
        fs::metadata(&second).is_ok_and(|it| it.len() == 512)
    });
    assert_eq!(
        fs::metadata(worker.data.join("torn1.log")).unwrap().len(),
        256
    );
    let said = fs::read_to_string(worker.data.join("output")).unwrap();
    assert!(said.contains("Input/output error"), "{said}");
    assert_eq!(torn.verify().unwrap().text, "n1: 1 of 2 calls were hit");
}

#[test]
fn the_wall_clock_jumps_and_others_do_not() {
    let lab = Lab::new();
    // The wall clock, and the machine's uptime as the kernel tells it.
    let (worker, target, _) = lab.run_shimmed("while kill -0 $PPID; do date +%s; done");
    let output = worker.data.join("output");
    let ahead = || {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs();
        let shown = lines(&output)
            .last()
            .and_then(|last| last.parse::<i64>().ok());
        shown.map_or(0, |shown| shown - i64::try_from(now).unwrap())
    };
    for jump in [7200, -86_400] {
        let mut bend = BendClock::jump(jump, LIFE).unwrap();
        bend.install(from_ref(&target)).unwrap();
        until("the jump", || (ahead() - jump).abs() < 3);
        bites(&mut bend);
        assert!(matches!(
            BendClock::jump(1, LIFE).unwrap().install(from_ref(&target)),
            Err(NemesisError::Installed { .. })
        ));
        bend.heal().unwrap();
        until("the jump back", || ahead().abs() < 3);
    }
    let mut fast = BendClock::drift(50.0, LIFE).unwrap();
    fast.install(from_ref(&target)).unwrap();
    until("a minute in little more than a second", || ahead() > 60);
}

#[test]
fn monotonic_time_stays_true() {
    let lab = Lab::new();
    // `timeout` measures with a timer of the kernel, `sleep` on the monotonic clock: both would be done at once.
    let (worker, target, _) = lab.run_shimmed("until [ -e go ]; do :; done; sleep 0.3; echo slept");
    let mut fast = BendClock::drift(100.0, LIFE).unwrap();
    fast.install(&[target]).unwrap();
    let started = Instant::now();
    fs::write(worker.data.join("go"), "").unwrap();
    until("a sleep", || !lines(&worker.data.join("output")).is_empty());
    assert!(started.elapsed() >= Duration::from_millis(300));
}
