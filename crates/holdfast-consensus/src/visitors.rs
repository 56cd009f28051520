//! Nodes that say they are members, and that this node has not heard of.
//!
//! A node that was away while members changed knows only the former ones. When none of those leads any more, nobody whom it
//! would listen to can tell it: the new leader is a stranger and is refused. So a node that hears no leader makes a peer of
//! whoever shows a certificate of this cluster, unless it knows that the number was taken out. A visitor may ping, replicate and
//! seek votes, and nothing else: it is believed as little as that allows. A node that hears a leader learns of members
//! through the log and lets no stranger in.

use crate::inner::{Inner, Phase, leadership, metrics};
use crate::records;
use crate::status::leader_freshness;
use holdfast_proto::peer::v1 as pb;
use holdfast_types::limits::NODES_MAX;
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::time::Instant;

/// How long a visitor stays at least: time enough to be elected and to say so.
const STAY: Duration = Duration::from_secs(2);

/// Visitors by number.
#[derive(Default)]
pub(crate) struct Visitors(Mutex<BTreeMap<u64, Visitor>>);

struct Visitor {
    address: SocketAddr,
    until: Instant,
}

impl Visitors {
    /// Lets a node in; false when it is here already, or too many are.
    pub(crate) fn welcome(&self, id: u64, address: SocketAddr) -> bool {
        let mut visitors = self.0.lock();
        let until = Instant::now() + STAY;
        visitors.len() < NODES_MAX && visitors.insert(id, Visitor { address, until }).is_none()
    }
}

/// Whether a message of this kind may come from a node that is here as a visitor.
pub(crate) fn may_ask(inner: &Inner, from: u64, body: &pb::request::Body) -> bool {
    use pb::request::Body as Ask;
    let harmless = match body {
        Ask::Ping(_) | Ask::Append(_) | Ask::PreVote(_) => true,
        // A vote in the course of a transfer is given although there is a leader.
        Ask::Vote(request) => !request.leadership_transfer,
        _ => false,
    };
    harmless || !is_here(inner, from)
}

/// Whether a node is here as a visitor.
pub(crate) fn is_here(inner: &Inner, id: u64) -> bool {
    inner.visitors.0.lock().contains_key(&id)
}

/// Somebody who is no peer was refused.
pub(crate) fn knock(inner: &Inner, from: u64, address: SocketAddr) {
    if from == inner.node() || !is_lost(inner) || was_removed(inner, from) {
        return;
    }
    if inner.visitors.welcome(from, address) {
        tracing::info!(
            node = from,
            "hears no leader, and listens to a node that it does not know"
        );
    }
}

/// Visitors that are still to be peers. Who became a member is none any more; who was taken out is sent away.
pub(crate) fn present(inner: &Inner, members: &BTreeSet<u64>) -> BTreeMap<u64, String> {
    let mut visitors = inner.visitors.0.lock();
    if visitors.is_empty() {
        return BTreeMap::new();
    }
    let lost = is_lost(inner);
    let leader = inner.raft().ok().and_then(|raft| leadership(&raft).leader);
    visitors.retain(|id, visitor| {
        let stays = lost || leader == Some(*id) || visitor.until > Instant::now();
        stays && !members.contains(id) && !was_removed(inner, *id)
    });
    visitors
        .iter()
        .map(|(id, visitor)| (*id, visitor.address.to_string()))
        .collect()
}

/// Whether a node was taken out as far as this one has heard; what cannot be read may say so.
fn was_removed(inner: &Inner, id: u64) -> bool {
    let record = records::of(inner, id);
    record.map_or(true, |record| record.is_some_and(|record| record.removed))
}

/// Whether this node takes part and has heard of no leader for longer than an election takes.
pub(crate) fn is_lost(inner: &Inner) -> bool {
    let Phase::Running(raft) = &*inner.phase.borrow() else {
        return false;
    };
    let metrics = metrics(raft);
    if metrics
        .membership_config
        .membership()
        .nodes()
        .next()
        .is_none()
    {
        return false;
    }
    let silence = match leader_freshness(&metrics) {
        Some((_, age)) => age,
        None => inner.freshness.silence(),
    };
    silence > 2 * inner.timing.election_max
}
