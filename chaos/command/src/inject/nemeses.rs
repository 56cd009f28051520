//! Faults of processes, disks and clocks, made as a step says.

use crate::catalogue::params::{
    BITS, DESCRIPTORS, FILE, MIB, OFFSET_S, Parameter as _, SHARE, SPEED, SYNC_DELAY,
};
use crate::runner::Stage;
use crate::schedule::Step;
use anyhow::bail;
use holdfast_nemesis::{
    BendClock, CutPower, DamageFile, DataFile, ExhaustDescriptors, FaultFiles, FillDisk, Freeze,
    HangDisk, Kill, LieOnSync, LimitMemory, Nemesis, Pause, RollBack, StarveCpu, WipeDisk,
};
use std::time::Duration;

/// A fault ends by itself so long after it should have been healed: the harness may be dead by then.
const MARGIN: Duration = Duration::from_secs(20);

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
        "cpu-starved" => Box::new(StarveCpu::new(SHARE.of(params), life)?),
        "memory-pressure" => Box::new(LimitMemory::new(MIB.of(params) << 20, life)),
        "fd-exhaustion" => Box::new(ExhaustDescriptors::new(DESCRIPTORS.of(params), life)),
        "power-cut" => Box::new(CutPower::default()),
        "full-disk" => Box::new(FillDisk::new(life)),
        "hung-disk" => Box::new(HangDisk::new(life)),
        "slow-disk" => on_data(FaultFiles::slow_sync(SYNC_DELAY.of(params).0, life))?,
        "io-error" => on_data(FaultFiles::io_error(life))?,
        "no-space" => on_data(FaultFiles::no_space(life))?,
        "torn-write" => on_data(FaultFiles::torn_write(life))?,
        "bit-flip" => {
            let file = data_file(FILE.of(params))?;
            Box::new(DamageFile::new(file, BITS.of(params), step.pick)?)
        }
        "rolled-back-disk" => {
            let to = nodes.iter().map(|node| Ok((*node, stage.snapshot(*node)?)));
            Box::new(RollBack::to(to.collect::<anyhow::Result<_>>()?))
        }
        "wiped-disk" => Box::new(WipeDisk::default()),
        "lying-sync" => {
            let on = nodes.iter().try_fold(LieOnSync::new(life), |lie, node| {
                Ok::<_, anyhow::Error>(lie.on(stage.data_dir(*node)?))
            });
            Box::new(on?)
        }
        "clock-jump" => Box::new(BendClock::jump(OFFSET_S.of(params), life)?),
        "clock-drift" => Box::new(BendClock::drift(SPEED.of(params), life)?),
        other => bail!("`{other}` is no fault of a process, disk or clock"),
    })
}

/// The file that a scenario names.
fn data_file(name: &str) -> anyhow::Result<DataFile> {
    Ok(match name {
        "log" => DataFile::Log,
        "table" => DataFile::Table,
        "log-manifest" => DataFile::LogManifest,
        "state-manifest" => DataFile::StateManifest,
        "watermark" => DataFile::Watermark,
        _ => bail!("a file is one of {}", FILE.range()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;
    use serde_json::Value;

    /// What the catalogue says of a parameter.
    fn told(fault: &str, name: &str, what: &str) -> Value {
        let entry = catalogue::find(fault).unwrap();
        let param = entry.params.iter().find(|param| param.name() == name);
        param.unwrap().json()[what].clone()
    }

    #[test]
    fn what_the_catalogue_allows_the_faults_take() {
        let life = Duration::from_secs(1);
        for bound in ["least", "most", "default"] {
            let number = |fault, name| told(fault, name, bound).as_f64().unwrap();
            assert!(StarveCpu::new(number("cpu-starved", "share"), life).is_ok());
            assert!(BendClock::drift(number("clock-drift", "speed"), life).is_ok());
            let seconds = told("clock-jump", "offset_s", bound).as_i64().unwrap();
            assert!(BendClock::jump(seconds, life).is_ok());
            let bits = told("bit-flip", "bits", bound).as_u64().unwrap();
            assert!(DamageFile::new(DataFile::Log, bits, 0).is_ok());
        }
        for name in told("bit-flip", "file", "one_of").as_array().unwrap() {
            assert!(data_file(name.as_str().unwrap()).is_ok(), "{name}");
        }
    }
}
