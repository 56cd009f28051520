//! A cluster under test: nodes that can be started, stopped, cut off and wiped.

use crate::member::{Member, MemberInfo};
use crate::members::{MemberChange, MembersError};
use crate::start::{Consensus, Options};
use crate::timing::{Preset, Timing};
use holdfast_machine::{
    Command, Outcome, ProposeError, Put, Replica as _, Role, Space, Transaction, Unavailable, Write,
};
use holdfast_transport::{
    ClusterAuthority, Identity, MemoryNetwork, QuicTransport, Settings, Transport,
};
use holdfast_types::{NodeId, TxnId};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub(super) const CLUSTER: &str = "test";
/// Enough for anything that should happen at all.
pub(super) const SOON: Duration = Duration::from_secs(15);
/// Intervals of a [calm](Cluster::calm) cluster.
pub(super) const CALM: Timing = Timing {
    heartbeat: Duration::from_millis(50),
    election_min: Duration::from_secs(5),
    election_max: Duration::from_secs(10),
};

/// How the nodes reach each other.
pub(super) enum Net {
    Memory(MemoryNetwork),
    Quic(Box<ClusterAuthority>),
}

type Tweak = Box<dyn Fn(&mut Options) + Send + Sync>;

pub(super) struct Cluster {
    pub(super) net: Net,
    pub(super) members: Vec<Member>,
    dirs: BTreeMap<u64, TempDir>,
    pub(super) nodes: BTreeMap<u64, Consensus>,
    tweak: Tweak,
}

impl Cluster {
    /// Nodes 1 to `size` in memory, none started.
    pub(super) fn memory(size: u64) -> Self {
        Self::new(Net::Memory(MemoryNetwork::default()), size, |id| {
            SocketAddr::from(([127, 0, 0, 1], u16::try_from(9000 + id).unwrap()))
        })
    }

    /// Nodes 1 to `size` over QUIC on loopback, none started.
    pub(super) fn quic(size: u64) -> Self {
        let authority = ClusterAuthority::generate(CLUSTER).unwrap();
        // Ports that were free a moment ago.
        let sockets: Vec<_> = (0..size)
            .map(|_| std::net::UdpSocket::bind("127.0.0.1:0").unwrap())
            .collect();
        let addresses: Vec<_> = sockets.iter().map(|s| s.local_addr().unwrap()).collect();
        drop(sockets);
        Self::new(Net::Quic(Box::new(authority)), size, |id| {
            addresses[usize::try_from(id).unwrap() - 1]
        })
    }

    fn new(net: Net, size: u64, address: impl Fn(u64) -> SocketAddr) -> Self {
        let member = |id| Member {
            id: NodeId(id),
            info: MemberInfo {
                peer_addr: address(id).to_string(),
                api_addr: format!("https://node-{id}:8200"),
                region: format!("region-{id}"),
                zone: String::new(),
            },
        };
        Self {
            net,
            members: (1..=size).map(member).collect(),
            dirs: BTreeMap::new(),
            nodes: BTreeMap::new(),
            tweak: Box::new(|_| {}),
        }
    }

    pub(super) fn tweaked(mut self, tweak: impl Fn(&mut Options) + Send + Sync + 'static) -> Self {
        self.tweak = Box::new(tweak);
        self
    }

    /// With a leader that stays one until it is told otherwise: what stalls the machine for a moment costs no election.
    pub(super) fn calm(self) -> Self {
        self.tweaked(|options| options.timing = CALM)
    }

    /// Starts every member and waits for a leader that has committed.
    pub(super) async fn up(mut self) -> Self {
        for id in self.ids() {
            self.start(id).await;
        }
        self.leader().await;
        self
    }

    /// Starts all members but the last, which the others do not know yet: it is there to be started and added.
    pub(super) async fn up_but_one(mut self) -> (Self, Member) {
        let last = self.members.pop().expect("somebody to leave out");
        let mut cluster = self.up().await;
        cluster.members.push(last.clone());
        (cluster, last)
    }

    pub(super) fn ids(&self) -> Vec<u64> {
        self.members.iter().map(|member| member.id.0).collect()
    }

    pub(super) fn node(&self, id: u64) -> &Consensus {
        &self.nodes[&id]
    }

