//! What nodes leave behind: their logs, their rows, their files. Read after they were stopped.

mod hunt;
mod node_data;

pub use hunt::Hunter;
pub use node_data::{NodeData, RecordSeen, read};

use crate::runner::Stage;
use anyhow::Context;
use holdfast_check::{NodeLog, NodeSample};
use std::collections::{BTreeMap, BTreeSet};

/// All that was left behind.
pub struct Evidence {
    /// Each node's data; an error's text where it was refused.
    pub nodes: BTreeMap<u64, Result<NodeData, String>>,
    /// What was found that must be nowhere.
    pub hunter: Hunter,
    /// Records of disks that were damaged or set back, and of which node.
    pub remembered: Vec<(u64, Vec<RecordSeen>)>,
    /// Packets that were not kept, and so not searched.
    pub missed_packets: u64,
    /// The nodes whose logs tell of a panic.
    pub panics: Vec<String>,
}

impl Evidence {
    /// Reads everything. Nodes that were damaged for good may refuse to be read; of others that is an error.
    pub(crate) fn gather(
        stage: &mut Stage,
        damaged: &BTreeSet<u64>,
        canaries: &[Vec<u8>],
    ) -> anyhow::Result<Self> {
        let mut hunter = Hunter::new(canaries)?;
        let mut nodes = BTreeMap::new();
        let mut panics = Vec::new();
        for node in stage.cluster.nodes() {
            let place = &node.place;
            hunter.files(&place.disk)?;
            hunter.files(&place.log)?;
            let printed = std::fs::read(&place.log)
                .with_context(|| format!("reading {}", place.log.display()))?;
            let printed = String::from_utf8_lossy(&printed);
            // Only that and how often: what a panic says may hold anything, and is searched like all a node prints.
            let times = printed
                .lines()
                .filter(|line| line.contains("panicked"))
                .count();
            if times > 0 {
                panics.push(format!(
                    "node {} panicked, {times} times; its log says where",
                    node.id()
                ));
            }
            let data = read(node.id(), &place.data, &mut hunter);
            let data = match data {
                Err(error) if damaged.contains(&node.id()) => Err(format!("{error:#}")),
                data => Ok(data?),
            };
            nodes.insert(node.id(), data);
        }
        let (packets, missed_packets) = stage.wire.finish()?;
        hunter.files(&packets)?;
        Ok(Self {
            nodes,
            hunter,
            remembered: stage.remembered().to_vec(),
            missed_packets,
            panics,
        })
    }

    fn readable(&self) -> impl Iterator<Item = (u64, &NodeData)> {
        self.nodes
            .iter()
            .filter_map(|(id, data)| Some((*id, data.as_ref().ok()?)))
    }

    /// The logs of all nodes that could be read.
    #[must_use]
    pub fn logs(&self) -> Vec<NodeLog> {
        self.readable().map(|(_, data)| data.log.clone()).collect()
    }

    /// Adds what the stopped nodes say of their states to the last sample of each. A node that was damaged on purpose is not
    /// asked: its state may be wrong, as long as it serves nothing from it.
    pub fn add_digests(&self, samples: &mut [NodeSample], damaged: &BTreeSet<u64>) {
        for (node, data) in self.readable().filter(|(node, _)| !damaged.contains(node)) {
            let last = samples.iter_mut().rev().find(|sample| sample.node == node);
            if let Some(last) = last {
                last.digests.extend(data.digests.iter().cloned());
            }
        }
    }
}
