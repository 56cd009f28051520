//! openraft's messages on their way to peers.
//!
//! A message that was certainly not delivered is `Unreachable`, which makes openraft wait before the next try; one whose
//! fate is unknown is a network error, tried again soon. A missing answer to a pre-vote is an error, never a grant.

use crate::ballot;
use crate::codec;
use crate::link::{Link, LinkError, malformed};
use crate::member::MemberInfo;
use crate::portion::Portion;
use crate::raft_types::{Entry, TypeConfig, Vote};
use crate::snapshot_out;
use holdfast_proto::peer::v1 as pb;
use holdfast_store::SnapshotHandle;
use holdfast_transport::Channel;
use openraft::errors::{NetworkError, RPCError, ReplicationClosed, StreamingError, Unreachable};
use openraft::network::RPCOption;
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, TransferLeaderError,
    TransferLeaderRequest, TransferLeaderResponse, VoteRequest, VoteResponse,
};
use openraft::{OptionalSend, RaftNetworkFactory, RaftNetworkV2};
use pb::request::Body as Ask;
use pb::response::Body as Answer;
use prost::Message as _;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

type RpcResult<T> = Result<T, RPCError<TypeConfig>>;
type SnapshotOf = openraft::alias::SnapshotOf<TypeConfig, SnapshotHandle>;

/// Makes clients for peers.
pub(crate) struct Network {
    pub(crate) link: Arc<Link>,
    /// How long an append may take before the next one carries less: longer than a heartbeat, for entries on a slow path.
    pub(crate) append_patience: Duration,
}

/// Sends to one peer on one channel.
pub(crate) struct PeerClient {
    link: Arc<Link>,
    target: u64,
    channel: Channel,
    portion: Portion,
}

impl Network {
    fn client(&self, target: u64, channel: Channel, patience: Duration) -> PeerClient {
        PeerClient {
            link: Arc::clone(&self.link),
            target,
            channel,
            portion: Portion::new(patience),
        }
    }
}

impl RaftNetworkFactory<TypeConfig> for Network {
    type Network = PeerClient;

    async fn new_client(&mut self, target: u64, _node: &MemberInfo) -> PeerClient {
        self.client(target, Channel::Log, self.append_patience)
    }

    async fn new_heartbeat_client(&mut self, target: u64, _node: &MemberInfo) -> PeerClient {
        self.client(target, Channel::Heartbeat, Duration::ZERO)
    }
}

impl PeerClient {
    async fn ask(&self, channel: Channel, body: Ask, deadline: Duration) -> RpcResult<Answer> {
        let answer = self.link.call(self.target, channel, body, deadline).await;
        answer.map_err(rpc_error)
    }

    /// As many of the entries as go in one append, at least one if there is any, and their size in bytes.
    fn first_of(&self, entries: &[Entry]) -> (Vec<pb::Entry>, usize) {
        let (mut first, mut carried) = (Vec::new(), 0);
        for entry in entries {
            let entry = codec::entry(entry);
            let size = entry.encoded_len();
            if !self.portion.has_room(carried, size) {
                break;
            }
            carried += size;
            first.push(entry);
        }
        (first, carried)
    }

    async fn ask_append(
        &mut self,
        body: Ask,
        carried: usize,
        deadline: Duration,
    ) -> RpcResult<Answer> {
        let start = Instant::now();
        let answer = self.ask(self.channel, body, deadline).await;
        let took = start.elapsed();
        match &answer {
            Ok(_) => self.portion.answered(carried, took),
            Err(_) if took >= deadline => self.portion.unanswered(carried),
            Err(_) => self.portion.disconnected(),
        }
        answer
    }

    async fn ask_vote(&self, body: Ask, option: &RPCOption) -> RpcResult<VoteResponse<TypeConfig>> {
        let answer = self
            .ask(Channel::Heartbeat, body, option.hard_ttl())
            .await?;
        let Answer::Vote(answer) = answer else {
            return Err(unreadable());
        };
        let vote = codec::to_vote(answer.vote.as_ref()).map_err(|_| unreadable())?;
        let last = codec::to_log_id_opt(answer.last.as_ref()).map_err(|_| unreadable())?;
        Ok(VoteResponse::new(vote, last, answer.granted))
    }
}

fn rpc_error(error: LinkError) -> RPCError<TypeConfig> {
    match error {
        LinkError::NotDone(text) | LinkError::Refused(text) | LinkError::Forbidden(text) => {
            Unreachable::from_string(text).into()
        }
        LinkError::Unknown(text) => NetworkError::from_string(text).into(),
    }
}

fn lost_entries() -> RPCError<TypeConfig> {
    Unreachable::from_string("the node has lost entries it had acknowledged").into()
}

