//! Leaving the cluster's work at once because this node's state cannot be trusted.

use crate::host;
use crate::inner::{Inner, Phase, leadership};
use crate::step_down;
use std::sync::Arc;
use tokio::time::Instant;

/// Why a node leaves that no longer has what it had promised to have.
pub(crate) const LOST: &str =
    "this node's data directory has lost entries that it had acknowledged";

/// Why a node leaves whose number is another directory's.
pub(crate) const OTHER: &str = "this node's number belongs to another data directory";

/// Stops serving now, hands over leadership if this node has it, and stops Raft. A node that waits to join never does.
pub(crate) fn leave(inner: &Arc<Inner>, why: &str) {
    let phase = inner.phase.borrow().clone();
    if matches!(phase, Phase::Quarantined(_) | Phase::Stopped(_)) {
        return;
    }
    tracing::error!(reason = %why, "this node is quarantined");
    *inner.members_left.lock() = inner.members();
    let text = format!("{why}; remove the node and add it with a new id");
    inner.set_phase(Phase::Quarantined(text));
    let Phase::Running(raft) = phase else {
        return;
    };
    let inner = Arc::clone(inner);
    host::spawn(async move {
        if leadership(&raft).leads {
            let until = Instant::now() + inner.timing.election_max;
            // Without a successor the others elect one when this node falls silent.
            let _ = step_down::hand_over(&inner, &raft, None, until).await;
        }
        if raft.shutdown().await.is_err() {
            tracing::warn!("Raft did not end cleanly");
        }
    });
}
