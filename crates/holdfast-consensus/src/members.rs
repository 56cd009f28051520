//! Changing who the members are.

use crate::codec;
use crate::inner::{Inner, leadership, metrics};
use crate::member::{Member, MemberInfo};
use crate::raft_types::{Metrics, Raft, TypeConfig};
use crate::read_index;
use crate::records;
use crate::timing::millis;
use holdfast_machine::Unavailable;
use holdfast_proto::peer::v1 as pb;
use holdfast_transport::Channel;
use holdfast_types::NodeId;
use holdfast_types::limits::NODES_MAX;
use openraft::errors::{ClientWriteError, RaftError};
use openraft::{ChangeMembers, Instant as _, Precondition};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::Instant;

/// A change of the members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberChange {
    /// Adds a node that replicates without a vote. Its data directory must be empty and its number never used.
    Add(Member),
    /// Gives a learner that has caught up a vote.
    Promote(NodeId),
    /// Takes a voter's vote; it goes on replicating.
    Demote(NodeId),
    /// Takes a node out for good.
    Remove(NodeId),
}

/// Why the members were not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MembersError {
    /// Nobody could do it now; ask for the state before trying again.
    #[error("changing the members: {0}")]
    Unavailable(#[from] Unavailable),
    /// It must not be done.
    #[error("the members were not changed: {0}")]
    Refused(String),
}

/// Entries a learner may lack when it gets its vote.
const LAG_MAX: u64 = 1_000;
/// A voter whose last acknowledgement is older is not counted on; heartbeats are far more frequent.
const SILENCE_MAX: Duration = Duration::from_secs(3);
/// A peer's patience counts up to here: one change at a time, and others wait for it.
const DEADLINE_MS_MAX: u64 = 60_000;
/// Wait between two looks at what has to come true first.
const PAUSE: Duration = Duration::from_millis(20);

/// Changes the members, on the leader wherever it is.
pub(crate) async fn change(
    inner: &Inner,
    change: MemberChange,
    deadline: Duration,
) -> Result<(), MembersError> {
    let raft = inner.raft()?;
    let now = leadership(&raft);
    if now.leads {
        return on_leader(inner, &raft, change, deadline).await;
    }
    let leader = now.leader.ok_or(Unavailable::NoLeader)?;
    let body = pb::request::Body::Members(encode(&change, deadline));
    match inner
        .link
        .call(leader, Channel::Forward, body, deadline)
        .await
    {
        Ok(_) => Ok(()),
        Err(crate::link::LinkError::Forbidden(text)) => Err(MembersError::Refused(text)),
        Err(_) => Err(Unavailable::NoQuorum.into()),
    }
}

fn encode(change: &MemberChange, deadline: Duration) -> pb::MembersRequest {
    use pb::members_request::Change;
    let change = match change {
        MemberChange::Add(member) => Change::Add(codec::member(member.id.0, &member.info)),
        MemberChange::Promote(id) => Change::Promote(id.0),
        MemberChange::Demote(id) => Change::Demote(id.0),
        MemberChange::Remove(id) => Change::Remove(id.0),
    };
    pb::MembersRequest {
        change: Some(change),
        deadline_ms: millis(deadline),
    }
}

/// The change a peer asks for, if it can be read.
pub(crate) fn decode(request: &pb::MembersRequest) -> Option<(MemberChange, Duration)> {
    use pb::members_request::Change;
    let change = match request.change.as_ref()? {
        Change::Add(member) => {
            let (id, info) = codec::to_member(member);
            MemberChange::Add(Member {
                id: NodeId(id),
                info,
            })
        }
        Change::Promote(id) => MemberChange::Promote(NodeId(*id)),
        Change::Demote(id) => MemberChange::Demote(NodeId(*id)),
        Change::Remove(id) => MemberChange::Remove(NodeId(*id)),
    };
    let deadline_ms = request.deadline_ms.min(DEADLINE_MS_MAX);
    Some((change, Duration::from_millis(deadline_ms)))
}

