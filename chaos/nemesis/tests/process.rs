//! Faults of processes: what they do to a child, seen from outside the fault.
#![expect(clippy::unwrap_used, reason = "a surprise fails the test")]

mod support;

use holdfast_nemesis::{
    ExhaustDescriptors, Freeze, Kill, LimitMemory, Nemesis, NemesisError, Pause, StarveCpu,
};
use rustix::process::getpid;
use std::path::Path;
use std::slice::from_ref;
use std::time::{Duration, Instant};
use support::{LIFE, Lab, bites, lines, skip, until};

/// Prints without end.
const COUNT: &str = "i=0; while kill -0 $PPID; do i=$((i+1)); echo $i; done";

fn printed(data: &Path) -> usize {
    lines(&data.join("output")).len()
}

/// It prints nothing for as long as it had before printed much.
fn stands_still(data: &Path) -> bool {
    let before = std::fs::metadata(data.join("output")).unwrap().len();
    let deadline = Instant::now() + Duration::from_millis(100);
    while Instant::now() < deadline {
        std::thread::yield_now();
    }
    std::fs::metadata(data.join("output")).unwrap().len() == before
}

fn stands_still_and_goes_on(mut nemesis: impl Nemesis) {
    let lab = Lab::new();
    let (worker, target) = lab.run(COUNT);
    until("output", || printed(&worker.data) > 0);
    match nemesis.install(from_ref(&target)) {
        Err(NemesisError::Unsupported { why, .. }) => return skip(&why),
        installed => installed.unwrap(),
    }
    assert!(nemesis.verify().unwrap().bites);
    assert!(stands_still(&worker.data));
    assert!(matches!(
        nemesis.install(from_ref(&target)),
        Err(NemesisError::Installed { .. })
    ));
    nemesis.heal().unwrap();
    nemesis.heal().unwrap();
    let before = printed(&worker.data);
    until("more output", || printed(&worker.data) > before);
    assert!(!nemesis.verify().unwrap().bites);
    nemesis.install(from_ref(&target)).unwrap();
    drop(nemesis);
    let before = printed(&worker.data);
    until("output once it is dropped", || {
        printed(&worker.data) > before
    });
}

#[test]
fn a_paused_process_stands_still_and_goes_on() {
    stands_still_and_goes_on(Pause::new(LIFE));
}

#[test]
fn a_frozen_process_stands_still_and_goes_on() {
    stands_still_and_goes_on(Freeze::new(LIFE));
}

#[test]
fn a_fault_ends_with_its_life() {
    let lab = Lab::new();
    let faults: [Box<dyn Nemesis>; 2] = [
        Box::new(Pause::new(Duration::from_millis(50))),
        Box::new(Freeze::new(Duration::from_millis(50))),
    ];
    for mut nemesis in faults {
        let (worker, target) = lab.run(COUNT);
        until("output", || printed(&worker.data) > 0);
        match nemesis.install(from_ref(&target)) {
            Err(NemesisError::Unsupported { why, .. }) => {
                skip(&why);
                continue;
            }
            installed => installed.unwrap(),
        }
        let before = printed(&worker.data);
        until("output", || printed(&worker.data) > before);
        until("the end", || !nemesis.verify().unwrap().bites);
        nemesis.heal().unwrap();
    }
}

#[test]
fn a_killed_process_is_gone() {
    let lab = Lab::new();
    let (mut worker, target) = lab.run("exec sleep 60");
    let mut kill = Kill::default();
    kill.install(from_ref(&target)).unwrap();
    assert!(kill.verify().unwrap().bites);
    assert!(worker.child.try_wait().unwrap().is_some());
    assert!(matches!(
        kill.install(&[target]),
        Err(NemesisError::Lacks { .. })
    ));
}

#[test]
fn a_starved_process_gets_its_share_only() {
    let lab = Lab::new();
    let (worker, target) = lab.run("while :; do :; done");
    let mut starve = StarveCpu::new(0.05, LIFE).unwrap();
    match starve.install(&[target]) {
        Err(NemesisError::Unsupported { why, .. }) => return skip(&why),
        installed => installed.unwrap(),
    }
    bites(&mut starve);
    // Clock ticks are hundredths of a second.
    let ticks = |pid| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        let fields = stat.rsplit_once(')').unwrap().1;
        let user = fields.split_whitespace().nth(11).unwrap();
        user.parse::<u32>().unwrap()
    };
    let (started, before) = (Instant::now(), ticks(worker.child.id()));
    let deadline = started + Duration::from_millis(600);
    until("some time", || Instant::now() > deadline);
    let used = f64::from(ticks(worker.child.id()) - before) / 100.0;
    let share = used / started.elapsed().as_secs_f64();
    assert!(share < 0.2, "{share}");
    starve.heal().unwrap();
    let home = std::fs::read_to_string(format!("/proc/{}/cgroup", worker.child.id())).unwrap();
    assert!(!home.contains("holdfast-chaos-"), "{home}");
    assert!(StarveCpu::new(0.0, LIFE).is_err());
}

#[test]
fn without_descriptors_nothing_can_be_opened() {
    let lab = Lab::new();
    let script = "while kill -0 $PPID; do if cat /dev/null; then echo yes; else echo no; fi; done";
    let (worker, target) = lab.run(script);
    let output = worker.data.join("output");
    let says = |word: &str| lines(&output).last().is_some_and(|last| last == word);
    until("a file to open", || says("yes"));
    let mut exhaust = ExhaustDescriptors::new(0, LIFE);
    exhaust.install(&[target]).unwrap();
    bites(&mut exhaust);
    until("a file that cannot be opened", || says("no"));
    exhaust.heal().unwrap();
    until("a file to open again", || says("yes"));
}

#[test]
fn without_memory_large_buffers_are_refused() {
    let lab = Lab::new();
    let script = "while kill -0 $PPID; do \
        if dd if=/dev/zero of=/dev/null bs=64M count=1; then echo yes; else echo no; fi; done";
    let (worker, target) = lab.run(script);
    let output = worker.data.join("output");
    let says = |word: &str| lines(&output).last().is_some_and(|last| last == word);
    until("a buffer", || says("yes"));
    let mut limit = LimitMemory::new(1 << 23, LIFE);
    limit.install(from_ref(&target)).unwrap();
    assert!(!limit.verify().unwrap().bites, "the shell itself has room");
    until("a buffer that is refused", || says("no"));
    limit.heal().unwrap();
    until("a buffer again", || says("yes"));
    let mut limit = LimitMemory::new(0, LIFE);
    limit.install(&[target]).unwrap();
    bites(&mut limit);
}

#[test]
fn strangers_are_refused() {
    let lab = Lab::new();
    let data = lab.fresh();
    for stranger in [1, getpid().as_raw_nonzero().get().cast_unsigned()] {
        assert!(matches!(
            lab.grounds.target(1, Some(stranger), &data),
            Err(NemesisError::NotOurs { .. })
        ));
    }
}
