//! Answers peers' messages.

use crate::ballot;
use crate::codec::{self, Malformed};
use crate::host::hosted;
use crate::inner::{Inner, Phase, leadership, metrics};
use crate::link::refusal;
use crate::raft_types::Raft;
use crate::{join, members, propose, read_index, records, snapshot_in, step_down, visitors};
use bytes::Bytes;
use futures::future::BoxFuture;
use holdfast_machine::Unavailable;
use holdfast_proto::peer::v1 as pb;
use holdfast_transport::{Channel, FrameSink, FrameSource, Handler, Refused};
use holdfast_types::{NodeId, StoreId};
use openraft::raft::TransferLeaderError;
use pb::refusal::Reason;
use pb::request::Body as Ask;
use pb::response::Body as Answer;
use prost::Message;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// The serving side of this node.
pub(crate) struct Server {
    pub(crate) inner: Arc<Inner>,
}

impl Handler for Server {
    fn handle(
        &self,
        from: NodeId,
        _channel: Channel,
        body: Bytes,
    ) -> BoxFuture<'_, Result<Bytes, Refused>> {
        let host = Arc::clone(&self.inner.host);
        Box::pin(hosted(host, async move {
            let request =
                pb::Request::decode(body).map_err(|_| Refused::new("unreadable message"))?;
            let answer = match self.answer(from.0, request).await {
                Ok(answer) => answer,
                Err(refusal) => Answer::Refusal(refusal),
            };
            let response = pb::Response {
                header: Some(self.inner.link.header(from.0)),
                body: Some(answer),
            };
            Ok(response.encode_to_vec().into())
        }))
    }

    fn accept_stream(
        &self,
        from: NodeId,
        sink: Box<dyn FrameSink>,
        source: Box<dyn FrameSource>,
    ) -> BoxFuture<'_, ()> {
        let host = Arc::clone(&self.inner.host);
        Box::pin(hosted(
            host,
            snapshot_in::serve(&self.inner, from.0, sink, source),
        ))
    }

    fn knock(&self, from: NodeId, address: SocketAddr) -> BoxFuture<'_, ()> {
        let host = Arc::clone(&self.inner.host);
        let inner = &self.inner;
        Box::pin(hosted(host, async move {
            visitors::knock(inner, from.0, address);
        }))
    }
}

impl Server {
    async fn answer(&self, from: u64, request: pb::Request) -> Result<Answer, pb::Refusal> {
        let inner = &*self.inner;
        let body = request.body.ok_or_else(|| malformed(Malformed("body")))?;
        let any_store = matches!(body, Ask::Ping(_) | Ask::Join(_));
        inner.link.check(request.header.as_ref(), from, any_store)?;
        if !visitors::may_ask(inner, from, &body) {
            let text = "this node does not know you as a member";
            return Err(refusal(Reason::NotServing, text));
        }
        let store = request.header.map(|header| header.store_id);
        let store = store.and_then(|id| <[u8; 16]>::try_from(&*id).ok());
        let store = store.map(StoreId);
        match &body {
            Ask::Ping(ping) => return Ok(Answer::Ping(pong(inner, (from, store), ping))),
            Ask::Vote(request) | Ask::PreVote(request) => {
                ballot::admit(&self.inner, (from, store), request)?;
            }
            _ => {}
        }
        let raft = inner.raft().map_err(|why| not_serving(&why))?;
        match body {
            Ask::Append(request) => append(&raft, request).await,
            Ask::Vote(request) => {
                let request = codec::vote_request(&request).map_err(malformed)?;
                let voted = raft.vote(request).await.map_err(stopped)?;
                Ok(Answer::Vote(codec::vote_response(&voted)))
            }
            Ask::PreVote(request) => {
                let request = codec::vote_request(&request).map_err(malformed)?;
                let voted = raft.pre_vote(request).await.map_err(stopped)?;
                Ok(Answer::Vote(codec::vote_response(&voted)))
            }
            Ask::Transfer(request) => transfer(&raft, &request).await,
            Ask::Propose(request) => match propose::serve(inner, &request).await {
                Some(answer) => Ok(Answer::Propose(answer)),
                None => Err(malformed(Malformed("command"))),
            },
            Ask::ReadIndex(request) => match read_index::serve(&raft, request).await {
                Ok(answer) => Ok(Answer::ReadIndex(answer)),
                Err(why) => Err(not_serving(&why)),
            },
            Ask::Join(request) => join::serve(inner, &raft, from, &request).await,
            Ask::StepDown(request) => self.step_down(&raft, request).await,
            Ask::Members(request) => self.members(&raft, &request).await,
            Ask::Ping(_) => unreachable!("answered above"),
        }
    }

    /// Only on the leader: it is never sent on twice.
    async fn step_down(
        &self,
        raft: &Raft,
        request: pb::StepDownRequest,
    ) -> Result<Answer, pb::Refusal> {
        let until = Instant::now() + Duration::from_millis(request.deadline_ms);
        let to = Some(request.to).filter(|to| *to != 0);
        if leadership(raft).leads
            && let Err(why) = step_down::hand_over(&self.inner, raft, to, until).await
        {
            return Err(refusal(Reason::Unavailable, why.to_string()));
        }
        Ok(Answer::Done(pb::Done {}))
    }

