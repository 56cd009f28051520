//! Leaving the cluster's work at once because this node's state cannot be trusted.

use crate::host;
use crate::inner::{Inner, Phase, leadership};
use crate::raft_types::Raft;
use crate::step_down;
use std::sync::Arc;
use tokio::time::Instant;

/// Stops serving now, hands over leadership if this node has it, and stops Raft.
pub(crate) fn leave(inner: &Arc<Inner>, raft: &Raft, why: String) {
    tracing::error!(reason = %why, "this node is quarantined");
    let text = format!("{why}; remove the node and add it with a new id");
    inner.set_phase(Phase::Quarantined(text));
    let (inner, raft) = (Arc::clone(inner), raft.clone());
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