/// On the leader.
pub(crate) async fn on_leader(
    inner: &Inner,
    raft: &Raft,
    change: MemberChange,
    deadline: Duration,
) -> Result<(), MembersError> {
    let until = Instant::now() + deadline;
    let work = async {
        let _changing = inner.changing.lock().await;
        finish(raft).await?;
        // What is refused or done from here on is judged on everything acknowledged so far.
        let index = read_index::round(inner, deadline).await?;
        inner.applied.reach(index, deadline).await?;
        let patience = (deadline / 4).min(SILENCE_MAX);
        match change {
            MemberChange::Add(member) => add(inner, raft, member).await,
            MemberChange::Promote(id) => promote(inner, raft, id.0, patience).await,
            MemberChange::Demote(id) => demote(inner, raft, id.0, patience).await,
            MemberChange::Remove(id) => remove(inner, raft, id.0, patience).await,
        }
    };
    match tokio::time::timeout_at(until, work).await {
        Ok(result) => result,
        Err(_) => Err(Unavailable::NoQuorum.into()),
    }
}

/// Finishes a change that a former leader left half done. Until then everything needs the majority of two configurations, and
/// another change would begin from the one that nobody sees yet.
pub(crate) async fn finish(raft: &Raft) -> Result<(), MembersError> {
    if !is_half_done(&metrics(raft)) {
        return Ok(());
    }
    tracing::info!("finishes a change of the members that was left half done");
    let nothing_more = ChangeMembers::AddVoterIds(BTreeSet::new());
    written(raft.change_membership(nothing_more, true).await)
}

/// Whether two configurations rule.
fn is_half_done(metrics: &Metrics) -> bool {
    metrics
        .membership_config
        .membership()
        .get_joint_config()
        .len()
        > 1
}

/// Whether who the members are is known to be committed, and no change is half done.
pub(crate) fn is_settled(metrics: &Metrics) -> bool {
    metrics.membership_config == metrics.committed_membership_config && !is_half_done(metrics)
}

async fn add(inner: &Inner, raft: &Raft, member: Member) -> Result<(), MembersError> {
    let id = member.id.0;
    let members = metrics(raft).membership_config.membership().nodes().count();
    if members >= NODES_MAX {
        return Err(refused("the cluster has as many nodes as it may have"));
    }
    if metrics(raft)
        .membership_config
        .membership()
        .get_node(&id)
        .is_some()
    {
        return Err(refused("a member has this number"));
    }
    if records::of(inner, id)?.is_some() {
        return Err(refused("this number was used before; choose a new one"));
    }
    inner.candidates.lock().insert(id, member.info.clone());
    let _candidate = Candidate { inner, id };
    admit(inner, raft, member).await
}

/// A node that is a peer for as long as it is being added, also when the time runs out.
struct Candidate<'a> {
    inner: &'a Inner,
    id: u64,
}

impl Drop for Candidate<'_> {
    fn drop(&mut self) {
        self.inner.candidates.lock().remove(&self.id);
    }
}

/// It holds another cluster's data, or those of an attempt to add it that came to nothing.
const NOT_EMPTY: &str = "the node's data directory is not empty: stop it, empty the directory, start it, and add it again";

/// Adds the candidate once it is there with an empty data directory.
async fn admit(inner: &Inner, raft: &Raft, member: Member) -> Result<(), MembersError> {
    let id = member.id.0;
    loop {
        match inner.peers.get(id) {
            Some(view) if view.pristine => break,
            Some(_) => return Err(refused(NOT_EMPTY)),
            None => tokio::time::sleep(PAUSE).await,
        }
    }
    written(raft.add_learner(id, member.info, false).await)
}

async fn promote(
    inner: &Inner,
    raft: &Raft,
    id: u64,
    patience: Duration,
) -> Result<(), MembersError> {
    let seen = loop {
        let seen = metrics(raft);
        if seen.membership_config.membership().get_node(&id).is_none() {
            return Err(refused("no member has this number"));
        }
        let replicated = seen.replication.as_ref();
        let matched = replicated.and_then(|all| all.get(&id).copied().flatten());
        let last = seen.last_log_index.unwrap_or(0);
        if matched.is_some_and(|matched| matched.index + LAG_MAX >= last) {
            break seen;
        }
        tokio::time::sleep(PAUSE).await;
    };
    let mut after: BTreeSet<u64> = seen.membership_config.voter_ids().collect();
    after.insert(id);
    require_quorum(inner, raft, &after, patience).await?;
    records::tie(inner, raft, id).await?;
    let change = ChangeMembers::AddVoterIds(BTreeSet::from([id]));
    write(raft, &seen, change, true).await
}

