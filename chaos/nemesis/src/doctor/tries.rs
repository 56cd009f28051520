//! How each fault is tried.

use super::bench::{Bench, LIFE, Work, strike};
use crate::disk::{CutPower, DamageFile, DataFile, FillDisk, HangDisk, RollBack, WipeDisk};
use crate::nemesis::{Nemesis, NemesisError};
use crate::process::{ExhaustDescriptors, Freeze, Kill, LimitMemory, Pause, StarveCpu};
use crate::shim::{BendClock, FaultFiles};
use std::fs::{self, File};
use std::sync::Arc;
use std::time::Duration;

type Seen = Result<String, NemesisError>;

fn on_process(bench: &mut Bench, work: Work, nemesis: &mut dyn Nemesis) -> Seen {
    let (_worker, target) = bench.worker(work)?;
    strike(nemesis, &target)
}

fn on_shim(bench: &mut Bench, work: Work, nemesis: &mut dyn Nemesis) -> Seen {
    let (_worker, target) = bench.shimmed(work)?;
    strike(nemesis, &target)
}

fn on_disk(bench: &mut Bench, nemesis: &mut dyn Nemesis) -> Seen {
    let (_disk, target) = bench.disk()?;
    strike(nemesis, &target)
}

pub(super) fn kill(bench: &mut Bench) -> Seen {
    on_process(bench, Work::Sleep, &mut Kill::default())
}

pub(super) fn pause(bench: &mut Bench) -> Seen {
    on_process(bench, Work::Compute, &mut Pause::new(LIFE))
}

pub(super) fn freeze(bench: &mut Bench) -> Seen {
    on_process(bench, Work::Compute, &mut Freeze::new(LIFE))
}

pub(super) fn starve(bench: &mut Bench) -> Seen {
    on_process(bench, Work::Compute, &mut StarveCpu::new(0.1, LIFE)?)
}

pub(super) fn memory(bench: &mut Bench) -> Seen {
    on_process(bench, Work::Sleep, &mut LimitMemory::new(0, LIFE))
}

pub(super) fn descriptors(bench: &mut Bench) -> Seen {
    on_process(bench, Work::Sleep, &mut ExhaustDescriptors::new(0, LIFE))
}

pub(super) fn disk_image(bench: &mut Bench) -> Seen {
    let (disk, _) = bench.disk()?;
    let probe = disk.mount_point().join("probe");
    fs::write(&probe, "written")
        .and_then(|()| File::open(&probe)?.sync_all())
        .map_err(NemesisError::io("writing to a mounted image"))?;
    disk.restore_power()?;
    let kept = fs::read_to_string(&probe).is_ok_and(|text| text == "written");
    if !kept {
        return Err(NemesisError::Unsupported {
            fault: "disk-image",
            why: "what was synced was gone after mounting again".to_owned(),
        });
    }
    Ok(format!(
        "an image of {} MiB was mounted",
        disk.bytes() >> 20
    ))
}

pub(super) fn power_cut(bench: &mut Bench) -> Seen {
    on_disk(bench, &mut CutPower::default())
}

pub(super) fn full(bench: &mut Bench) -> Seen {
    on_disk(bench, &mut FillDisk::new(LIFE))
}

pub(super) fn hung(bench: &mut Bench) -> Seen {
    on_disk(bench, &mut HangDisk::new(LIFE))
}

pub(super) fn roll_back(bench: &mut Bench) -> Seen {
    let (disk, target) = bench.disk()?;
    let snapshot = Arc::new(disk.snapshot()?);
    fs::write(
        disk.mount_point().join("later"),
        "this will never have been",
    )
    .map_err(NemesisError::io("writing to a mounted image"))?;
    strike(&mut RollBack::to(vec![(target.node(), snapshot)]), &target)
}

pub(super) fn damage(bench: &mut Bench) -> Seen {
    let (worker, target) = bench.worker(Work::Sleep)?;
    drop(worker);
    fs::write(target.data_dir().join("watermark"), [7; 64])
        .map_err(NemesisError::io("writing a file to damage"))?;
    strike(&mut DamageFile::new(DataFile::Watermark, 1, 1)?, &target)
}

pub(super) fn wipe(bench: &mut Bench) -> Seen {
    let (worker, target) = bench.worker(Work::Sleep)?;
    drop(worker);
    fs::write(target.data_dir().join("watermark"), [7; 64])
        .map_err(NemesisError::io("writing a file to remove"))?;
    strike(&mut WipeDisk::default(), &target)
}

pub(super) fn slow_sync(bench: &mut Bench) -> Seen {
    let delay = Duration::from_millis(20);
    on_shim(bench, Work::Sync, &mut FaultFiles::slow_sync(delay, LIFE))
}

pub(super) fn io_error(bench: &mut Bench) -> Seen {
    on_shim(bench, Work::Sync, &mut FaultFiles::io_error(LIFE))
}

pub(super) fn no_space(bench: &mut Bench) -> Seen {
    on_shim(bench, Work::Sync, &mut FaultFiles::no_space(LIFE))
}

pub(super) fn torn_write(bench: &mut Bench) -> Seen {
    on_shim(bench, Work::Sync, &mut FaultFiles::torn_write(LIFE))
}

pub(super) fn lying_sync(bench: &mut Bench) -> Seen {
    on_shim(bench, Work::Sync, &mut FaultFiles::lying_sync(LIFE))
}

pub(super) fn clock_jump(bench: &mut Bench) -> Seen {
    on_shim(bench, Work::Date, &mut BendClock::jump(3600, LIFE)?)
}

pub(super) fn clock_drift(bench: &mut Bench) -> Seen {
    on_shim(bench, Work::Date, &mut BendClock::drift(2.0, LIFE)?)
}
