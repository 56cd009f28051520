//! Pings: each peer is asked at a steady pace how it is, and what follows from its answers is judged here.

use crate::clock::Reading;
use crate::codec;
use crate::inner::{Inner, Phase, leadership, metrics, set_trouble};
use crate::peers::{Heard, PeerView};
use crate::quarantine;
use crate::records;
use crate::visitors;
use holdfast_mutant::Mutant;
use holdfast_proto::peer::v1 as pb;
use holdfast_types::StoreId;
use openraft::async_runtime::watch::WatchReceiver as _;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Between two pings of a peer.
const PING_EVERY: Duration = Duration::from_secs(1);
/// Between two pings of the leader, whose answers say how fresh this node is, and of peers while this node joins.
const PING_SOON: Duration = Duration::from_millis(100);
/// Answers older than this are no evidence.
const EVIDENCE_AGE_MAX: Duration = Duration::from_secs(10);

/// Pings `peer` until aborted.
pub(crate) async fn ping_for_ever(inner: Arc<Inner>, peer: u64) {
    let mut thorough_at: Option<Instant> = None;
    loop {
        let joining = matches!(&*inner.phase.borrow(), Phase::Joining(_));
        let thorough = joining || thorough_at.is_none_or(|at| at.elapsed() >= PING_EVERY);
        let heard = ping(&inner, peer, thorough).await;
        if heard && thorough {
            thorough_at = Some(Instant::now());
            judge(&inner);
        }
        let pause = pace(&inner, peer, heard);
        // A new leader is asked at once: without its word this node does not know how old its state is.
        drop(tokio::time::timeout(pause, taken_over(&inner, peer)).await);
    }
}

/// Resolves when a peer that did not lead does.
async fn taken_over(inner: &Inner, peer: u64) {
    let Ok(raft) = inner.raft() else {
        return std::future::pending().await;
    };
    let leads = || leadership(&raft).leader == Some(peer);
    if leads() {
        return std::future::pending().await;
    }
    let mut metrics = raft.server_metrics();
    while metrics.changed().await.is_ok() {
        if leads() {
            return;
        }
    }
    std::future::pending().await
}

fn pace(inner: &Inner, peer: u64, heard: bool) -> Duration {
    match &*inner.phase.borrow() {
        Phase::Joining(_) => PING_SOON / 2,
        Phase::Running(raft) if heard && leadership(raft).leader != Some(peer) => PING_EVERY,
        Phase::Running(_) => PING_SOON.max(inner.timing.heartbeat),
        Phase::Quarantined(_) | Phase::Stopped(_) => PING_EVERY,
    }
}

/// Asks it once, and takes in what it says; false when it does not answer.
pub(crate) async fn ping(inner: &Arc<Inner>, peer: u64, thorough: bool) -> bool {
    let request = pb::PingRequest {
        thorough,
        member: Some(codec::member(inner.node(), &inner.me)),
        promise: Some(inner.link.witness.promise(&inner.log)),
    };
    let asked_at = Instant::now();
    let wait = (inner.timing.election_max * 2).max(PING_EVERY);
    let Ok((pong, store_id)) = inner.link.ping(peer, request, wait).await else {
        return false;
    };
    let round_trip = asked_at.elapsed();
    // Another directory's leader leads another cluster.
    let is_known = inner
        .link
        .known
        .get(peer)
        .is_none_or(|known| known == store_id);
    if pong.leads && is_known {
        let age = Duration::from_millis(pong.quorum_age_ms);
        // An instant before this process began is older than anything it can vouch for.
        if let Some(as_of) = asked_at.checked_sub(age) {
            inner.freshness.note(pong.committed, as_of);
        }
    }
    if !visitors::is_here(inner, peer) {
        if let Some(promise) = &pong.promise {
            inner.link.witness.heard(peer, store_id, promise);
        }
        let lost = inner.link.witness.has_lost(pong.you_had_promised);
        if lost || pong.you_lost_entries {
            quarantine::leave(inner, quarantine::LOST);
        }
        if contradicts(inner, &pong) && is_believed(inner, (peer, store_id), &pong) {
            quarantine::leave(inner, quarantine::OTHER);
        }
    }
    let heard = Heard {
        pong,
        store_id,
        round_trip,
    };
    inner.peers.heard(peer, &heard);
    true
}

/// The peer knows another data directory under this node's number.
fn contradicts(inner: &Inner, pong: &pb::PingResponse) -> bool {
    let me = inner.node();
    let mine = &inner.link.store_id.0[..];
    let other = |known: &pb::KnownStore| known.node == me && known.store_id != mine;
    pong.known_stores.iter().any(other) && !Mutant::WipedDiskTrusted.lives()
}