async fn demote(
    inner: &Inner,
    raft: &Raft,
    id: u64,
    patience: Duration,
) -> Result<(), MembersError> {
    let seen = metrics(raft);
    let rest = voters_without(&seen, id)?;
    require_quorum(inner, raft, &rest, patience).await?;
    let change = ChangeMembers::RemoveVoters(BTreeSet::from([id]));
    write(raft, &seen, change, true).await
}

async fn remove(
    inner: &Inner,
    raft: &Raft,
    id: u64,
    patience: Duration,
) -> Result<(), MembersError> {
    let seen = metrics(raft);
    let membership = seen.membership_config.membership();
    if membership.get_node(&id).is_none() {
        return Err(refused("no member has this number"));
    }
    let change = if membership.voter_ids().any(|voter| voter == id) {
        let rest = voters_without(&seen, id)?;
        require_quorum(inner, raft, &rest, patience).await?;
        ChangeMembers::RemoveVoters(BTreeSet::from([id]))
    } else {
        ChangeMembers::RemoveNodes(BTreeSet::from([id]))
    };
    records::ensure(inner, raft, id, patience).await?;
    write(raft, &seen, change, false).await
}

/// Who votes when this one no longer does.
fn voters_without(seen: &Metrics, id: u64) -> Result<BTreeSet<u64>, MembersError> {
    let mut voters: BTreeSet<u64> = seen.membership_config.voter_ids().collect();
    if !voters.remove(&id) {
        return Err(refused("this node has no vote"));
    }
    if voters.is_empty() {
        return Err(refused("it is the last node with a vote"));
    }
    Ok(voters)
}

/// The voters of the next configuration must be a quorum of themselves now, by what they acknowledged: else the change would
/// never end, and nothing could be written until it does. A leader that has only just begun has heard from few of them: they
/// get this long to answer.
async fn require_quorum(
    inner: &Inner,
    raft: &Raft,
    voters: &BTreeSet<u64>,
    patience: Duration,
) -> Result<(), MembersError> {
    let until = Instant::now() + patience;
    while !is_quorum_there(inner, raft, voters) {
        if !leadership(raft).leads {
            return Err(Unavailable::NoLeader.into());
        }
        if Instant::now() >= until {
            return Err(refused(
                "of the nodes that would have a vote too few answer: bring them back, or take out those that are lost",
            ));
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// Whether a majority of these has acknowledged something not long ago.
fn is_quorum_there(inner: &Inner, raft: &Raft, voters: &BTreeSet<u64>) -> bool {
    let heard = metrics(raft).heartbeat.unwrap_or_default();
    let acknowledges = |voter: &&u64| {
        let at = heard.get(*voter).copied().flatten();
        **voter == inner.node() || at.is_some_and(|at| at.elapsed() < SILENCE_MAX)
    };
    voters.iter().filter(acknowledges).count() > voters.len() / 2
}

fn refused(text: &str) -> MembersError {
    MembersError::Refused(text.to_owned())
}

/// Writes a change of the members as they were `seen` when it was judged: if another leader has changed them since, nothing
/// happens.
pub(crate) async fn write(
    raft: &Raft,
    seen: &Metrics,
    change: ChangeMembers<u64, MemberInfo>,
    retain: bool,
) -> Result<(), MembersError> {
    let unchanged = Precondition::LastMembershipLogId {
        last_membership_log_id: *seen.membership_config.log_id(),
    };
    let result = raft.change_membership_if(change, retain, [unchanged]).await;
    written(result)
}

fn written<T>(
    result: Result<T, RaftError<TypeConfig, ClientWriteError<TypeConfig>>>,
) -> Result<(), MembersError> {
    use openraft::errors::ChangeMembershipError;
    match result {
        Ok(_) => Ok(()),
        // Another leader took over, or has changed the members: whether this change is done, or half done, is for the next
        // look at them to find out.
        Err(RaftError::APIError(
            ClientWriteError::ForwardToLeader(_)
            | ClientWriteError::LogEntryDiscarded(_)
            | ClientWriteError::PreconditionFailed(_)
            | ClientWriteError::ChangeMembershipError(ChangeMembershipError::InProgress(_)),
        )) => Err(Unavailable::NoLeader.into()),
        Err(RaftError::Fatal(fatal)) => Err(Unavailable::Stopped(fatal.to_string()).into()),
        Err(RaftError::APIError(error)) => Err(MembersError::Refused(error.to_string())),
    }
}
