//! Votes are neither asked for nor given by who lacks what it had promised.
//!
//! Pings tell that as well (`witness.rs`), but a node that was put back to an older image may be asked for its vote, or ask for
//! others', before the first of them is answered. So a request for a vote says what the candidate found when it began, and what
//! it was told of the node that it asks; each side judges the other.

use crate::codec;
use crate::inner::Inner;
use crate::link::{Link, refusal};
use crate::quarantine;
use crate::raft_types::TypeConfig;
use crate::visitors;
use holdfast_proto::peer::v1 as pb;
use holdfast_types::StoreId;
use openraft::raft::VoteRequest;
use pb::refusal::Reason;
use std::sync::Arc;

/// The request as it goes to `asked`.
pub(crate) fn request(link: &Link, asked: u64, rpc: &VoteRequest<TypeConfig>) -> pb::VoteRequest {
    pb::VoteRequest {
        vote: Some(codec::vote(&rpc.vote)),
        last: rpc.last_log_id.as_ref().map(codec::log_id),
        leadership_transfer: rpc.leadership_transfer,
        told: link.witness.told_by(asked),
        began_with: Some(link.witness.began_with()),
    }
}

/// Whether Raft may be asked. When it is this node that lacks something, it leaves, unless a visitor says so: its word is worth
/// no more than the vote that it does not get.
pub(crate) fn admit(
    inner: &Arc<Inner>,
    (from, store): (u64, Option<StoreId>),
    request: &pb::VoteRequest,
) -> Result<(), pb::Refusal> {
    let witness = &inner.link.witness;
    let owed = witness.owed(inner.link.store_id, &request.told);
    if visitors::is_here(inner, from) {
        if witness.may_have_lost(owed) {
            return Err(refusal(Reason::NotServing, quarantine::LOST));
        }
    } else if witness.has_lost(owed) {
        quarantine::leave(inner, quarantine::LOST);
        return Err(refusal(Reason::NotServing, quarantine::LOST));
    }
    if let (Some(store), Some(began)) = (store, &request.began_with)
        && witness.knows_of_loss(from, store, began)
    {
        let text = "the candidate's data directory has lost entries that it had acknowledged";
        return Err(refusal(Reason::NotServing, text));
    }
    Ok(())
}
