//! Faults of processes, disks and clocks, made as a step says.

use crate::runner::Stage;
use crate::schedule::Step;
use anyhow::{Context, bail};
use holdfast_nemesis::{
    BendClock, CutPower, DamageFile, DataFile, ExhaustDescriptors, FaultFiles, FillDisk, Freeze,
    HangDisk, Kill, LieOnSync, LimitMemory, Nemesis, Pause, RollBack, StarveCpu,
};
use std::time::Duration;

/// A fault ends by itself so long after it should have been healed: the harness may be dead by then.
const MARGIN: Duration = Duration::from_secs(20);
/// Share of a processor, unless a scenario says otherwise.
const SHARE: f64 = 0.1;
/// Memory, MiB, unless a scenario says otherwise.
const MIB: u64 = 4;
/// How much longer a sync takes, unless a scenario says otherwise.
const SLOW: Duration = Duration::from_millis(200);
/// How far a clock jumps, seconds, unless a scenario says otherwise.
const JUMP_S: i64 = 3_600;
/// How fast a clock runs, unless a scenario says otherwise.
const SPEED: f64 = 2.0;

/// Makes the fault of a step.
pub(super) fn make(step: &Step, nodes: &[u64], stage: &Stage) -> anyhow::Result<Box<dyn Nemesis>> {
    let life = step.lasts.0 + MARGIN;
    let params = &step.params;
    let on_data = |mut fault: FaultFiles| -> anyhow::Result<Box<dyn Nemesis>> {
        for node in nodes {
            fault = fault.on(stage.data_dir(*node)?);
        }
        Ok(Box::new(fault))
    };
    Ok(match step.fault.as_str() {
        "kill" => Box::new(Kill::default()),
        "pause" => Box::new(Pause::new(life)),
        "freeze" => Box::new(Freeze::new(life)),
        "cpu-starved" => Box::new(StarveCpu::new(params.share.unwrap_or(SHARE), life)?),
        "memory-pressure" => Box::new(LimitMemory::new(params.mib.unwrap_or(MIB) << 20, life)),
        "fd-exhaustion" => Box::new(ExhaustDescriptors::new(
            params.descriptors.unwrap_or(0),
            life,
        )),
        "power-cut" => Box::new(CutPower::default()),
        "full-disk" => Box::new(FillDisk::new(life)),
        "hung-disk" => Box::new(HangDisk::new(life)),
        "slow-disk" => on_data(FaultFiles::slow_sync(
            params.delay.map_or(SLOW, |delay| delay.0),
            life,
        ))?,
        "io-error" => on_data(FaultFiles::io_error(life))?,
        "no-space" => on_data(FaultFiles::no_space(life))?,
        "torn-write" => on_data(FaultFiles::torn_write(life))?,
        "bit-flip" => {
            let file = data_file(params.file.as_deref().unwrap_or("log"))?;
            Box::new(DamageFile::new(file, params.bits.unwrap_or(1), step.pick)?)
        }
        "rolled-back-disk" => {
            let to = nodes.iter().map(|node| Ok((*node, stage.snapshot(*node)?)));
            Box::new(RollBack::to(to.collect::<anyhow::Result<_>>()?))
        }
        "lying-sync" => {
            let on = nodes.iter().try_fold(LieOnSync::new(life), |lie, node| {
                Ok::<_, anyhow::Error>(lie.on(stage.data_dir(*node)?))
            });
            Box::new(on?)
        }
        "clock-jump" => Box::new(BendClock::jump(params.offset_s.unwrap_or(JUMP_S), life)?),
        "clock-drift" => Box::new(BendClock::drift(params.speed.unwrap_or(SPEED), life)?),
        other => bail!("`{other}` is no fault of a process, disk or clock"),
    })
}

/// The file that a scenario names.
pub(crate) fn data_file(name: &str) -> anyhow::Result<DataFile> {
    Ok(match name {
        "log" => DataFile::Log,
        "table" => DataFile::Table,
        "log-manifest" => DataFile::LogManifest,
        "state-manifest" => DataFile::StateManifest,
        "watermark" => DataFile::Watermark,
        _ => None.context("a file is log, table, log-manifest, state-manifest or watermark")?,
    })
}
