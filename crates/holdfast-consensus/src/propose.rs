//! Proposals: to the leader wherever it is, with an honest answer.
//!
//! A proposal is "not proposed" only while every try certainly left nothing behind. Once a try may have, the same
//! transaction is proposed again under its id (the machine recognises it) until it has an answer or the time is up.

use crate::host;
use crate::inner::{Inner, leader_after, leadership};
use crate::link::LinkError;
use crate::raft_types::{Answer, CommandBytes};
use holdfast_machine::{Command, Malformed, Outcome, ProposeError, Unavailable};
use holdfast_mutant::Mutant;
use holdfast_proto::peer::v1 as pb;
use holdfast_transport::Channel;
use holdfast_types::limits::TXN_BYTES_MAX;
use openraft::errors::{ClientWriteError, ForwardReason, RaftError};
use std::time::Duration;
use tokio::time::Instant;

/// Bytes of proposals in flight at once, in KiB.
pub(crate) const IN_FLIGHT_KIB_MAX: usize = 256 * 1024;
/// First wait before another try; doubles up to [`PAUSE_MAX`].
const PAUSE_MIN: Duration = Duration::from_millis(1);
const PAUSE_MAX: Duration = Duration::from_millis(50);

/// What one try led to.
pub(crate) enum Attempt {
    Applied(Answer),
    /// Nothing was done; the leader, if known.
    NotLeader(Option<u64>),
    /// Nothing was done; try again soon.
    Busy,
    /// It may be applied later.
    Unknown,
}

/// A proposal under way.
struct Proposal<'a> {
    inner: &'a Inner,
    command: Command,
    until: Instant,
    /// While nothing is in doubt, a leader is waited for no longer than this.
    leader_until: Instant,
    uncertain: bool,
    last_known: Unavailable,
}

/// See [`holdfast_machine::Replica::propose`].
pub(crate) async fn propose(
    inner: &Inner,
    command: Command,
    deadline: Duration,
) -> Result<Outcome, ProposeError> {
    let now = Instant::now();
    let until = now + deadline;
    let size = encoded(&command).len();
    if size > TXN_BYTES_MAX {
        return Ok(Outcome::Malformed(Malformed::Rows));
    }
    let permits = u32::try_from(size / 1024 + 1).unwrap_or(u32::MAX);
    let room = tokio::time::timeout_at(until, inner.proposals.acquire_many(permits)).await;
    let Ok(Ok(_room)) = room else {
        let why = Unavailable::Stopped("too many proposals are waiting".to_owned());
        return Err(ProposeError::NotProposed(why));
    };
    let proposal = Proposal {
        inner,
        command,
        until,
        leader_until: until.min(now + inner.timing.failover()),
        uncertain: false,
        last_known: Unavailable::NoLeader,
    };
    proposal.run().await
}

