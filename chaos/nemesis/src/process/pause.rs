//! SIGSTOP and SIGCONT.

use super::stat::Process;
use crate::nemesis::{Demand, Evidence, Nemesis, NemesisError};
use crate::target::Target;
use crate::wait::until;
use crate::watch::{Watch, heal_or_let_go};
use rustix::process::Signal;
use std::time::Duration;

/// Longest time for every thread to stop or go on.
const SOON: Duration = Duration::from_secs(5);

/// Stops processes; they go on as if nothing had been.
pub struct Pause {
    life: Duration,
    held: Option<Held>,
}

struct Held {
    /// With the processor time each had used when it stopped.
    struck: Vec<(u64, Process, u64)>,
    watch: Watch,
}

impl Pause {
    /// They go on after `life` at the latest.
    #[must_use]
    pub const fn new(life: Duration) -> Self {
        Self { life, held: None }
    }
}

impl Nemesis for Pause {
    fn kind(&self) -> &'static str {
        "pause"
    }

    fn demand(&self) -> Demand {
        Demand::Runs
    }

    fn install(&mut self, targets: &[Target]) -> Result<(), NemesisError> {
        if self.held.is_some() {
            return Err(NemesisError::Installed { fault: "pause" });
        }
        let processes = Target::processes(targets)?;
        let undo: Vec<String> = processes
            .iter()
            .map(|(_, process)| format!("kill -CONT {}", process.pid()))
            .collect();
        let watch = Watch::set(Some(self.life), &undo)?;
        self.held = Some(Held {
            struck: processes.iter().map(|(node, it)| (*node, *it, 0)).collect(),
            watch,
        });
        let stopped = self.stop();
        if stopped.is_err() {
            self.heal()?;
        }
        stopped
    }

    fn verify(&mut self) -> Result<Evidence, NemesisError> {
        let struck = self.held.iter().flat_map(|held| &held.struck);
        Ok(Evidence::join(struck.map(|(node, process, before)| {
            let used = process
                .stat()
                .map_or(0, |stat| stat.ticks.saturating_sub(*before));
            let bites = is_stopped(process) && used == 0;
            let states: String = process.thread_states().into_iter().collect();
            let text = format!("its threads are in state {states} and used {used} ticks since");
            (*node, Evidence { bites, text })
        })))
    }

    fn heal(&mut self) -> Result<(), NemesisError> {
        let Some(held) = &self.held else {
            return Ok(());
        };
        for (_, process, _) in &held.struck {
            process.signal(Signal::CONT)?;
        }
        for (node, process, _) in &held.struck {
            until(&format!("node {node} going on"), SOON, || {
                !process.thread_states().contains(&'T')
            })?;
        }
        self.held = None;
        Ok(())
    }
}

impl Pause {
    fn stop(&mut self) -> Result<(), NemesisError> {
        let Some(held) = &mut self.held else {
            return Ok(());
        };
        for (_, process, _) in &held.struck {
            process.signal(Signal::STOP)?;
        }
        for (node, process, ticks) in &mut held.struck {
            until(&format!("the stop of node {node}"), SOON, || {
                is_stopped(process)
            })?;
            *ticks = process.stat().map_or(0, |stat| stat.ticks);
        }
        Ok(())
    }
}

fn is_stopped(process: &Process) -> bool {
    let states = process.thread_states();
    !states.is_empty() && states.iter().all(|state| *state == 'T')
}

impl Drop for Pause {
    fn drop(&mut self) {
        heal_or_let_go(self.heal(), self.held.take().map(|held| held.watch));
    }
}