fn unreadable() -> RPCError<TypeConfig> {
    rpc_error(malformed())
}

impl RaftNetworkV2<TypeConfig> for PeerClient {
    type SnapshotData = SnapshotHandle;

    async fn append_entries(
        &mut self,
        rpc: AppendEntriesRequest<TypeConfig>,
        option: RPCOption,
    ) -> RpcResult<AppendEntriesResponse<TypeConfig>> {
        if self.link.acknowledged.has_lost(self.target) {
            return Err(lost_entries());
        }
        if self.channel == Channel::Log && !self.link.gate.is_open(Instant::now()) {
            return Err(
                Unreachable::from_string("no quorum answers: this leader is silent").into(),
            );
        }
        let (entries, carried) = self.first_of(&rpc.entries);
        let whole = entries.len() == rpc.entries.len();
        let deadline = self.portion.deadline(entries.len(), carried);
        let deadline = deadline.max(option.hard_ttl());
        let last = match entries.len().checked_sub(1) {
            Some(last) => Some(rpc.entries[last].log_id),
            None => rpc.prev_log_id,
        };
        let body = Ask::Append(pb::AppendRequest {
            vote: Some(codec::vote(&rpc.vote)),
            prev: rpc.prev_log_id.as_ref().map(codec::log_id),
            entries,
            leader_commit: rpc.leader_commit.as_ref().map(codec::log_id),
        });
        let answer = self.ask_append(body, carried, deadline).await?;
        let Answer::Append(answer) = answer else {
            return Err(unreadable());
        };
        let response = codec::to_append_response(&answer).map_err(|_| unreadable())?;
        match (&response, last, rpc.prev_log_id) {
            (AppendEntriesResponse::Success, Some(last), _) => {
                self.link.acknowledged.note(self.target, rpc.vote, last);
                if !whole {
                    return Ok(AppendEntriesResponse::PartialSuccess(Some(last)));
                }
            }
            (AppendEntriesResponse::Conflict, _, Some(prev))
                if self
                    .link
                    .acknowledged
                    .conflicts(self.target, rpc.vote, prev) =>
            {
                return Err(lost_entries());
            }
            _ => {}
        }
        Ok(response)
    }

    async fn vote(
        &mut self,
        rpc: VoteRequest<TypeConfig>,
        option: RPCOption,
    ) -> RpcResult<VoteResponse<TypeConfig>> {
        let body = Ask::Vote(ballot::request(&self.link, self.target, &rpc));
        self.ask_vote(body, &option).await
    }

    async fn pre_vote(
        &mut self,
        rpc: VoteRequest<TypeConfig>,
        option: RPCOption,
    ) -> RpcResult<VoteResponse<TypeConfig>> {
        let body = Ask::PreVote(ballot::request(&self.link, self.target, &rpc));
        self.ask_vote(body, &option).await
    }

    async fn full_snapshot(
        &mut self,
        vote: Vote,
        snapshot: SnapshotOf,
        cancel: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        _option: RPCOption,
    ) -> Result<SnapshotResponse<TypeConfig>, StreamingError<TypeConfig>> {
        let sending = snapshot_out::send(&self.link, self.target, &vote, &snapshot.snapshot);
        tokio::select! {
            closed = cancel => Err(closed.into()),
            sent = sending => match sent {
                Ok(vote) => Ok(SnapshotResponse::new(vote)),
                Err(error) => Err(rpc_error(error).into()),
            },
        }
    }

    async fn transfer_leader(
        &mut self,
        req: TransferLeaderRequest<TypeConfig>,
        option: RPCOption,
    ) -> RpcResult<TransferLeaderResponse<TypeConfig>> {
        let body = Ask::Transfer(pb::TransferRequest {
            from_leader: Some(codec::vote(req.from_leader())),
            to_node: *req.to_node_id(),
            last: req.last_log_id().map(codec::log_id),
        });
        let answer = self
            .ask(Channel::Heartbeat, body, option.hard_ttl())
            .await?;
        let Answer::Transfer(answer) = answer else {
            return Err(unreadable());
        };
        match answer.result.ok_or_else(unreadable)? {
            pb::transfer_response::Result::Accepted(_) => Ok(Ok(())),
            pb::transfer_response::Result::VoteChanged(vote) => {
                Ok(Err(TransferLeaderError::VoteChanged {
                    expected: *req.from_leader(),
                    actual: codec::to_vote(Some(&vote)).map_err(|_| unreadable())?,
                }))
            }
            pb::transfer_response::Result::NotFlushed(state) => {
                Ok(Err(TransferLeaderError::LogNotFlushed {
                    expected: req.last_log_id().copied(),
                    actual: codec::to_log_id_opt(state.actual.as_ref())
                        .map_err(|_| unreadable())?,
                }))
            }
        }
    }
}
