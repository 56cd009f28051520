//! Where a run happens: the folder, the links between nodes, their disks, and the cluster.

use super::folder::Folder;
use crate::catalogue;
use crate::cluster::{Cluster, Draft};
use crate::evidence::{self, Hunter, RecordSeen};
use crate::scenario::{Disk, Scenario};
use crate::wire::Wire;
use anyhow::{Context, bail};
use holdfast_nemesis::{Grounds, NodeDisk, ShimControl, Snapshot, Target};
use holdfast_relay::Relay;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

/// Size of a node's disk. Blocks are taken as they are written.
const DISK_BYTES: u64 = 512 << 20;

/// Everything that runs. Dropped, it is gone.
pub(crate) struct Stage {
    // Order matters when it is dropped: processes end before their disks and links go.
    pub(crate) cluster: Cluster,
    pub(crate) relay: Relay,
    /// Every packet between nodes.
    pub(crate) wire: Wire,
    snapshots: BTreeMap<u64, Arc<Snapshot>>,
    disks: BTreeMap<u64, Arc<NodeDisk>>,
    shims: BTreeMap<u64, Arc<ShimControl>>,
    /// Records of disks that were damaged or set back since.
    remembered: Vec<(u64, Vec<RecordSeen>)>,
    grounds: Grounds,
}

impl Stage {
    /// Makes the links, the disks and the configured cluster in a folder; nothing is started.
    pub(crate) fn set(
        scenario: &Scenario,
        seed: u64,
        folder: &Path,
        binary: &Path,
    ) -> anyhow::Result<Self> {
        let grounds = Grounds::claim(folder)?;
        let folder = grounds.root().to_owned();
        let draft = Draft::new(&folder, scenario.cluster.clone())?;
        let listens: Vec<(u64, SocketAddr)> = draft
            .places()
            .iter()
            .map(|place| (place.id, place.peer_listen))
            .collect();
        let wire = Wire::new(&Folder::packets(&folder))?;
        let tap = wire.clone();
        let relay = Relay::tapped(&listens, seed, move |_, packet| tap.keep(packet))
            .context("starting the relay")?;
        let cluster = &scenario.cluster;
        relay
            .set_base(cluster.regions.links(&cluster.distances))
            .context("setting regions apart")?;
        let mut disks = BTreeMap::new();
        let mut shims = BTreeMap::new();
        for place in draft.places() {
            if scenario.cluster.disk == Disk::Image {
                let disk = NodeDisk::create(&grounds, &place.disk, DISK_BYTES)?;
                disks.insert(place.id, Arc::new(disk));
            }
            if needs_shim(scenario) {
                let control = folder.join(format!("shim{}", place.id));
                let control = ShimControl::create(&grounds, &control)?;
                shims.insert(place.id, Arc::new(control));
            }
        }
        let advertised = |id: u64| relay.advertised(id).expect("the relay knows every node");
        let (places, ca_pem) = draft.configure(binary, advertised)?;
        let mut cluster = Cluster::new(places, binary, ca_pem)?;
        for node in cluster.nodes_mut() {
            if let Some(shim) = shims.get(&node.id()) {
                node.environment = shim.environment();
            }
        }
        Ok(Self {
            cluster,
            relay,
            wire,
            snapshots: BTreeMap::new(),
            disks,
            shims,
            remembered: Vec::new(),
            grounds,
        })
    }

    /// Where everything lies.
    pub(crate) fn folder(&self) -> &Path {
        self.grounds.root()
    }

    /// Nodes as faults see them.
    pub(crate) fn targets(&mut self, nodes: &[u64]) -> anyhow::Result<Vec<Target>> {
        let mut targets = Vec::new();
        for id in nodes {
            let node = self.cluster.node(*id)?;
            let mut target = self.grounds.target(*id, node.pid(), &node.place.data)?;
            if let Some(disk) = self.disks.get(id) {
                target = target.with_disk(Arc::clone(disk));
            }
            if let Some(shim) = self.shims.get(id) {
                target = target.with_shim(Arc::clone(shim));
            }
            targets.push(target);
        }
        Ok(targets)
    }

    /// Where a node's data lies.
    pub(crate) fn data_dir(&self, id: u64) -> anyhow::Result<String> {
        let node = self.cluster.nodes().iter().find(|node| node.id() == id);
        let data: &PathBuf = &node
            .with_context(|| format!("there is no node {id}"))?
            .place
            .data;
        Ok(data.display().to_string())
    }

    /// Takes an image of every disk, where the scenario sets one back.
    pub(crate) fn take_snapshots_for(&mut self, scenario: &Scenario) -> anyhow::Result<()> {
        if scenario.faults().contains(&"rolled-back-disk") {
            for (node, disk) in &self.disks {
                self.snapshots.insert(*node, Arc::new(disk.snapshot()?));
            }
        }
        Ok(())
    }

    /// The image of a node's disk.
    pub(crate) fn snapshot(&self, node: u64) -> anyhow::Result<Arc<Snapshot>> {
        let found = self.snapshots.get(&node).cloned();
        found.with_context(|| format!("node {node} has no image to be set back to"))
    }

    /// Keeps the nonces of nodes whose disks are about to be damaged or set back. The nodes must be down.
    ///
    /// # Errors
    /// When their data cannot be copied. What is unreadable already has nothing to remember.
    pub(crate) fn remember_records(&mut self, nodes: &[u64]) -> anyhow::Result<()> {
        for id in nodes {
            let data = self.cluster.node(*id)?.place.data.clone();
            // Opening changes what lies there: a copy is opened.
            let copy = tempfile::tempdir_in(self.folder()).context("making a folder for a copy")?;
            let to = copy.path().join("data");
            let copied = Command::new("cp").arg("-a").arg(&data).arg(&to).status();
            if !copied.is_ok_and(|status| status.success()) {
                bail!("copying the data of node {id}");
            }
            if let Ok(read) = evidence::read(*id, &to, &mut Hunter::idle()) {
                self.remembered.push((*id, read.records));
            }
        }
        Ok(())
    }

    /// What was remembered so.
    pub(crate) fn remembered(&self) -> &[(u64, Vec<RecordSeen>)] {
        &self.remembered
    }
}

/// Whether some fault of the scenario works through the shim.
fn needs_shim(scenario: &Scenario) -> bool {
    let faults = scenario.faults().into_iter();
    faults.filter_map(catalogue::find).any(|entry| entry.shim)
}
