//! What this node knows, for operators and routers.

use crate::inner::{Inner, Phase, metrics};
use crate::raft_types::{Membership, Metrics};
use crate::timing::millis;
use holdfast_machine::{MemberStatus, ReplicaStatus, Role};
use holdfast_types::NodeId;
use openraft::{Instant as _, ServerState};
use std::time::Duration;
use tokio::time::Instant;

/// The committed index that holds everything acknowledged, and how long ago a quorum confirmed this leader. `None` when
/// this node does not lead, or its term has no committed entry yet.
pub(crate) fn leader_freshness(metrics: &Metrics) -> Option<(u64, Duration)> {
    if metrics.state != ServerState::Leader {
        return None;
    }
    let committed = metrics.local_committed?;
    if committed.leader_id != metrics.vote.leader_id {
        return None;
    }
    let mut voters = metrics.membership_config.membership().voter_ids();
    let alone = voters.next() == Some(metrics.id) && voters.next().is_none();
    let age = if alone {
        Duration::ZERO
    } else {
        metrics.last_quorum_acked.as_ref()?.elapsed()
    };
    Some((committed.index, age))
}

/// See [`holdfast_machine::Replica::status`].
pub(crate) fn status(inner: &Inner) -> ReplicaStatus {
    let phase = inner.phase.borrow().clone();
    let mut status = ReplicaStatus {
        node: NodeId(inner.node()),
        role: Role::Learner,
        leader: None,
        term: 0,
        last_index: inner.log.bounds().last.unwrap_or(0),
        committed: 0,
        applied: inner.applied.now(),
        quorum_age_ms: staleness(inner).map(millis),
        members: Vec::new(),
        trouble: inner.troubles.lock().text(),
    };
    match phase {
        Phase::Running(raft) => running(inner, &metrics(&raft), &mut status),
        Phase::Joining(why) => {
            status.trouble = Some(why);
            status.members = configured(inner);
        }
        Phase::Quarantined(why) => {
            status.role = Role::Quarantined;
            status.trouble = Some(why);
            status.members = configured(inner);
        }
        Phase::Stopped(why) => {
            status.role = Role::Stopped;
            status.trouble = Some(why);
        }
    }
    status
}

fn running(inner: &Inner, metrics: &Metrics, status: &mut ReplicaStatus) {
    status.role = match metrics.state {
        ServerState::Leader => Role::Leader,
        ServerState::Follower => Role::Follower,
        ServerState::Candidate => Role::Candidate,
        ServerState::Learner => Role::Learner,
        ServerState::Shutdown => Role::Stopped,
    };
    status.leader = metrics.current_leader.map(NodeId);
    status.term = metrics.current_term;
    status.last_index = metrics.last_log_index.unwrap_or(0);
    status.committed = metrics.local_committed.map_or(0, |id| id.index);
    status.members = members(inner, metrics.membership_config.membership(), metrics);
}

fn members(inner: &Inner, membership: &Membership, metrics: &Metrics) -> Vec<MemberStatus> {
    let me = inner.node();
    let voters: Vec<u64> = membership.voter_ids().collect();
    let matched = |id: u64| {
        let replication = metrics.replication.as_ref()?;
        replication.get(&id).copied().flatten().map(|id| id.index)
    };
    let mut members: Vec<MemberStatus> = membership
        .nodes()
        .map(|(id, info)| MemberStatus {
            peer_addr: info.peer_addr.clone(),
            api_addr: info.api_addr.clone(),
            region: info.region.clone(),
            voter: voters.contains(id),
            matched: matched(*id),
            ..heard(inner, *id)
        })
        .collect();
    for member in &mut members {
        let info = match inner.peers.get(member.id.0) {
            Some(view) if !view.info.peer_addr.is_empty() => view.info,
            None if member.id.0 == me => inner.me.clone(),
            _ => continue,
        };
        // What a node says of itself now is newer than what the membership says.
        member.peer_addr = info.peer_addr;
        member.api_addr = info.api_addr;
        member.region = info.region;
    }
    members
}

fn configured(inner: &Inner) -> Vec<MemberStatus> {
    let members = inner.configured.iter().map(|member| MemberStatus {
        peer_addr: member.info.peer_addr.clone(),
        api_addr: member.info.api_addr.clone(),
        region: member.info.region.clone(),
        ..heard(inner, member.id.0)
    });
    members.collect()
}

/// What was measured of a member; addresses are left to the caller.
fn heard(inner: &Inner, id: u64) -> MemberStatus {
    let view = inner.peers.get(id);
    let me = id == inner.node();
    let view = view.as_ref();
    MemberStatus {
        id: NodeId(id),
        peer_addr: String::new(),
        api_addr: String::new(),
        region: String::new(),
        voter: false,
        last_contact_ms: if me {
            Some(0)
        } else {
            view.map(|view| millis(view.heard_at.elapsed()))
        },
        matched: None,
        rtt_us: view.map(|view| u64::try_from(view.rtt.as_micros()).unwrap_or(u64::MAX)),
        clock_skew_ms: view.map(|view| view.skew_ms(inner.clock.now_ms(), Instant::now())),
    }
}

/// Age of the local state, if it was ever known to be current.
pub(crate) fn staleness(inner: &Inner) -> Option<Duration> {
    let applied = inner.applied.now();
    let known = inner.freshness.age(applied, Instant::now());
    let leading = inner.raft().ok().and_then(|raft| {
        let (committed, age) = leader_freshness(&metrics(&raft))?;
        (applied >= committed).then_some(age)
    });
    match (known, leading) {
        (Some(known), Some(leading)) => Some(known.min(leading)),
        (known, leading) => known.or(leading),
    }
}
