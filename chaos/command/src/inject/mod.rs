//! How each fault of the catalogue is let in, seen to bite, and healed.

mod links;
mod nemeses;

use crate::catalogue::{self, Group};
use crate::cluster::STOP_WAIT;
use crate::runner::Stage;
use crate::schedule::Step;
use anyhow::Context;
use holdfast_nemesis::{Demand, Nemesis};
use holdfast_relay::Installed;
use tokio::task::block_in_place;

/// A fault that was let in.
pub(crate) struct Injected {
    /// Whether it was seen to bite.
    pub(crate) bites: bool,
    /// For the reader.
    pub(crate) detail: String,
    /// What holds it.
    pub(crate) hold: Hold,
    /// Processes that were asked to end and ended otherwise than they should, and how.
    pub(crate) badly: Vec<(u64, String)>,
}

/// A fault that was healed.
#[derive(Default)]
pub(crate) struct Healed {
    /// Whether it is known now to have bitten.
    pub(crate) bit: bool,
    /// What is known of it now; replaces what was said when it was let in, unless it is empty.
    pub(crate) detail: String,
}

/// What holds a fault until it is healed. Dropped, it heals.
pub(crate) enum Hold {
    /// The process ended when asked.
    Stopped,
    /// A fault of a process, a disk or a clock.
    Nemesis(Box<dyn Nemesis>),
    /// A matrix of the relay.
    Links(Installed),
}

/// Lets a fault in.
pub(crate) async fn inject(
    step: &Step,
    nodes: &[u64],
    stage: &mut Stage,
) -> anyhow::Result<Injected> {
    let group = catalogue::find(&step.fault).map(|entry| entry.group);
    let attempted = || format!("letting {} in at {nodes:?}", step.fault);
    if group == Some(Group::Network) {
        let matrix = links::matrix(step, nodes, &stage.cluster.ids())?;
        let installed = stage.relay.install(matrix).with_context(attempted)?;
        // Whether it bites is told by the packets that come; asked when it is healed.
        let hold = Hold::Links(installed);
        return Ok(Injected {
            bites: false,
            detail: String::new(),
            hold,
            badly: Vec::new(),
        });
    }
    if step.fault == "stop" {
        return stop(nodes, stage).await;
    }
    let nemesis = nemeses::make(step, nodes, stage)?;
    block_in_place(|| strike(nemesis, nodes, stage)).with_context(attempted)
}

async fn stop(nodes: &[u64], stage: &mut Stage) -> anyhow::Result<Injected> {
    let (mut told, mut badly) = (Vec::new(), Vec::new());
    for id in nodes {
        let how = match stage.cluster.node(*id)?.stop(STOP_WAIT).await {
            Ok(()) => "ended as asked".to_owned(),
            Err(how) => {
                badly.push((*id, how.clone()));
                how
            }
        };
        told.push(format!("n{id}: {how}"));
    }
    Ok(Injected {
        bites: true,
        detail: told.join("; "),
        hold: Hold::Stopped,
        badly,
    })
}

fn strike(
    mut nemesis: Box<dyn Nemesis>,
    nodes: &[u64],
    stage: &mut Stage,
) -> anyhow::Result<Injected> {
    let demand = nemesis.demand();
    if demand == Demand::DownToInstall {
        end(nodes, stage)?;
        stage.remember_records(nodes)?;
    }
    let targets = stage.targets(nodes)?;
    nemesis.install(&targets)?;
    let evidence = nemesis.verify();
    if demand == Demand::Ends {
        // The kernel keeps what has ended until somebody looks.
        end(nodes, stage)?;
    }
    let (bites, detail) = match evidence {
        Ok(evidence) => (evidence.bites, evidence.text),
        Err(error) => (false, error.to_string()),
    };
    Ok(Injected {
        bites,
        detail,
        hold: Hold::Nemesis(nemesis),
        badly: Vec::new(),
    })
}

fn end(nodes: &[u64], stage: &mut Stage) -> anyhow::Result<()> {
    for id in nodes {
        stage.cluster.node(*id)?.kill();
    }
    Ok(())
}

impl Hold {
    /// Undoes the fault; what does not run is started again.
    ///
    /// # Errors
    /// When something is left of it.
    pub(crate) fn heal(self, nodes: &[u64], stage: &mut Stage) -> anyhow::Result<Healed> {
        let healed = match self {
            Self::Stopped => Healed::default(),
            Self::Links(installed) => {
                let bite = stage.relay.heal(installed);
                Healed {
                    bit: bite.bit(),
                    detail: bite.to_string(),
                }
            }
            Self::Nemesis(nemesis) => block_in_place(|| undo(nemesis, nodes, stage))?,
        };
        for id in nodes {
            let node = stage.cluster.node(*id)?;
            if node.ended().is_some() || node.pid().is_none() {
                stage.cluster.start_again(*id)?;
            }
        }
        Ok(healed)
    }
}

fn undo(mut nemesis: Box<dyn Nemesis>, nodes: &[u64], stage: &mut Stage) -> anyhow::Result<Healed> {
    // Some faults are seen to bite only after a while; what cannot be looked at any more was looked at before.
    let evidence = nemesis.verify().ok();
    if nemesis.demand() == Demand::DownToHeal {
        end(nodes, stage)?;
    }
    nemesis.heal()?;
    Ok(evidence.map_or_else(Healed::default, |evidence| Healed {
        bit: evidence.bites,
        detail: if evidence.bites {
            evidence.text
        } else {
            String::new()
        },
    }))
}