impl Proposal<'_> {
    async fn run(mut self) -> Result<Outcome, ProposeError> {
        let mut hint = None;
        let mut pause = PAUSE_MIN;
        loop {
            let now = Instant::now();
            let patience = if self.uncertain {
                self.until
            } else {
                self.leader_until
            };
            if now >= patience {
                return Err(self.give_up());
            }
            let raft = match self.inner.raft() {
                Ok(raft) => raft,
                Err(why) => {
                    self.last_known = why;
                    return Err(self.give_up());
                }
            };
            let target = hint.take().or_else(|| leadership(&raft).leader);
            let attempt = match target {
                Some(leader) => {
                    tokio::select! {
                        attempt = self.attempt(leader, now) => attempt,
                        // Whoever leads now can be asked; what the one before will do is not known.
                        _ = leader_after(&raft, leader) => Attempt::Unknown,
                    }
                }
                None => Attempt::NotLeader(None),
            };
            match attempt {
                Attempt::Applied(answer) => return self.settle(answer).await,
                Attempt::NotLeader(next) if next.is_some() && next != target => {
                    hint = next;
                    continue;
                }
                Attempt::NotLeader(_) => self.last_known = Unavailable::NoLeader,
                Attempt::Busy => self.last_known = Unavailable::NoQuorum,
                Attempt::Unknown => {
                    self.last_known = Unavailable::NoQuorum;
                    self.uncertain = true;
                    if !matches!(self.command, Command::Transaction(_)) {
                        return Err(self.give_up());
                    }
                }
            }
            tokio::time::sleep_until((Instant::now() + pause).min(patience)).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    async fn attempt(&mut self, leader: u64, now: Instant) -> Attempt {
        let time = (self.until - now).min(self.inner.timing.failover());
        if leader == self.inner.node() {
            propose_here(self.inner, &mut self.command, time).await
        } else {
            forward(self.inner, leader, &self.command, time).await
        }
    }

    /// Waits until this node has applied the entry too.
    async fn settle(self, answer: Answer) -> Result<Outcome, ProposeError> {
        let rest = self.until.saturating_duration_since(Instant::now());
        if Mutant::AckBeforeQuorum.lives()
            && let Some(outcome) = answer.outcome
        {
            return Ok(outcome);
        }
        match (
            self.inner.applied.reach(answer.index, rest).await,
            answer.outcome,
        ) {
            (Ok(_), Some(outcome)) => Ok(outcome),
            (Ok(_), None) => Err(ProposeError::Unknown(Unavailable::NoQuorum)),
            (Err(behind), _) => Err(ProposeError::Unknown(behind)),
        }
    }

    fn give_up(self) -> ProposeError {
        if self.uncertain {
            ProposeError::Unknown(self.last_known)
        } else {
            ProposeError::NotProposed(self.last_known)
        }
    }
}

/// Stamps and proposes on this node, if it leads.
pub(crate) async fn propose_here(inner: &Inner, command: &mut Command, time: Duration) -> Attempt {
    let Ok(raft) = inner.raft() else {
        return Attempt::NotLeader(None);
    };
    let now = leadership(&raft);
    if !now.leads {
        return Attempt::NotLeader(now.leader);
    }
    let verdict = *inner.clock_verdict.lock();
    if !verdict.may_stamp(now.alone) {
        return Attempt::Busy;
    }
    let machine_ms = || inner.state.applied().position.time_ms;
    let wall_ms = inner.clock.now_ms();
    let wall_ms = verdict
        .believed
        .time_ms(Instant::now(), wall_ms, inner.clock_skew_max);
    let stamp = inner
        .leader_clock
        .lock()
        .stamp(now.term, wall_ms, Instant::now(), machine_ms);
    set_proposed_at(command, stamp);
    let data = CommandBytes(encoded(command).into());
    if Mutant::AckBeforeQuorum.lives() {
        let index = inner.log.bounds().last.map_or(0, |last| last + 1);
        host::spawn(async move { drop(raft.client_write(data).await) });
        tokio::time::sleep(Duration::from_millis(8)).await;
        let outcome = Some(Outcome::Applied { index });
        return Attempt::Applied(Answer { index, outcome });
    }
    let Ok(written) = tokio::time::timeout(time, raft.client_write(data)).await else {
        return Attempt::Unknown;
    };
    match written {
        Ok(response) => Attempt::Applied(response.data),
        Err(RaftError::APIError(ClientWriteError::ForwardToLeader(forward))) => {
            match forward.reason {
                // A fresh leader has no quorum's word yet; a handing-over one will be followed by the node it names.
                ForwardReason::LeaseExpired => Attempt::Busy,
                ForwardReason::NotLeader | ForwardReason::LeadershipTransfer => {
                    Attempt::NotLeader(forward.leader_id)
                }
            }
        }
        Err(RaftError::APIError(ClientWriteError::LogEntryDiscarded(_)) | RaftError::Fatal(_)) => {
            Attempt::Unknown
        }
        // Errors of membership changes; a command meets none of them.
        Err(RaftError::APIError(_)) => Attempt::Busy,
    }
}

async fn forward(inner: &Inner, leader: u64, command: &Command, time: Duration) -> Attempt {
    let body = pb::request::Body::Propose(pb::ProposeRequest {
        command: encoded(command).into(),
        deadline_ms: crate::timing::millis(time),
    });
    let answer = match inner.link.call(leader, Channel::Forward, body, time).await {
        Ok(pb::response::Body::Propose(answer)) => answer,
        Ok(_) | Err(LinkError::Unknown(_)) => return Attempt::Unknown,
        Err(_) => return Attempt::NotLeader(None),
    };
    match answer.result {
        Some(pb::propose_response::Result::Applied(applied)) => {
            match postcard::from_bytes(&applied.outcome) {
                Ok(outcome) => Attempt::Applied(Answer {
                    index: applied.index,
                    outcome: Some(outcome),
                }),
                Err(_) => Attempt::Unknown,
            }
        }
        Some(pb::propose_response::Result::NotLeader(other)) => {
            Attempt::NotLeader(Some(other.leader).filter(|id| *id != 0))
        }
        Some(pb::propose_response::Result::Busy(_)) => Attempt::Busy,
        Some(pb::propose_response::Result::Unknown(_)) | None => Attempt::Unknown,
    }
}

/// A follower's proposal, on the leader. `None` when the command cannot be read.
pub(crate) async fn serve(
    inner: &Inner,
    request: &pb::ProposeRequest,
) -> Option<pb::ProposeResponse> {
    use pb::propose_response::Result as Answered;
    let mut command: Command = postcard::from_bytes(&request.command).ok()?;
    let permits = u32::try_from(request.command.len() / 1024 + 1).ok()?;
    let attempt = match inner.proposals.try_acquire_many(permits) {
        Ok(_room) => {
            let time = Duration::from_millis(request.deadline_ms);
            propose_here(inner, &mut command, time).await
        }
        Err(_) => Attempt::Busy,
    };
    let result = match attempt {
        Attempt::Applied(Answer {
            index,
            outcome: Some(outcome),
        }) => {
            let outcome = postcard::to_allocvec(&outcome).ok()?;
            Answered::Applied(pb::Applied {
                index,
                outcome: outcome.into(),
            })
        }
        Attempt::NotLeader(leader) => Answered::NotLeader(pb::NotLeader {
            leader: leader.unwrap_or(0),
        }),
        Attempt::Busy => Answered::Busy(pb::Done {}),
        Attempt::Applied(_) | Attempt::Unknown => Answered::Unknown(pb::Done {}),
    };
    Some(pb::ProposeResponse {
        result: Some(result),
    })
}

fn encoded(command: &Command) -> Vec<u8> {
    postcard::to_allocvec(command).expect("a command of plain values always encodes")
}

fn set_proposed_at(command: &mut Command, ms: u64) {
    match command {
        Command::Transaction(txn) => txn.proposed_at_ms = ms,
        Command::Tick { proposed_at_ms } | Command::Checkpoint { proposed_at_ms } => {
            *proposed_at_ms = ms;
        }
    }
}
