//! How each fault of the catalogue is let in, seen to bite, and healed.

use crate::runner::Stage;
use crate::schedule::Step;
use anyhow::bail;
use std::time::{Duration, Instant};

/// Longest time for a node to end when asked.
const STOP: Duration = Duration::from_secs(10);
/// Longest time for the kernel to stop a process.
const PAUSED: Duration = Duration::from_millis(500);

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
    /// The process is stopped by a signal.
    Paused,
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
        "pause" => pause(nodes, stage).await,
        other => bail!("`{other}` is not here"),
    }
}

/// Stops processes, and looks that the kernel says so.
async fn pause(nodes: &[u64], stage: &mut Stage) -> anyhow::Result<Injected> {
    let mut pids = Vec::new();
    for id in nodes {
        let node = stage.cluster.node(*id)?;
        node.signal(libc::SIGSTOP);
        pids.push(node.pid());
    }
    let all_stopped = || pids.iter().all(|pid| pid.is_some_and(is_stopped));
    let until = Instant::now() + PAUSED;
    while !all_stopped() && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(Injected {
        bites: all_stopped(),
        detail: String::new(),
        hold: Hold::Paused,
    })
}

/// Whether the kernel says that a process is stopped.
fn is_stopped(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name in brackets may hold anything; the state follows it.
    stat.rsplit_once(')')
        .is_some_and(|(_, rest)| rest.trim_start().starts_with('T'))
}

impl Hold {
    /// Undoes the fault; what does not run is started again.
    pub(crate) async fn heal(self, nodes: &[u64], stage: &mut Stage) -> anyhow::Result<Healed> {
        match self {
            Self::Ended => {}
            Self::Paused => {
                for id in nodes {
                    stage.cluster.node(*id)?.signal(libc::SIGCONT);
                }
            }
        }
        for id in nodes {
            if stage.cluster.node(*id)?.pid().is_none() {
                stage.cluster.start_again(*id)?;
            }
        }
        Ok(Healed::default())
    }
}
