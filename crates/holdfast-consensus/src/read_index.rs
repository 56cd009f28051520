//! One read-index round: to the leader, which confirms with a quorum that it still leads.

use crate::inner::{Inner, leader_after, leadership, metrics};
use crate::raft_types::Raft;
use crate::timing::millis;
use holdfast_machine::Unavailable;
use holdfast_mutant::Mutant;
use holdfast_proto::peer::v1 as pb;
use holdfast_transport::Channel;
use openraft::errors::{LinearizableReadError, RaftError};
use openraft::{LinearizerOption, ReadPolicy};
use std::time::Duration;
use tokio::time::Instant;

/// Wait before asking again while leadership changes hands.
const PAUSE: Duration = Duration::from_millis(3);

/// What the node asked said.
enum Said {
    Index(u64),
    /// The leader it knows of.
    NotLeader(Option<u64>),
    NoQuorum,
}

/// Asks the leader, following one that hands over, and gives up soon when there is none.
pub(crate) async fn round(inner: &Inner, time: Duration) -> Result<u64, Unavailable> {
    let start = Instant::now();
    let until = start + time;
    let leader_until = until.min(start + inner.timing.election_min);
    let mut hint = None;
    loop {
        let now = Instant::now();
        if now >= until {
            return Err(Unavailable::NoQuorum);
        }
        let raft = inner.raft()?;
        let time = (until - now).min(inner.timing.election_max * 2);
        let leader = hint.take().or_else(|| leadership(&raft).leader);
        let said = match leader {
            Some(id) if id == inner.node() => on_leader(&raft, time).await?,
            Some(id) => {
                tokio::select! {
                    said = ask(inner, id, time) => said,
                    other = leader_after(&raft, id) => Said::NotLeader(Some(other)),
                }
            }
            None => Said::NotLeader(None),
        };
        match said {
            Said::Index(index) => {
                // Everything acknowledged before the question is at or below it: that also tells how old this node's state is.
                inner.freshness.note(index, now);
                return Ok(index);
            }
            Said::NoQuorum => return Err(Unavailable::NoQuorum),
            Said::NotLeader(next) if next != leader => hint = next,
            Said::NotLeader(_) => {}
        }
        if Instant::now() >= leader_until {
            return Err(Unavailable::NoLeader);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn on_leader(raft: &Raft, time: Duration) -> Result<Said, Unavailable> {
    if Mutant::ReadUnconfirmed.lives() && leadership(raft).leads {
        let committed = metrics(raft).local_committed;
        return Ok(Said::Index(committed.map_or(0, |id| id.index)));
    }
    let option = LinearizerOption::from(ReadPolicy::ReadIndex).with_wait_timeout(time);
    match raft.get_read_linearizer(option).await {
        Ok(linearizer) => Ok(Said::Index(linearizer.read_log_id().index())),
        Err(RaftError::APIError(LinearizableReadError::ForwardToLeader(forward))) => {
            Ok(Said::NotLeader(forward.leader_id))
        }
        Err(RaftError::APIError(LinearizableReadError::QuorumNotEnough(_))) => Ok(Said::NoQuorum),
        Err(RaftError::Fatal(fatal)) => Err(Unavailable::Stopped(fatal.to_string())),
    }
}

async fn ask(inner: &Inner, leader: u64, time: Duration) -> Said {
    use pb::read_index_response::Result as Answered;
    let body = pb::request::Body::ReadIndex(pb::ReadIndexRequest {
        deadline_ms: millis(time),
    });
    match inner
        .link
        .call(leader, Channel::Heartbeat, body, time)
        .await
    {
        Ok(pb::response::Body::ReadIndex(answer)) => match answer.result {
            Some(Answered::Index(index)) => Said::Index(index),
            Some(Answered::NotLeader(other)) => {
                Said::NotLeader(Some(other.leader).filter(|id| *id != 0))
            }
            Some(Answered::NoQuorum(_)) | None => Said::NoQuorum,
        },
        Ok(_) | Err(_) => Said::NotLeader(None),
    }
}

/// A follower's round, on the leader.
pub(crate) async fn serve(
    raft: &Raft,
    request: pb::ReadIndexRequest,
) -> Result<pb::ReadIndexResponse, Unavailable> {
    use pb::read_index_response::Result as Answered;
    let time = Duration::from_millis(request.deadline_ms);
    let result = match on_leader(raft, time).await? {
        Said::Index(index) => Answered::Index(index),
        Said::NotLeader(leader) => Answered::NotLeader(pb::NotLeader {
            leader: leader.unwrap_or(0),
        }),
        Said::NoQuorum => Answered::NoQuorum(pb::Done {}),
    };
    Ok(pb::ReadIndexResponse {
        result: Some(result),
    })
}
