//! Between openraft's types and the protobuf messages that go over the wire and into the log.
//!
//! A stored log entry, log id, vote or membership is the encoded message of `peer.proto`, so disk and wire have one format.

use crate::member::MemberInfo;
use crate::raft_types::{
    CommandBytes, Entry, LeaderId, LogId, Membership, Payload, SnapshotMeta, StoredMembership,
    TypeConfig, Vote,
};
use bytes::Bytes;
use holdfast_proto::peer::v1 as pb;
use holdfast_store::SnapshotHeader;
use openraft::entry::RaftEntry as _;
use prost::Message;
use std::collections::{BTreeMap, BTreeSet};

type AppendRequest = openraft::raft::AppendEntriesRequest<TypeConfig>;
type AppendResponse = openraft::raft::AppendEntriesResponse<TypeConfig>;
type VoteRequest = openraft::raft::VoteRequest<TypeConfig>;
type VoteResponse = openraft::raft::VoteResponse<TypeConfig>;

/// A message that cannot be read. Names the field only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed {0}")]
pub(crate) struct Malformed(pub(crate) &'static str);

pub(crate) fn leader_id(id: &LeaderId) -> pb::LeaderId {
    pb::LeaderId {
        term: id.term,
        node: id.node_id,
    }
}

pub(crate) fn log_id(id: &LogId) -> pb::LogId {
    pb::LogId {
        leader: Some(leader_id(&id.leader_id)),
        index: id.index,
    }
}

pub(crate) fn to_log_id(id: &pb::LogId) -> Result<LogId, Malformed> {
    let leader = id.leader.as_ref().ok_or(Malformed("log id"))?;
    Ok(LogId {
        leader_id: to_leader_id(leader),
        index: id.index,
    })
}

pub(crate) fn to_log_id_opt(id: Option<&pb::LogId>) -> Result<Option<LogId>, Malformed> {
    id.map(to_log_id).transpose()
}

fn to_leader_id(id: &pb::LeaderId) -> LeaderId {
    LeaderId {
        term: id.term,
        node_id: id.node,
    }
}

pub(crate) fn vote(vote: &Vote) -> pb::Vote {
    pb::Vote {
        leader: Some(leader_id(&vote.leader_id)),
        committed: vote.committed,
    }
}

pub(crate) fn to_vote(vote: Option<&pb::Vote>) -> Result<Vote, Malformed> {
    let vote = vote.ok_or(Malformed("vote"))?;
    let leader = vote.leader.as_ref().ok_or(Malformed("vote"))?;
    Ok(Vote {
        leader_id: to_leader_id(leader),
        committed: vote.committed,
    })
}

pub(crate) fn member(id: u64, info: &MemberInfo) -> pb::Member {
    pb::Member {
        id,
        peer_addr: info.peer_addr.clone(),
        api_addr: info.api_addr.clone(),
        region: info.region.clone(),
        zone: info.zone.clone(),
    }
}

pub(crate) fn to_member(member: &pb::Member) -> (u64, MemberInfo) {
    let info = MemberInfo {
        peer_addr: member.peer_addr.clone(),
        api_addr: member.api_addr.clone(),
        region: member.region.clone(),
        zone: member.zone.clone(),
    };
    (member.id, info)
}

pub(crate) fn membership(membership: &Membership) -> pb::Membership {
    pb::Membership {
        configs: membership
            .get_joint_config()
            .iter()
            .map(|set| pb::VoterSet {
                voters: set.iter().copied().collect(),
            })
            .collect(),
        members: membership
            .nodes()
            .map(|(id, info)| member(*id, info))
            .collect(),
    }
}

pub(crate) fn to_membership(message: &pb::Membership) -> Result<Membership, Malformed> {
    let configs: Vec<BTreeSet<u64>> = message
        .configs
        .iter()
        .map(|set| set.voters.iter().copied().collect())
        .collect();
    let nodes: BTreeMap<u64, MemberInfo> = message.members.iter().map(to_member).collect();
    // The very first, empty membership is the only one without a configuration.
    if configs.is_empty() && nodes.is_empty() {
        return Ok(Membership::default());
    }
    Membership::new(configs, nodes).map_err(|_| Malformed("membership"))
}

/// What the state keeps: the membership and the entry it came with.
pub(crate) fn stored_membership(stored: &StoredMembership) -> Bytes {
    let message = pb::StoredMembership {
        id: stored.log_id().as_ref().map(log_id),
        membership: Some(membership(stored.membership())),
    };
    message.encode_to_vec().into()
}

pub(crate) fn to_stored_membership(bytes: &[u8]) -> Result<StoredMembership, Malformed> {
    const WHAT: Malformed = Malformed("stored membership");
    let message = pb::StoredMembership::decode(bytes).map_err(|_| WHAT)?;
    let id = to_log_id_opt(message.id.as_ref())?;
    let membership = to_membership(message.membership.as_ref().ok_or(WHAT)?)?;
    Ok(StoredMembership::new(id, membership))
}

/// What openraft wants to know of a snapshot.
pub(crate) fn snapshot_meta(header: &SnapshotHeader) -> Result<SnapshotMeta, Malformed> {
    let last_log_id = header.log_id.as_deref().map(to_log_id_bytes).transpose()?;
    let last_membership = match header.membership.as_deref() {
        Some(bytes) => to_stored_membership(bytes)?,
        None => StoredMembership::default(),
    };
    Ok(SnapshotMeta {
        last_log_id,
        last_membership,
    })
}

pub(crate) fn entry(entry: &Entry) -> pb::Entry {
    let payload = match &entry.payload {
        Payload::Blank => pb::entry::Payload::Blank(true),
        Payload::Normal(command) => pb::entry::Payload::Command(command.0.clone()),
        Payload::Membership(m) => pb::entry::Payload::Membership(membership(m)),
    };
    pb::Entry {
        id: Some(log_id(&entry.log_id())),
        payload: Some(payload),
    }
}

pub(crate) fn to_entry(message: pb::Entry) -> Result<Entry, Malformed> {
    let id = to_log_id(message.id.as_ref().ok_or(Malformed("entry"))?)?;
    let payload = match message.payload.ok_or(Malformed("entry"))? {
        pb::entry::Payload::Blank(_) => Payload::Blank,
        pb::entry::Payload::Command(bytes) => Payload::Normal(CommandBytes(bytes)),
        pb::entry::Payload::Membership(m) => Payload::Membership(to_membership(&m)?),
    };
    Ok(Entry::new(id, payload))
}

pub(crate) fn entry_bytes(value: &Entry) -> Bytes {
    entry(value).encode_to_vec().into()
}

pub(crate) fn to_entry_bytes(bytes: Bytes) -> Result<Entry, Malformed> {
    to_entry(pb::Entry::decode(bytes).map_err(|_| Malformed("entry"))?)
}

pub(crate) fn log_id_bytes(id: &LogId) -> Bytes {
    log_id(id).encode_to_vec().into()
}

pub(crate) fn to_log_id_bytes(bytes: &[u8]) -> Result<LogId, Malformed> {
    to_log_id(&pb::LogId::decode(bytes).map_err(|_| Malformed("log id"))?)
}

pub(crate) fn vote_bytes(value: &Vote) -> Bytes {
    vote(value).encode_to_vec().into()
}

pub(crate) fn to_vote_bytes(bytes: &[u8]) -> Result<Vote, Malformed> {
    to_vote(Some(
        &pb::Vote::decode(bytes).map_err(|_| Malformed("vote"))?,
    ))
}

pub(crate) fn append_request(message: pb::AppendRequest) -> Result<AppendRequest, Malformed> {
    Ok(AppendRequest {
        vote: to_vote(message.vote.as_ref())?,
        prev_log_id: to_log_id_opt(message.prev.as_ref())?,
        entries: message
            .entries
            .into_iter()
            .map(to_entry)
            .collect::<Result<_, _>>()?,
        leader_commit: to_log_id_opt(message.leader_commit.as_ref())?,
    })
}

pub(crate) fn append_response(response: &AppendResponse) -> pb::AppendResponse {
    use pb::append_response::Result as R;
    let result = match response {
        AppendResponse::Success => R::Success(pb::Done {}),
        AppendResponse::PartialSuccess(Some(id)) => R::Partial(log_id(id)),
        // Nothing was taken: to the leader that is the same as a first entry that does not fit.
        AppendResponse::PartialSuccess(None) | AppendResponse::Conflict => R::Conflict(pb::Done {}),
        AppendResponse::HigherVote(higher) => R::HigherVote(vote(higher)),
    };
    pb::AppendResponse {
        result: Some(result),
    }
}

pub(crate) fn to_append_response(
    message: &pb::AppendResponse,
) -> Result<AppendResponse, Malformed> {
    use pb::append_response::Result as R;
    match message
        .result
        .as_ref()
        .ok_or(Malformed("append response"))?
    {
        R::Success(_) => Ok(AppendResponse::Success),
        R::Partial(id) => Ok(AppendResponse::PartialSuccess(Some(to_log_id(id)?))),
        R::Conflict(_) => Ok(AppendResponse::Conflict),
        R::HigherVote(higher) => Ok(AppendResponse::HigherVote(to_vote(Some(higher))?)),
    }
}

pub(crate) fn vote_request(message: &pb::VoteRequest) -> Result<VoteRequest, Malformed> {
    let mut request = VoteRequest::new(
        to_vote(message.vote.as_ref())?,
        to_log_id_opt(message.last.as_ref())?,
    );
    request.leadership_transfer = message.leadership_transfer;
    Ok(request)
}

pub(crate) fn vote_response(response: &VoteResponse) -> pb::VoteResponse {
    pb::VoteResponse {
        vote: Some(vote(&response.vote)),
        granted: response.vote_granted,
        last: response.last_log_id.as_ref().map(log_id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn id(term: u64, node: u64, index: u64) -> LogId {
        let leader_id = LeaderId {
            term,
            node_id: node,
        };
        LogId { leader_id, index }
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn stored_forms_are_pinned() {
        let log_id = id(3, 2, 300);
        assert_eq!(
            hex(&log_id_bytes(&log_id)),
            "0a0408031002".to_owned() + "10ac02"
        );
        let voted = Vote {
            leader_id: log_id.leader_id,
            committed: true,
        };
        assert_eq!(hex(&vote_bytes(&voted)), "0a04080310021001");
        let command = Payload::Normal(CommandBytes(Bytes::from_static(b"abc")));
        let bytes = entry_bytes(&Entry::new(log_id, command));
        assert_eq!(hex(&bytes), "0a090a040803100210ac021a03616263");
        let blank = entry_bytes(&Entry::new(id(1, 1, 1), Payload::Blank));
        assert_eq!(hex(&blank), "0a080a040801100110011001");
        let info = MemberInfo {
            peer_addr: "p".to_owned(),
            api_addr: "a".to_owned(),
            region: "r".to_owned(),
            zone: "z".to_owned(),
        };
        let members = Membership::new(vec![BTreeSet::from([1])], BTreeMap::from([(1, info)]));
        let stored = StoredMembership::new(Some(id(1, 1, 1)), members.unwrap());
        let bytes = stored_membership(&stored);
        assert_eq!(
            hex(&bytes),
            "0a080a040801100110011215".to_owned()
                + "0a030a0101"
                + "120e0801120170"
                + "1a0161"
                + "220172"
                + "2a017a"
        );
        assert_eq!(to_stored_membership(&bytes), Ok(stored));
    }

    proptest! {
        #[test]
        fn entries_survive_their_stored_form(
            term: u64, node: u64, index: u64, command: Vec<u8>, voters in proptest::collection::btree_set(1u64..40, 1..8),
        ) {
            let nodes: BTreeMap<u64, MemberInfo> =
                voters.iter().map(|id| (*id, MemberInfo::default())).collect();
            let members = Membership::new(vec![voters], nodes).unwrap();
            for payload in [
                Payload::Blank,
                Payload::Normal(CommandBytes(command.into())),
                Payload::Membership(members),
            ] {
                let before = Entry::new(id(term, node, index), payload);
                let after = to_entry_bytes(entry_bytes(&before)).unwrap();
                prop_assert!(before == after);
            }
        }

        #[test]
        fn garbage_is_refused_not_panicked_on(bytes: Vec<u8>) {
            let _ = to_entry_bytes(bytes.clone().into());
            let _ = to_stored_membership(&bytes);
            let _ = to_log_id_bytes(&bytes);
            let _ = to_vote_bytes(&bytes);
        }
    }
}
