//! What only the leader does: tick the clock, set checkpoints, keep the members' records, finish what a former leader began; and
//! give way when its clock is off.

use crate::inner::{Inner, Phase, leadership};
use crate::members;
use crate::propose::{self, Attempt};
use crate::raft_types::Raft;
use crate::records;
use crate::step_down;
use holdfast_machine::Command;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Between two ticks while something can expire.
const TICK_EVERY: Duration = Duration::from_secs(1);
/// Between two looks at the members' records.
const RECORDS_EVERY: Duration = Duration::from_millis(500);
/// Entries after which a checkpoint is set ahead of its time.
const CHECKPOINT_ENTRIES: u64 = 10_000;
/// Longest wait for one of these proposals.
const PROPOSE_WAIT: Duration = Duration::from_secs(5);

/// When each was last done.
struct Done {
    tick: Instant,
    checkpoint: Instant,
    checkpoint_index: u64,
    records: Option<Instant>,
}

/// Runs until aborted.
pub(crate) async fn run(inner: Arc<Inner>) {
    let now = Instant::now();
    let mut done = Done {
        tick: now,
        checkpoint: now,
        checkpoint_index: inner
            .state
            .checkpoints()
            .last()
            .map_or(0, |mark| mark.index),
        records: None,
    };
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let Phase::Running(raft) = inner.phase.borrow().clone() else {
            continue;
        };
        if leadership(&raft).leads {
            lead(&inner, &raft, &mut done).await;
        } else {
            done.records = None;
        }
    }
}

async fn lead(inner: &Inner, raft: &Raft, done: &mut Done) {
    if inner.clock_verdict.lock().unfit {
        let until = Instant::now() + inner.timing.failover();
        if let Err(error) = step_down::hand_over(inner, raft, None, until).await {
            tracing::warn!(%error, "cannot hand over although the clock is off");
        }
        return;
    }
    if done.records.is_none_or(|at| at.elapsed() >= RECORDS_EVERY) {
        finish_change(inner, raft).await;
        records::keep(inner, raft).await;
        done.records = Some(Instant::now());
    }
    let now = Instant::now();
    if now - done.tick >= TICK_EVERY && (inner.needs_tick)() {
        done.tick = now;
        let mut tick = Command::Tick { proposed_at_ms: 0 };
        propose::propose_here(inner, &mut tick, PROPOSE_WAIT).await;
    }
    let new = inner.applied.now().saturating_sub(done.checkpoint_index);
    if new >= CHECKPOINT_ENTRIES || (new > 0 && now - done.checkpoint >= inner.checkpoint_every) {
        let mut checkpoint = Command::Checkpoint { proposed_at_ms: 0 };
        if let Attempt::Applied(answer) =
            propose::propose_here(inner, &mut checkpoint, PROPOSE_WAIT).await
        {
            done.checkpoint = now;
            done.checkpoint_index = answer.index;
        }
    }
}

/// A change of the members whose leader was lost half way ends here, not when somebody asks for the next one.
async fn finish_change(inner: &Inner, raft: &Raft) {
    let Ok(_changing) = inner.changing.try_lock() else {
        return;
    };
    match tokio::time::timeout(PROPOSE_WAIT, members::finish(raft)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a change of the members stays half done"),
        Err(_) => tracing::debug!("a change of the members stays half done: no quorum in time"),
    }
}
