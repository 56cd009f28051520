//! How a node with an empty data directory comes to take part.
//!
//! It may have voted before it lost its disk. So it takes part only once somebody who would know says that its number is
//! free: all configured members answer, would know another data directory under its number, and know none, or a leader says so
//! from linearizable state. The node with the lowest number makes the cluster, once, when every other one is just as empty.

use crate::inner::{Inner, Phase, leadership, metrics};
use crate::member::NodeRecord;
use crate::peers::PeerView;
use crate::quarantine;
use crate::raft_types::Raft;
use crate::read_index;
use crate::records;
use crate::start;
use holdfast_mutant::Mutant;
use holdfast_proto::peer::v1 as pb;
use holdfast_transport::Channel;
use holdfast_types::NodeId;
use pb::join_response::Result as Verdict;
use pb::response::Body as Answer;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Between two looks at what the peers answered.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Answers older than this are asked for again before they count.
const ANSWER_AGE_MAX: Duration = Duration::from_secs(2);
/// Longest wait for a leader's word.
const ASK_WAIT: Duration = Duration::from_secs(2);

/// Runs until this node takes part or is quarantined.
pub(crate) async fn join(inner: Arc<Inner>) {
    let me = inner.node();
    loop {
        if !matches!(&*inner.phase.borrow(), Phase::Joining(_)) {
            return;
        }
        let views = inner.peers.all();
        let others: Vec<u64> = inner
            .configured
            .iter()
            .map(|m| m.id.0)
            .filter(|id| *id != me)
            .collect();
        let heard: BTreeMap<u64, &PeerView> = others
            .iter()
            .filter_map(|id| Some((*id, views.get(id)?)))
            .filter(|(_, view)| view.heard_at.elapsed() < ANSWER_AGE_MAX && !view.unaware)
            .collect();
        let silent: Vec<u64> = others
            .iter()
            .copied()
            .filter(|id| heard.get(id).is_none_or(|view| !view.would_know))
            .collect();
        if silent.is_empty() {
            let all_pristine = heard.values().all(|view| view.pristine);
            let lowest = others.iter().all(|id| *id > me);
            if let Some(raft) = start::start_raft(&inner).await
                && all_pristine
                && lowest
            {
                initialize(&inner, &raft).await;
            }
            return;
        }
        match ask_leader(&inner, heard.into_values()).await {
            Some(Verdict::Free(_)) => {
                start::start_raft(&inner).await;
                return;
            }
            Some(Verdict::Taken(_)) => {
                quarantine::leave(&inner, quarantine::OTHER);
                return;
            }
            Some(Verdict::NotLeader(_)) | None => {}
        }
        let waiting = format!(
            "takes part once {silent:?} tell what they know of its number, or a leader does"
        );
        inner.set_phase(Phase::Joining(waiting));
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Makes the cluster of the configured members.
async fn initialize(inner: &Inner, raft: &Raft) {
    let members: BTreeMap<u64, _> = inner
        .configured
        .iter()
        .map(|member| (member.id.0, member.info.clone()))
        .collect();
    match raft.initialize(members).await {
        Ok(()) => tracing::info!(cluster = %inner.link.cluster, "made a new cluster"),
        // Not pristine after all: then there is a cluster, and it will be heard of.
        Err(error) => tracing::warn!(%error, "did not make a new cluster"),
    }
}

/// A leader's word, if those that answered know of one.
async fn ask_leader(inner: &Inner, heard: impl Iterator<Item = &PeerView>) -> Option<Verdict> {
    for leader in named_leaders(heard) {
        if leader == inner.node() {
            // Said of the node that had this number before.
            continue;
        }
        let store_id = inner.link.store_id.0.to_vec().into();
        let body = pb::request::Body::Join(pb::JoinRequest { store_id });
        let asked = inner.link.call(leader, Channel::Forward, body, ASK_WAIT);
        if let Ok(Answer::Join(answer)) = asked.await
            && let Some(verdict @ (Verdict::Free(_) | Verdict::Taken(_))) = answer.result
        {
            return Some(verdict);
        }
    }
    None
}

/// The leaders these peers follow, first the one that most of them follow. A peer may not have noticed yet that its leader is
/// gone, or was taken out and never will.
fn named_leaders<'a>(heard: impl Iterator<Item = &'a PeerView>) -> Vec<u64> {
    let mut named: BTreeMap<u64, usize> = BTreeMap::new();
    for leader in heard.filter_map(|view| view.leader) {
        *named.entry(leader).or_default() += 1;
    }
    let mut named: Vec<_> = named.into_iter().collect();
    named.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
    named.into_iter().map(|(leader, _)| leader).collect()
}

/// Another node asks whether its number is free.
pub(crate) async fn serve(
    inner: &Inner,
    raft: &Raft,
    from: u64,
    request: &pb::JoinRequest,
) -> Result<Answer, pb::Refusal> {
    let now = leadership(raft);
    let result = if now.leads {
        let unavailable = |why: holdfast_machine::Unavailable| {
            crate::link::refusal(pb::refusal::Reason::Unavailable, why.to_string())
        };
        let index = read_index::round(inner, ASK_WAIT)
            .await
            .map_err(unavailable)?;
        inner
            .applied
            .reach(index, ASK_WAIT)
            .await
            .map_err(unavailable)?;
        let record = records::of(inner, from).map_err(unavailable)?;
        let members = metrics(raft).membership_config;
        let gone = members.membership().get_node(&from).is_none();
        let taken = |record: NodeRecord| match record.tied_to() {
            Some(store) => record.removed || store.0[..] != request.store_id[..],
            // Kept for one that is about to be taken out, and may have been.
            None => gone,
        };
        if record.is_some_and(taken) && !Mutant::WipedDiskTrusted.lives() {
            tracing::warn!(node = %NodeId(from), "a node came back with another data directory");
            Verdict::Taken(pb::Done {})
        } else {
            Verdict::Free(pb::Done {})
        }
    } else {
        Verdict::NotLeader(pb::NotLeader {
            leader: now.leader.unwrap_or(0),
        })
    };
    let result = Some(result);
    Ok(Answer::Join(pb::JoinResponse { result }))
}
