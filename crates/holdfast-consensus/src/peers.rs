//! What this node has learned of each peer by asking it.

use crate::codec;
use crate::member::MemberInfo;
use crate::timing::millis;
use holdfast_proto::peer::v1 as pb;
use holdfast_types::StoreId;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// One peer as last heard.
#[derive(Clone)]
pub(crate) struct PeerView {
    /// When its last answer came.
    pub(crate) heard_at: Instant,
    /// Smoothed round trip.
    pub(crate) rtt: Duration,
    /// Its clock when its last answer came, milliseconds since the Unix epoch.
    pub(crate) clock_ms: u64,
    pub(crate) store_id: StoreId,
    pub(crate) info: MemberInfo,
    pub(crate) version: String,
    pub(crate) pristine: bool,
    /// The leader it follows.
    pub(crate) leader: Option<u64>,
    /// It does not know this node as a member: what it does not know of this number says nothing.
    pub(crate) unaware: bool,
    /// It would know: it has applied all that its log tells of data directories.
    pub(crate) would_know: bool,
    pub(crate) checkpoints: Vec<pb::Checkpoint>,
}

/// All peers that answered.
#[derive(Default)]
pub(crate) struct Peers {
    views: Mutex<BTreeMap<u64, PeerView>>,
}

/// A ping's answer and what was measured around it.
pub(crate) struct Heard {
    pub(crate) pong: pb::PingResponse,
    pub(crate) store_id: StoreId,
    pub(crate) round_trip: Duration,
}

impl PeerView {
    /// Its clock less `wall_ms`, this node's at `now`, in milliseconds. Since it was heard, its clock is taken to have gone on
    /// as fast as this node's monotonic one, so that a jump of this node's wall clock is seen at once.
    pub(crate) fn skew_ms(&self, wall_ms: u64, now: Instant) -> i64 {
        let since = millis(now.saturating_duration_since(self.heard_at));
        difference(self.clock_ms.saturating_add(since), wall_ms)
    }
}

impl Peers {
    /// Takes in an answer.
    pub(crate) fn heard(&self, node: u64, heard: &Heard) {
        let mut views = self.views.lock();
        let before = views.get(&node);
        let rtt = before.map_or(heard.round_trip, |view| {
            (view.rtt * 3 + heard.round_trip) / 4
        });
        let info = heard
            .pong
            .member
            .as_ref()
            .map(|member| codec::to_member(member).1);
        let checkpoints = if heard.pong.checkpoints.is_empty() {
            before
                .map(|view| view.checkpoints.clone())
                .unwrap_or_default()
        } else {
            heard.pong.checkpoints.clone()
        };
        let view = PeerView {
            heard_at: Instant::now(),
            rtt,
            clock_ms: heard
                .pong
                .wall_ms
                .saturating_add(millis(heard.round_trip / 2)),
            store_id: heard.store_id,
            info: info.unwrap_or_default(),
            version: heard.pong.software_version.clone(),
            pristine: heard.pong.phase() == pb::ping_response::Phase::Pristine,
            leader: Some(heard.pong.leader).filter(|id| *id != 0),
            unaware: heard.pong.you_are_unknown,
            would_know: heard.pong.known_stores_complete,
            checkpoints,
        };
        views.insert(node, view);
    }

    /// Takes in where a peer says it is found, when it asked us.
    pub(crate) fn learn_address(&self, node: u64, info: MemberInfo) {
        if let Some(view) = self.views.lock().get_mut(&node) {
            view.info = info;
        }
    }

    pub(crate) fn get(&self, node: u64) -> Option<PeerView> {
        self.views.lock().get(&node).cloned()
    }

    pub(crate) fn all(&self) -> BTreeMap<u64, PeerView> {
        self.views.lock().clone()
    }

    /// Forgets who is no longer a peer.
    pub(crate) fn retain(&self, keep: impl Fn(u64) -> bool) {
        self.views.lock().retain(|node, _| keep(*node));
    }
}

/// `theirs - ours`, clamped.
fn difference(theirs: u64, ours: u64) -> i64 {
    i64::try_from(i128::from(theirs) - i128::from(ours)).unwrap_or(if theirs > ours {
        i64::MAX
    } else {
        i64::MIN
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_do_not_overflow() {
        assert_eq!(difference(5, 7), -2);
        assert_eq!(difference(u64::MAX, 0), i64::MAX);
        assert_eq!(difference(0, u64::MAX), i64::MIN);
    }
}
