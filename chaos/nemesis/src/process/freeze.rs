//! The freezer of control groups: every thread halts at once and no parent is told.

use super::cgroup::{Controller, Generation, Group};
use super::stat::Process;
use crate::nemesis::{Demand, Evidence, Nemesis, NemesisError};
use crate::target::Target;
use crate::wait::until;
use crate::watch::{Watch, heal_or_let_go};
use std::time::Duration;

/// Longest time for every thread to halt.
const SOON: Duration = Duration::from_secs(5);

/// Freezes processes.
pub struct Freeze {
    life: Duration,
    held: Option<Held>,
}

struct Held {
    struck: Vec<(u64, Process)>,
    group: Group,
    watch: Watch,
}

impl Freeze {
    /// They thaw after `life` at the latest.
    #[must_use]
    pub const fn new(life: Duration) -> Self {
        Self { life, held: None }
    }

    fn freeze(&self) -> Result<(), NemesisError> {
        let Some(Held { group, .. }) = &self.held else {
            return Ok(());
        };
        let (file, frozen, _) = words(group.generation);
        group.write(file, frozen)?;
        until("freezing", SOON, || is_frozen(group).unwrap_or(false))
    }
}

/// The file, and what freezes and thaws.
const fn words(generation: Generation) -> (&'static str, &'static str, &'static str) {
    match generation {
        Generation::One => ("freezer.state", "FROZEN", "THAWED"),
        Generation::Two => ("cgroup.freeze", "1", "0"),
    }
}

fn is_frozen(group: &Group) -> Result<bool, NemesisError> {
    Ok(match group.generation {
        Generation::One => group.read("freezer.state")?.trim() == "FROZEN",
        Generation::Two => group.number("cgroup.events", "frozen ")? == 1,
    })
}

impl Nemesis for Freeze {
    fn kind(&self) -> &'static str {
        "freeze"
    }

    fn demand(&self) -> Demand {
        Demand::Runs
    }

    fn install(&mut self, targets: &[Target]) -> Result<(), NemesisError> {
        if self.held.is_some() {
            return Err(NemesisError::Installed { fault: "freeze" });
        }
        let struck = Target::processes(targets)?;
        let group = Group::make("freeze", Controller::Freezer, &struck)?;
        let (file, _, thawed) = words(group.generation);
        let watch = Watch::set(Some(self.life), &group.undo(file, thawed))?;
        self.held = Some(Held {
            struck,
            group,
            watch,
        });
        let frozen = self.freeze();
        if frozen.is_err() {
            self.heal()?;
        }
        frozen
    }

    fn verify(&mut self) -> Result<Evidence, NemesisError> {
        let Some(held) = &self.held else {
            return Ok(Evidence::join([]));
        };
        // When the watch has thawed it, the group is gone.
        let frozen = is_frozen(&held.group).unwrap_or(false);
        Ok(Evidence::join(held.struck.iter().map(|(node, process)| {
            let bites = frozen && process.runs();
            let is = if bites { "frozen" } else { "not frozen" };
            let text = format!("process {} is {is}", process.pid());
            (*node, Evidence { bites, text })
        })))
    }

    fn heal(&mut self) -> Result<(), NemesisError> {
        if let Some(held) = &mut self.held {
            let (file, _, thawed) = words(held.group.generation);
            let thawed = held.group.write(file, thawed);
            // Whoever leaves a frozen group thaws: with the group gone, by the watch perhaps, nobody is frozen.
            let gone = held.group.dissolve();
            gone.map_err(|late| thawed.err().unwrap_or(late))?;
            self.held = None;
        }
        Ok(())
    }
}

impl Drop for Freeze {
    fn drop(&mut self) {
        heal_or_let_go(self.heal(), self.held.take().map(|held| held.watch));
    }
}
