//! SIGKILL.

use super::stat::Process;
use crate::nemesis::{Demand, Evidence, Nemesis, NemesisError};
use crate::target::Target;
use crate::wait::until;
use rustix::process::Signal;
use std::time::Duration;

/// Longest time for the kernel to end a killed process.
const GONE: Duration = Duration::from_secs(5);

/// Ends processes without asking them.
#[derive(Default)]
pub struct Kill {
    struck: Vec<(u64, Process)>,
}

impl Nemesis for Kill {
    fn kind(&self) -> &'static str {
        "kill"
    }

    fn demand(&self) -> Demand {
        Demand::Ends
    }

    fn install(&mut self, targets: &[Target]) -> Result<(), NemesisError> {
        self.struck = Target::processes(targets)?;
        for (_, process) in &self.struck {
            process.signal(Signal::KILL)?;
        }
        for (node, process) in &self.struck {
            until(&format!("the end of node {node}"), GONE, || !process.runs())?;
        }
        Ok(())
    }

    fn verify(&mut self) -> Result<Evidence, NemesisError> {
        Ok(Evidence::join(self.struck.iter().map(|(node, process)| {
            let bites = !process.runs();
            let is = if bites { "is gone" } else { "still runs" };
            let text = format!("process {} {is}", process.pid());
            (*node, Evidence { bites, text })
        })))
    }

    fn heal(&mut self) -> Result<(), NemesisError> {
        Ok(())
    }
}
