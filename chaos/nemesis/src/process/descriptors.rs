//! No file descriptor is left.

use super::limits::Lowered;
use super::stat::Process;
use crate::nemesis::{Demand, Evidence, Nemesis, NemesisError};
use crate::target::Target;
use rustix::process::Resource;
use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

/// Lets processes open nothing more. What is open stays open.
pub struct ExhaustDescriptors {
    left: u64,
    life: Duration,
    lowered: Lowered,
}

impl ExhaustDescriptors {
    /// `left` more can be opened; it ends after `life` at the latest.
    #[must_use]
    pub const fn new(left: u64, life: Duration) -> Self {
        Self {
            left,
            life,
            lowered: Lowered::none(Resource::Nofile),
        }
    }
}

impl Nemesis for ExhaustDescriptors {
    fn kind(&self) -> &'static str {
        "fd-exhaustion"
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
            let open = open(process)?;
            // A new descriptor gets the lowest free number, and fails when that is not below the limit.
            let mut free = (0..).filter(|number| !open.contains(number));
            let place = usize::try_from(left).unwrap_or(usize::MAX);
            Ok(free.nth(place).unwrap_or(u64::MAX))
        })
    }

    fn verify(&mut self) -> Result<Evidence, NemesisError> {
        let lowered = &self.lowered;
        Ok(Evidence::join(lowered.struck.iter().map(|struck| {
            let open = open(&struck.process).unwrap_or_default();
            let limit = lowered.now(struck);
            let free = limit.map_or(u64::MAX, |limit| {
                let below = (0..limit).filter(|number| !open.contains(number));
                u64::try_from(below.count()).unwrap_or(u64::MAX)
            });
            let bites = free == 0 && struck.process.runs();
            let text = match limit {
                Some(limit) => format!(
                    "{} descriptors are open and {free} are left below the limit of {limit}",
                    open.len()
                ),
                None => "the process has ended".to_owned(),
            };
            (struck.node, Evidence { bites, text })
        })))
    }

    fn heal(&mut self) -> Result<(), NemesisError> {
        self.lowered.restore()
    }
}

/// The numbers in use.
fn open(process: &Process) -> Result<BTreeSet<u64>, NemesisError> {
    let path = format!("/proc/{}/fd", process.pid());
    let entries = fs::read_dir(&path).map_err(NemesisError::io(format!("reading {path}")))?;
    Ok(entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect())
}
