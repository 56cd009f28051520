//! A share of one processor, and no more.

use super::cgroup::{Controller, Generation, Group};
use crate::nemesis::{Demand, Evidence, Nemesis, NemesisError};
use crate::target::Target;
use crate::watch::{Watch, heal_or_let_go};
use std::time::Duration;

/// How often the share is dealt out, microseconds.
const PERIOD_US: u32 = 50_000;
/// The kernel deals out no less than this, microseconds.
const QUOTA_US_MIN: u32 = 1_000;

/// Leaves all struck processes together a share of one processor for each.
pub struct StarveCpu {
    share: f64,
    life: Duration,
    held: Vec<Held>,
}

/// One node: each has a group of its own, so that none eats another's share.
struct Held {
    node: u64,
    group: Group,
    watch: Watch,
}

impl StarveCpu {
    /// `share` is of one processor, 0.02 to 1; it ends after `life` at the latest.
    ///
    /// # Errors
    /// When the share is out of range.
    pub fn new(share: f64, life: Duration) -> Result<Self, NemesisError> {
        if !(0.02..=1.0).contains(&share) {
            return Err(NemesisError::Range {
                what: "the share of a processor",
            });
        }
        Ok(Self {
            share,
            life,
            held: Vec::new(),
        })
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of at most 1 of the period"
    )]
    fn quota_us(&self) -> u32 {
        ((f64::from(PERIOD_US) * self.share) as u32).max(QUOTA_US_MIN)
    }

    fn starve(&mut self, targets: &[Target]) -> Result<(), NemesisError> {
        for (node, process) in Target::processes(targets)? {
            let group = Group::make(self.kind(), Controller::Cpu, &[(node, process)])?;
            let (file, unlimited) = match group.generation {
                Generation::One => ("cpu.cfs_quota_us", "-1"),
                Generation::Two => ("cpu.max", "max"),
            };
            let watch = Watch::set(Some(self.life), &group.undo(file, unlimited))?;
            let quota = self.quota_us();
            let limited = match group.generation {
                Generation::One => group
                    .write("cpu.cfs_period_us", &PERIOD_US.to_string())
                    .and_then(|()| group.write(file, &quota.to_string())),
                Generation::Two => group.write(file, &format!("{quota} {PERIOD_US}")),
            };
            self.held.push(Held { node, group, watch });
            limited?;
        }
        Ok(())
    }
}

impl Nemesis for StarveCpu {
    fn kind(&self) -> &'static str {
        "cpu-starved"
    }

    fn demand(&self) -> Demand {
        Demand::Runs
    }

    fn install(&mut self, targets: &[Target]) -> Result<(), NemesisError> {
        if !self.held.is_empty() {
            return Err(NemesisError::Installed { fault: self.kind() });
        }
        let starved = self.starve(targets);
        if starved.is_err() {
            self.heal()?;
        }
        starved
    }

    /// It bites once the kernel has held the process back: look again when it had something to do.
    fn verify(&mut self) -> Result<Evidence, NemesisError> {
        let mut seen = Vec::new();
        for held in &self.held {
            // When the watch has ended it, the group is gone.
            let read = |name| held.group.number("cpu.stat", name).unwrap_or(0);
            let (throttled, periods) = (read("nr_throttled "), read("nr_periods "));
            let text = format!(
                "held back in {throttled} of {periods} periods of {PERIOD_US} µs, {} µs allowed in each",
                self.quota_us()
            );
            let bites = throttled > 0;
            seen.push((held.node, Evidence { bites, text }));
        }
        Ok(Evidence::join(seen))
    }

    fn heal(&mut self) -> Result<(), NemesisError> {
        while let Some(held) = self.held.last_mut() {
            // Back in its old group the process has its old share.
            held.group.dissolve()?;
            self.held.pop();
        }
        Ok(())
    }
}

impl Drop for StarveCpu {
    fn drop(&mut self) {
        if self.heal().is_err() {
            for held in self.held.drain(..) {
                heal_or_let_go(
                    Err(NemesisError::Late {
                        what: "healing".to_owned(),
                    }),
                    Some(held.watch),
                );
            }
        }
    }
}