    async fn members(
        &self,
        raft: &Raft,
        request: &pb::MembersRequest,
    ) -> Result<Answer, pb::Refusal> {
        let (change, deadline) =
            members::decode(request).ok_or_else(|| malformed(Malformed("change of members")))?;
        if !leadership(raft).leads {
            return Err(refusal(Reason::Unavailable, "this node does not lead"));
        }
        match members::on_leader(&self.inner, raft, change, deadline).await {
            Ok(()) => Ok(Answer::Done(pb::Done {})),
            Err(members::MembersError::Refused(text)) => Err(refusal(Reason::Forbidden, text)),
            Err(error) => Err(refusal(Reason::Unavailable, error.to_string())),
        }
    }
}

async fn append(raft: &Raft, request: pb::AppendRequest) -> Result<Answer, pb::Refusal> {
    let request = codec::append_request(request).map_err(malformed)?;
    let response = raft.append_entries(request).await.map_err(stopped)?;
    Ok(Answer::Append(codec::append_response(&response)))
}

async fn transfer(raft: &Raft, request: &pb::TransferRequest) -> Result<Answer, pb::Refusal> {
    use pb::transfer_response::Result as Transferred;
    let from_leader = codec::to_vote(request.from_leader.as_ref()).map_err(malformed)?;
    let last = codec::to_log_id_opt(request.last.as_ref()).map_err(malformed)?;
    let request = openraft::raft::TransferLeaderRequest::new(from_leader, request.to_node, last);
    let result = match raft
        .handle_transfer_leader(request)
        .await
        .map_err(stopped)?
    {
        Ok(()) => Transferred::Accepted(pb::Done {}),
        Err(TransferLeaderError::VoteChanged { actual, .. }) => {
            Transferred::VoteChanged(codec::vote(&actual))
        }
        Err(TransferLeaderError::LogNotFlushed { actual, .. }) => {
            Transferred::NotFlushed(pb::LogNotFlushed {
                actual: actual.as_ref().map(codec::log_id),
            })
        }
    };
    let result = Some(result);
    Ok(Answer::Transfer(pb::TransferResponse { result }))
}

/// What this node says of itself.
fn pong(
    inner: &Inner,
    (from, store): (u64, Option<StoreId>),
    ping: &pb::PingRequest,
) -> pb::PingResponse {
    use pb::ping_response::Phase as Said;
    if let Some(member) = &ping.member {
        inner.peers.learn_address(from, codec::to_member(member).1);
    }
    let mut pong = pb::PingResponse {
        wall_ms: inner.clock.now_ms(),
        applied: inner.applied.now(),
        software_version: inner.version.clone(),
        you_lost_entries: inner.link.acknowledged.has_lost(from),
        you_are_unknown: visitors::is_here(inner, from),
        promise: Some(inner.link.witness.promise(&inner.log)),
        member: Some(codec::member(inner.node(), &inner.me)),
        ..pb::PingResponse::default()
    };
    if let (Some(store), Some(promise)) = (store, &ping.promise)
        && !pong.you_are_unknown
    {
        inner.link.witness.heard(from, store, promise);
        pong.you_had_promised = inner.link.witness.told_by_others(from, store, promise.life);
    }
    let phase = inner.phase.borrow().clone();
    pong.set_phase(match &phase {
        Phase::Joining(_) | Phase::Running(_) if inner.is_pristine() => Said::Pristine,
        Phase::Joining(_) | Phase::Running(_) => Said::Member,
        Phase::Quarantined(_) => Said::Quarantined,
        Phase::Stopped(_) => Said::Stopped,
    });
    if let Phase::Running(raft) = &phase {
        describe(raft, &mut pong);
    }
    if ping.thorough {
        pong.checkpoints = inner
            .state
            .checkpoints()
            .into_iter()
            .map(|mark| pb::Checkpoint {
                index: mark.index,
                summary: Bytes::copy_from_slice(&mark.summary),
            })
            .collect();
        let applied = records::are_all_applied(inner);
        // Read anew: a record written a moment ago must not be missing from what a joining node is told.
        let (stores, read) = records::stores(inner).unwrap_or_default();
        pong.known_stores_complete = applied && read;
        pong.known_stores = stores
            .into_iter()
            .map(|(node, store)| pb::KnownStore {
                node,
                store_id: Bytes::copy_from_slice(&store.0),
            })
            .collect();
    }
    pong
}

/// What Raft says. Freshness is only claimed by a leader whose own term has a committed entry: before that it may not know
/// of everything that was acknowledged.
fn describe(raft: &Raft, pong: &mut pb::PingResponse) {
    let metrics = metrics(raft);
    pong.term = metrics.current_term;
    pong.leader = metrics.current_leader.unwrap_or(0);
    pong.last_index = metrics.last_log_index.unwrap_or(0);
    if let Some((committed, age)) = crate::status::leader_freshness(&metrics) {
        pong.leads = true;
        pong.committed = committed;
        pong.quorum_age_ms = crate::timing::millis(age);
    }
}

fn malformed(what: Malformed) -> pb::Refusal {
    refusal(Reason::Malformed, what.to_string())
}

fn not_serving(why: &Unavailable) -> pb::Refusal {
    refusal(Reason::NotServing, why.to_string())
}

fn stopped(error: impl std::fmt::Display) -> pb::Refusal {
    refusal(Reason::NotServing, error.to_string())
}
