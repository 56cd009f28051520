//! Who is a peer now: keeps the transport's list, the pings and the known data directories in step with the membership.

use crate::gossip;
use crate::host;
use crate::inner::Inner;
use crate::records;
use crate::visitors;
use holdfast_types::NodeId;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// Between two looks at the membership.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// A resolved name is asked for again after this long.
const RESOLVE_EVERY: Duration = Duration::from_secs(10);

/// Longest wait for a name: other peers wait with it.
const RESOLVE_WAIT: Duration = Duration::from_secs(2);

/// Addresses by name, as last resolved.
#[derive(Default)]
struct Resolver {
    names: BTreeMap<String, (Instant, SocketAddr)>,
}

impl Resolver {
    async fn resolve(&mut self, name: &str) -> Option<SocketAddr> {
        if let Ok(address) = name.parse() {
            return Some(address);
        }
        let known = self.names.get(name).copied();
        if let Some((at, address)) = known
            && at.elapsed() < RESOLVE_EVERY
        {
            return Some(address);
        }
        let found = tokio::time::timeout(RESOLVE_WAIT, tokio::net::lookup_host(name)).await;
        let found = found.ok().and_then(Result::ok);
        let found = found.and_then(|mut all| all.next());
        // A name that cannot be resolved now keeps its old address.
        let address = found.or(known.map(|(_, address)| address))?;
        self.names
            .insert(name.to_owned(), (Instant::now(), address));
        Some(address)
    }
}

/// Aborts the pings when the roster's task ends.
#[derive(Default)]
struct Pings(BTreeMap<u64, AbortHandle>);

impl Drop for Pings {
    fn drop(&mut self) {
        for ping in self.0.values() {
            ping.abort();
        }
    }
}

/// Runs until aborted.
pub(crate) async fn run(inner: Arc<Inner>) {
    let mut resolver = Resolver::default();
    let mut stated = None;
    let mut pings = Pings::default();
    let mut records_at = None;
    loop {
        let mut peers = BTreeMap::new();
        let wanted = wanted(&inner);
        resolver
            .names
            .retain(|name, _| wanted.values().any(|wanted| wanted == name));
        // A name that cannot be resolved now is no reason to forget what its node promised.
        inner.link.witness.retain(|id| wanted.contains_key(&id));
        for (id, name) in wanted {
            if let Some(address) = resolver.resolve(&name).await {
                peers.insert(NodeId(id), address);
            }
        }
        inner.peers.retain(|id| peers.contains_key(&NodeId(id)));
        inner
            .link
            .known
            .retain(|id| peers.contains_key(&NodeId(id)));
        if stated.as_ref() != Some(&peers) {
            keep_pinging(&inner, &mut pings, peers.keys().map(|id| id.0).collect());
            inner.link.transport.set_peers(peers.clone());
            stated = Some(peers);
        }
        let applied = inner.applied.now();
        if records_at != Some(applied)
            && let Ok((stores, _)) = records::stores(&inner)
        {
            inner.link.known.replace(stores);
            records_at = Some(applied);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Peers by number and address: of the membership once there is one, else as configured; whoever is being taken out, until that
/// is committed; whoever is being added; visitors.
fn wanted(inner: &Inner) -> BTreeMap<u64, String> {
    // A leader that is taken out has to commit that itself.
    let members = inner.members_committed().into_iter().chain(inner.members());
    let mut wanted: BTreeMap<u64, String> =
        members.map(|(id, info)| (id, info.peer_addr)).collect();
    for (id, info) in &*inner.candidates.lock() {
        wanted.insert(*id, info.peer_addr.clone());
    }
    let members: BTreeSet<u64> = wanted.keys().copied().collect();
    wanted.extend(visitors::present(inner, &members));
    wanted.remove(&inner.node());
    for (id, name) in wanted.iter_mut().filter(|(id, _)| members.contains(id)) {
        // What a node says of itself is newer than what others wrote down.
        if let Some(view) = inner.peers.get(*id)
            && !view.info.peer_addr.is_empty()
        {
            *name = view.info.peer_addr;
        }
    }
    wanted
}

fn keep_pinging(inner: &Arc<Inner>, pings: &mut Pings, peers: Vec<u64>) {
    pings.0.retain(|id, ping| {
        let keep = peers.contains(id);
        if !keep {
            ping.abort();
        }
        keep
    });
    for id in peers {
        pings.0.entry(id).or_insert_with(|| {
            host::spawn(gossip::ping_for_ever(Arc::clone(inner), id)).abort_handle()
        });
    }
}
