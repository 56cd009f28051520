//! Little memory is left: the kernel refuses the process more.
//!
//! A limit of the process (`RLIMIT_DATA`: private memory that can be written), not of a control group: no group that somebody
//! else keeps for the process is changed or left, and it works without any. An allocation beyond it fails; most programs end.

use super::limits::{Lowered, Struck};
use crate::nemesis::{Demand, Evidence, Nemesis, NemesisError};
use crate::target::Target;
use rustix::process::Resource;
use std::time::Duration;

/// Being this close to the limit counts as having reached it: no thread's stack or arena fits any more.
const REACHED: u64 = 1 << 20;

/// Lets processes take little more memory than they have.
pub struct LimitMemory {
    left: u64,
    life: Duration,
    lowered: Lowered,
}

impl LimitMemory {
    /// `left` more bytes can be had; it ends after `life` at the latest.
    #[must_use]
    pub const fn new(left: u64, life: Duration) -> Self {
        Self {
            left,
            life,
            lowered: Lowered::none(Resource::Data),
        }
    }
}

impl Nemesis for LimitMemory {
    fn kind(&self) -> &'static str {
        "memory-pressure"
    }

    fn demand(&self) -> Demand {
        Demand::Runs
    }

    fn install(&mut self, targets: &[Target]) -> Result<(), NemesisError> {
        if self.lowered.is_installed() {
            return Err(NemesisError::Installed { fault: self.kind() });
        }
        let left = self.left;
        self.lowered.lower(targets, self.life, |process| {
            let kib = process
                .status("VmData")
                .ok_or(NemesisError::NotOurs { pid: process.pid() })?;
            Ok(kib.saturating_mul(1024).saturating_add(left))
        })
    }

    /// It bites once the process has ended, or has so much that the limit refuses it more.
    fn verify(&mut self) -> Result<Evidence, NemesisError> {
        let lowered = &self.lowered;
        let seen = lowered.struck.iter();
        Ok(Evidence::join(
            seen.map(|it| (it.node, look(it, lowered.now(it)))),
        ))
    }

    fn heal(&mut self) -> Result<(), NemesisError> {
        self.lowered.restore()
    }
}

fn look(struck: &Struck, limit: Option<u64>) -> Evidence {
    let has = struck
        .process
        .status("VmData")
        .filter(|_| struck.process.runs());
    let (Some(kib), Some(limit)) = (has, limit) else {
        return Evidence {
            bites: !struck.process.runs(),
            text: format!(
                "the process ended under a limit of {} KiB",
                struck.limit >> 10
            ),
        };
    };
    Evidence {
        bites: limit == struck.limit && limit.saturating_sub(kib << 10) < REACHED,
        text: format!("it has {kib} KiB of {} KiB", limit >> 10),
    }
}
