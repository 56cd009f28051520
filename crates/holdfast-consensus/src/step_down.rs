//! Handing leadership to a named or the most caught-up voter.
//!
//! openraft stops taking writes once a transfer began and does not take it back, so the target is asked first whether it is
//! there, and must have caught up.

use crate::inner::{Inner, leadership, metrics};
use crate::raft_types::Raft;
use crate::timing::millis;
use holdfast_machine::Unavailable;
use holdfast_proto::peer::v1 as pb;
use holdfast_transport::Channel;
use openraft::async_runtime::watch::WatchReceiver as _;
use std::time::Duration;
use tokio::time::Instant;

/// Entries a target may lack when the transfer begins; it gets them before it stands for election.
const LAG_MAX: u64 = 1_000;
/// Wait between two looks at a target that catches up.
const PAUSE: Duration = Duration::from_millis(10);

/// See [`holdfast_machine::Replica::step_down`].
pub(crate) async fn step_down(
    inner: &Inner,
    to: Option<u64>,
    deadline: Duration,
) -> Result<(), Unavailable> {
    let raft = inner.raft()?;
    let now = leadership(&raft);
    if now.leads {
        return hand_over(inner, &raft, to, Instant::now() + deadline).await;
    }
    let leader = now.leader.ok_or(Unavailable::NoLeader)?;
    if to == Some(leader) {
        return Ok(());
    }
    let body = pb::request::Body::StepDown(pb::StepDownRequest {
        to: to.unwrap_or(0),
        deadline_ms: millis(deadline),
    });
    match inner
        .link
        .call(leader, Channel::Forward, body, deadline)
        .await
    {
        Ok(_) => Ok(()),
        Err(_) => Err(Unavailable::NoQuorum),
    }
}

/// On the leader.
pub(crate) async fn hand_over(
    inner: &Inner,
    raft: &Raft,
    to: Option<u64>,
    until: Instant,
) -> Result<(), Unavailable> {
    if to == Some(inner.node()) {
        return Ok(());
    }
    let target = loop {
        if let Some(target) = target(inner, raft, to)
            && is_there(inner, target).await
        {
            break target;
        }
        if Instant::now() + PAUSE >= until || !leadership(raft).leads {
            return Err(Unavailable::NoQuorum);
        }
        tokio::time::sleep(PAUSE).await;
    };
    tracing::info!(to = target, "handing leadership over");
    let stopped = |_| Unavailable::Stopped("Raft has stopped".to_owned());
    raft.trigger()
        .transfer_leader(target)
        .await
        .map_err(stopped)?;
    let mut server = raft.server_metrics();
    loop {
        let now = leadership(raft);
        if now.leader.is_some_and(|leader| leader != inner.node()) && !now.leads {
            return Ok(());
        }
        match tokio::time::timeout_at(until, server.changed()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(Unavailable::Stopped("Raft has stopped".to_owned())),
            Err(_) => return Err(Unavailable::NoQuorum),
        }
    }
}

/// The named voter, or the one with most of the log, if it has caught up.
fn target(inner: &Inner, raft: &Raft, to: Option<u64>) -> Option<u64> {
    let metrics = metrics(raft);
    let replication = metrics.replication?;
    let last = metrics.last_log_index.unwrap_or(0);
    let membership = metrics.membership_config.membership().clone();
    let caught_up = |id: &u64| {
        let matched = replication
            .get(id)
            .copied()
            .flatten()
            .map(|matched| matched.index);
        matched
            .filter(|index| index + LAG_MAX >= last)
            .map(|index| (index, *id))
    };
    membership
        .voter_ids()
        .filter(|id| *id != inner.node() && to.is_none_or(|to| to == *id))
        .filter_map(|id| caught_up(&id))
        // Of equals the one with the lowest number, so that the choice is predictable.
        .max_by_key(|(index, id)| (*index, u64::MAX - id))
        .map(|(_, id)| id)
}

async fn is_there(inner: &Inner, target: u64) -> bool {
    let request = pb::PingRequest::default();
    let pong = inner
        .link
        .ping(target, request, inner.timing.heartbeat * 2)
        .await;
    pong.is_ok_and(|(pong, _)| pong.phase() == pb::ping_response::Phase::Member)
}