    pub(super) fn memory_net(&self) -> &MemoryNetwork {
        match &self.net {
            Net::Memory(network) => network,
            Net::Quic(_) => panic!("this cluster is not in memory"),
        }
    }

    /// Opens the node's directory, waiting until an earlier life of it has let go.
    pub(super) async fn open(&mut self, id: u64) -> holdfast_store::Stores {
        let dir = self
            .dirs
            .entry(id)
            .or_insert_with(|| tempfile::tempdir().unwrap())
            .path()
            .to_owned();
        let start = Instant::now();
        loop {
            match holdfast_store::open(&dir, &holdfast_store::Options::default()) {
                Ok(stores) => return stores,
                Err(holdfast_store::OpenError::InUse) if start.elapsed() < SOON => {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                Err(error) => panic!("node {id} does not open: {error}"),
            }
        }
    }

    fn transport(&self, id: u64) -> Arc<dyn Transport> {
        match &self.net {
            Net::Memory(network) => network.join(NodeId(id)),
            Net::Quic(authority) => {
                let issued = authority.issue_node(NodeId(id), &[]).unwrap();
                let identity = Identity::load(
                    authority.cert_pem().as_bytes(),
                    issued.cert_pem.as_bytes(),
                    issued.key_pem.as_bytes(),
                    NodeId(id),
                    CLUSTER,
                );
                let member = self
                    .members
                    .iter()
                    .find(|member| member.id.0 == id)
                    .unwrap();
                let address = member.info.peer_addr.parse().unwrap();
                QuicTransport::bind(&identity.unwrap(), address, Settings::default()).unwrap()
            }
        }
    }

    pub(super) async fn options(&mut self, id: u64) -> Options {
        let stores = self.open(id).await;
        let transport = self.transport(id);
        let mut options =
            Options::new(NodeId(id), CLUSTER, self.members.clone(), stores, transport);
        options.timing = Preset::Lan.timing();
        options.needs_tick = Arc::new(|| false);
        (self.tweak)(&mut options);
        options
    }

    pub(super) async fn start(&mut self, id: u64) {
        let options = self.options(id).await;
        let node = Consensus::start(options).await.expect("it starts");
        self.nodes.insert(id, node);
    }

    /// Stops a node in order.
    pub(super) async fn stop(&mut self, id: u64) {
        let node = self.nodes.remove(&id).expect("it runs");
        node.shutdown().await;
    }

    /// Cuts a node off first, so that nobody hears of its end.
    pub(super) async fn crash(&mut self, id: u64) {
        if let Net::Memory(network) = &self.net {
            network.crash(NodeId(id));
        }
        self.stop(id).await;
    }

    /// Empties a stopped node's data directory.
    pub(super) fn wipe(&mut self, id: u64) {
        self.dirs.remove(&id);
    }

    /// The leader all running nodes agree on, once it can write.
    pub(super) async fn leader(&self) -> u64 {
        self.leader_among(&self.nodes.keys().copied().collect::<Vec<_>>())
            .await
    }

    pub(super) async fn leader_among(&self, ids: &[u64]) -> u64 {
        let mut leader = None;
        eventually("a leader", async || {
            let said: Vec<_> = ids.iter().map(|id| self.node(*id).status()).collect();
            leader = said[0].leader.map(|id| id.0).filter(|id| ids.contains(id));
            let Some(id) = leader else {
                return false;
            };
            said.iter()
                .all(|status| status.leader.map(|id| id.0) == leader)
                && self.node(id).status().role == Role::Leader
                && self.node(id).staleness_ms().is_some()
        })
        .await;
        leader.unwrap()
    }

    /// A copy of a stopped node's data directory.
    pub(super) fn image(&self, id: u64) -> TempDir {
        let image = tempfile::tempdir().unwrap();
        copy(self.dirs[&id].path(), image.path());
        image
    }

    /// Puts a stopped node's data directory back to what it was.
    pub(super) fn restore(&mut self, id: u64, image: &TempDir) {
        let dir = tempfile::tempdir().unwrap();
        copy(image.path(), dir.path());
        let mode = std::fs::metadata(self.dirs[&id].path())
            .unwrap()
            .permissions();
        std::fs::set_permissions(dir.path(), mode).unwrap();
        self.dirs.insert(id, dir);
    }

    /// Hands leadership over to a node; once more where another one took it meanwhile.
    pub(super) async fn lead(&self, id: u64) {
        let start = Instant::now();
        let mut leader = self.leader().await;
        while leader != id {
            assert!(start.elapsed() < SOON, "node {id} was not given the lead");
            // Where it comes to nothing, whoever leads then is asked.
            drop(self.node(leader).step_down(Some(NodeId(id)), SOON).await);
            leader = self.leader().await;
        }
    }

    /// Writes `name` whatever it held.
    pub(super) async fn put(&self, via: u64, name: &str, value: u64) {
        let start = Instant::now();
        loop {
            match self.try_put(via, name, value, SOON).await {
                Ok(Outcome::Applied { .. }) => return,
                // The node was behind the last write when it looked.
                Ok(Outcome::Conflict { .. }) => {}
                Err(ProposeError::NotProposed(_)) if start.elapsed() < SOON => {}
                failed => panic!("it is not written: {failed:?}"),
            }
        }
    }

    /// Writes `name` over what the node holds now, once.
    pub(super) async fn try_put(
        &self,
        via: u64,
        name: &str,
        value: u64,
        deadline: Duration,
    ) -> Result<Outcome, ProposeError> {
        let node = self.node(via);
        let row = node.view().unwrap().get(&key(name)).unwrap();
        node.propose(
            put(name, value, row.map_or(0, |row| row.written_at)),
            deadline,
        )
        .await
    }

    /// What a node holds now, without asking anybody.
    pub(super) fn local(&self, at: u64, name: &str) -> Option<u64> {
        let row = self.node(at).view().ok()?.get(&key(name)).unwrap()?;
        Some(u64::from_be_bytes(row.value.try_into().unwrap()))
    }

    /// A linearizable read; asked again where nobody leads for the moment.
    pub(super) async fn get(&self, at: u64, name: &str) -> Result<Option<u64>, Unavailable> {
        let start = Instant::now();
        loop {
            match self.node(at).read_index(SOON).await {
                Ok(_) => return Ok(self.local(at, name)),
                Err(Unavailable::NoLeader) if start.elapsed() < SOON => {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                Err(why) => return Err(why),
            }
        }
    }

    /// Changes the members through a node; asked again where a leader was lost meanwhile.
    pub(super) async fn change(&self, via: u64, change: MemberChange) {
        let start = Instant::now();
        while let Err(error) = self.node(via).change_members(change.clone(), SOON).await {
            let members = self.node(via).members();
            let members = members.map(|members| members.all).unwrap_or_default();
            let done = match &change {
                MemberChange::Add(member) => members.contains_key(&member.id.0),
                MemberChange::Promote(id) => members.get(&id.0) == Some(&true),
                MemberChange::Demote(id) => members.get(&id.0) == Some(&false),
                MemberChange::Remove(id) => !members.contains_key(&id.0),
            };
            match error {
                // Only the answer was lost.
                MembersError::Refused(_) if done => return,
                MembersError::Unavailable(_) if start.elapsed() < SOON => {}
                error => panic!("{change:?}: {error}"),
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(super) async fn down(mut self) {
        for id in self.nodes.keys().copied().collect::<Vec<_>>() {
            self.stop(id).await;
        }
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy(&entry.path(), &target);
            let mode = entry.metadata().unwrap().permissions();
            std::fs::set_permissions(&target, mode).unwrap();
        } else {
            std::fs::copy(entry.path(), &target).unwrap();
        }
    }
}

pub(super) fn key(name: &str) -> Vec<u8> {
    let mut key = vec![Space::System as u8];
    key.extend_from_slice(b"test/");
    key.extend_from_slice(name.as_bytes());
    key
}

pub(super) fn put(name: &str, value: u64, replaces: u64) -> Command {
    let mut id = [0; 16];
    getrandom::fill(&mut id).unwrap();
    Command::Transaction(Transaction {
        txn_id: TxnId(id),
        proposed_at_ms: 0,
        asserts: Vec::new(),
        writes: vec![Write::Put(Put {
            key: key(name),
            replaces,
            value: value.to_be_bytes().to_vec(),
        })],
    })
}

/// Waits for a condition; the wait between looks is no condition itself.
pub(super) async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < SOON, "did not come true: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
