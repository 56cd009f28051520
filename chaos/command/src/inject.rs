//! How each fault of the catalogue is let in, seen to bite, and healed.

use crate::runner::Stage;
use crate::schedule::Step;
use anyhow::bail;
use std::time::Duration;

/// Longest time for a node to end when asked.
const STOP: Duration = Duration::from_secs(10);

/// A fault that was let in.
pub(crate) struct Injected {
    /// Whether it was seen to bite.
    pub(crate) bites: bool,
    /// For the reader.
    pub(crate) detail: String,
    /// What holds it.
    pub(crate) hold: Hold,
}

/// A fault that was healed.
#[derive(Default)]
pub(crate) struct Healed {
    /// Whether it is known now to have bitten.
    pub(crate) bit: bool,
    /// For the reader.
    pub(crate) detail: String,
}

/// What holds a fault until it is healed.
pub(crate) enum Hold {
    /// The process is gone.
    Ended,
}

/// Lets a fault in.
pub(crate) async fn inject(
    step: &Step,
    nodes: &[u64],
    stage: &mut Stage,
) -> anyhow::Result<Injected> {
    match step.fault.as_str() {
        "kill" => {
            for id in nodes {
                stage.cluster.node(*id)?.kill();
            }
            Ok(Injected {
                bites: true,
                detail: String::new(),
                hold: Hold::Ended,
            })
        }
        "stop" => {
            let mut how = Vec::new();
            for id in nodes {
                let status = stage.cluster.node(*id)?.stop(STOP).await;
                how.push(
                    status.map_or("had to be killed".to_owned(), crate::cluster::how_it_ended),
                );
            }
            Ok(Injected {
                bites: true,
                detail: how.join(", "),
                hold: Hold::Ended,
            })
        }
        other => bail!("`{other}` is not here"),
    }
}

impl Hold {
    /// Undoes the fault; what does not run is started again.
    pub(crate) async fn heal(self, nodes: &[u64], stage: &mut Stage) -> anyhow::Result<Healed> {
        match self {
            Self::Ended => {}
        }
        for id in nodes {
            if stage.cluster.node(*id)?.pid().is_none() {
                stage.cluster.start_again(*id)?;
            }
        }
        Ok(Healed::default())
    }
}
