//! Faults of disks: what they do to files on an image of their own.

mod support;

use holdfast_nemesis::{
    CutPower, Demand, FillDisk, HangDisk, LieOnSync, Nemesis, NemesisError, NodeDisk, RollBack,
    ShimControl,
};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::slice::from_ref;
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::{LIFE, Lab, bites, until};

#[test]
fn a_power_cut_takes_what_was_not_synced() {
    let lab = Lab::new();
    let Some(disk) = lab.disk() else { return };
    let (synced, loose) = (
        disk.mount_point().join("synced"),
        disk.mount_point().join("loose"),
    );
    fs::write(&synced, "kept").unwrap();
    File::open(&synced).unwrap().sync_all().unwrap();
    File::open(disk.mount_point()).unwrap().sync_all().unwrap();
    let target = lab.on_disk(&disk);
    let mut cut = CutPower::default();
    assert_eq!(cut.demand(), Demand::DownToHeal);
    fs::write(&loose, "lost").unwrap();
    cut.install(&[target]).unwrap();
    bites(&mut cut);
    cut.heal().unwrap();
    cut.heal().unwrap();
    assert_eq!(fs::read_to_string(&synced).unwrap(), "kept");
    assert!(!loose.exists() || fs::read(&loose).unwrap().is_empty());
    fs::write(&loose, "writable again").unwrap();
}

#[test]
fn a_lying_sync_loses_what_it_promised() {
    let lab = Lab::new();
    let Some(disk) = lab.disk() else { return };
    // Writes a file and syncs it when told to, and says when it is done.
    let script = "until [ -e go ]; do :; done; \
        dd if=/dev/zero of=promised bs=512 count=1 conv=fsync && echo done; exec sleep 60";
    for lies in [false, true] {
        let data = disk.mount_point().join(format!("data-{lies}"));
        fs::create_dir(&data).unwrap();
        rustix::fs::sync();
        let path = lab.fresh().join("control");
        let shim = Arc::new(ShimControl::create(&lab.grounds, &path).unwrap());
        let (worker, target) = lab.run_in(data, script, Some(&shim));
        let target = target.with_shim(shim).with_disk(Arc::clone(&disk));
        let mut fault: Box<dyn Nemesis> = if lies {
            Box::new(LieOnSync::new(LIFE))
        } else {
            Box::new(CutPower::default())
        };
        if lies {
            fault.install(from_ref(&target)).unwrap();
        }
        fs::write(worker.data.join("go"), "").unwrap();
        let output = worker.data.join("output");
        until("a promise", || {
            fs::read_to_string(&output).is_ok_and(|text| text == "done\n")
        });
        if !lies {
            fault.install(from_ref(&target)).unwrap();
        }
        assert!(fault.verify().unwrap().bites);
        assert!(matches!(
            fault.heal(),
            Err(NemesisError::StillRuns { node: 1 })
        ));
        let promised = worker.data.join("promised");
        drop(worker);
        fault.heal().unwrap();
        fault.heal().unwrap();
        let there = fs::metadata(&promised).is_ok_and(|it| it.len() == 512);
        assert_eq!(there, !lies, "lying: {lies}");
    }
}

#[test]
fn a_full_disk_takes_nothing_until_there_is_room() {
    let lab = Lab::new();
    let Some(disk) = lab.disk() else { return };
    let write = || fs::write(disk.mount_point().join("file"), vec![1; 100_000]);
    let mut fill = FillDisk::new(LIFE);
    fill.install(&[lab.on_disk(&disk)]).unwrap();
    bites(&mut fill);
    assert_eq!(write().unwrap_err().kind(), std::io::ErrorKind::StorageFull);
    fill.heal().unwrap();
    fill.heal().unwrap();
    write().unwrap();
    let mut short = FillDisk::new(Duration::from_millis(300));
    short.install(&[lab.on_disk(&disk)]).unwrap();
    until("the end of its life", || write().is_ok());
}

#[test]
fn a_hung_disk_lets_writes_wait() {
    let lab = Lab::new();
    let Some(disk) = lab.disk() else { return };
    let path = disk.mount_point().join("file");
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .unwrap();
    // Nobody but the watch heals this one, while this very thread waits for the disk.
    let life = Duration::from_millis(700);
    let mut hang = HangDisk::new(life);
    let started = Instant::now();
    hang.install(&[lab.on_disk(&disk)]).unwrap();
    bites(&mut hang);
    file.write_all(b"late").unwrap();
    assert!(started.elapsed() >= life - Duration::from_millis(100));
    hang.heal().unwrap();
    let mut hang = HangDisk::new(LIFE);
    hang.install(&[lab.on_disk(&disk)]).unwrap();
    drop(hang);
    file.write_all(b"at once").unwrap();
}

#[test]
fn a_disk_goes_back_to_a_snapshot() {
    let lab = Lab::new();
    let Some(disk) = lab.disk() else { return };
    let path = disk.mount_point().join("file");
    fs::write(&path, "old").unwrap();
    let snapshot = Arc::new(disk.snapshot().unwrap());
    fs::write(&path, "new").unwrap();
    let (worker, running) = lab.run("exec sleep 60");
    let mut back = RollBack::to(vec![(1, snapshot)]);
    let running = running.with_disk(Arc::clone(&disk));
    assert!(matches!(
        back.install(&[running]),
        Err(NemesisError::StillRuns { .. })
    ));
    drop(worker);
    back.install(&[lab.on_disk(&disk)]).unwrap();
    bites(&mut back);
    assert_eq!(fs::read_to_string(&path).unwrap(), "old");
}

#[test]
fn disks_keep_to_the_grounds_and_to_their_size() {
    let lab = Lab::new();
    let elsewhere = tempfile::tempdir().unwrap();
    let refused = NodeDisk::create(&lab.grounds, elsewhere.path(), 32 << 20);
    assert!(matches!(refused, Err(NemesisError::OutsideGrounds { .. })));
    let at = lab.grounds.root().join("disk");
    assert!(NodeDisk::create(&lab.grounds, &at, 1 << 20).is_err());
    let without = lab.grounds.target(1, None, &lab.fresh()).unwrap();
    assert!(matches!(
        FillDisk::new(LIFE).install(&[without]),
        Err(NemesisError::Lacks { .. })
    ));
}