/// Whether a peer's word that this node's number is another directory's counts. What has been applied here says it for good, for
/// a number is tied once. Where it says nothing, who has nothing at all believes everybody, and who belongs to a cluster believes
/// members that answer from the directory that is theirs and whose own state is not in doubt: a disk of a former cluster of
/// this name, under a member's number or one that is being added, knows other directories for all.
fn is_believed(inner: &Inner, (peer, store): (u64, StoreId), pong: &pb::PingResponse) -> bool {
    let own = records::of(inner, inner.node()).ok().flatten();
    if let Some(own) = own.and_then(|record| record.tied_to()) {
        return own != inner.link.store_id;
    }
    if inner.is_pristine() {
        return true;
    }
    let Phase::Running(raft) = &*inner.phase.borrow() else {
        return false;
    };
    let metrics = metrics(raft);
    let membership = metrics.membership_config.membership();
    if membership.nodes().next().is_none() {
        return true;
    }
    membership.get_node(&peer).is_some()
        && inner.link.known.get(peer) == Some(store)
        && pong.phase() == pb::ping_response::Phase::Member
}

/// Looks at all peers' latest answers.
fn judge(inner: &Arc<Inner>) {
    let mut views = inner.peers.all();
    views.retain(|id, view| {
        view.heard_at.elapsed() < EVIDENCE_AGE_MAX && !visitors::is_here(inner, *id)
    });
    judge_round_trips(inner, &views);
    judge_clock(inner, &views);
    judge_stores(inner, &views);
    judge_digest(inner, &views);
}

fn judge_round_trips(inner: &Inner, views: &BTreeMap<u64, PeerView>) {
    let far = views
        .iter()
        .find_map(|(id, view)| inner.timing.check_round_trip(*id, view.rtt).err())
        .map(|error| error.to_string());
    set_trouble(&mut inner.troubles.lock().timing, far);
}

fn judge_clock(inner: &Inner, views: &BTreeMap<u64, PeerView>) {
    let (now, wall_ms) = (Instant::now(), inner.clock.now_ms());
    // Whoever is being added has no say yet.
    let mut members: BTreeSet<u64> = inner.members().into_keys().collect();
    let readings: Vec<Reading> = views
        .iter()
        .filter(|(id, _)| members.contains(id))
        .map(|(_, view)| (view.heard_at, view.skew_ms(wall_ms, now)))
        .collect();
    members.insert(inner.node());
    let tolerance = inner.clock_skew_max;
    let mut verdict = inner.clock_verdict.lock();
    let trouble = verdict.judge((now, wall_ms), &readings, members.len(), tolerance);
    drop(verdict);
    let text = trouble.map(|trouble| trouble.to_string());
    set_trouble(&mut inner.troubles.lock().clock, text);
}

fn judge_stores(inner: &Inner, views: &BTreeMap<u64, PeerView>) {
    let odd = views.iter().find_map(|(id, view)| {
        let known = inner.link.known.get(*id)?;
        (known != view.store_id)
            .then(|| format!("node {id} answers from another data directory than the one it had"))
    });
    set_trouble(&mut inner.troubles.lock().stores, odd);
}

/// This node's state against its peers' at the same checkpoints. With a majority of the voters against it, it is wrong.
fn judge_digest(inner: &Arc<Inner>, views: &BTreeMap<u64, PeerView>) {
    let Phase::Running(raft) = inner.phase.borrow().clone() else {
        return;
    };
    let voters: BTreeSet<u64> = metrics(&raft)
        .membership_config
        .membership()
        .voter_ids()
        .collect();
    let peers: BTreeMap<u64, &PeerView> = views
        .iter()
        .filter(|(id, _)| voters.contains(id))
        .map(|(id, view)| (*id, view))
        .collect();
    let mut undecided = None;
    for mine in inner.state.checkpoints() {
        let said = peers.values().filter_map(|view| {
            view.checkpoints
                .iter()
                .find(|mark| mark.index == mine.index)
                .map(|mark| &mark.summary)
        });
        let mut count: BTreeMap<&[u8], usize> = BTreeMap::new();
        for summary in said {
            *count.entry(summary).or_default() += 1;
        }
        let with_me = count.remove(&mine.summary[..]).unwrap_or(0)
            + usize::from(voters.contains(&inner.node()));
        let against_me = count.into_values().max().unwrap_or(0);
        let text = || {
            let index = mine.index;
            format!("the digest of this node's state differs from its peers' at entry {index}")
        };
        if against_me * 2 > voters.len() {
            quarantine::leave(inner, &text());
            return;
        }
        // With a majority on this node's side it is the other one that is told.
        if against_me > 0 && with_me * 2 <= voters.len() {
            undecided = Some(text());
        }
    }
    set_trouble(&mut inner.troubles.lock().digest, undecided);
}
