//! How old this node's state is at most, without trusting any clock but this process's monotonic one.
//!
//! The leader is asked: "what is committed, and how long ago did a quorum last confirm you?" When the question left at `t`,
//! the answer holds everything acknowledged anywhere before `t - age`; once this node has applied the committed index named
//! in the answer, its state is known to have been current then.

use parking_lot::Mutex;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// Answers whose index is not applied yet; older ones give way.
const PENDING_MAX: usize = 64;

/// What is known about the age of the state.
pub(crate) struct Freshness {
    began: Instant,
    state: Mutex<State>,
}

impl Default for Freshness {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            state: Mutex::default(),
        }
    }
}

#[derive(Default)]
struct State {
    /// The state was current at this instant.
    current_at: Option<Instant>,
    /// Committed index and when it was everything.
    pending: VecDeque<(u64, Instant)>,
    /// When a quorum last confirmed a leader that told so.
    led_at: Option<Instant>,
}

impl Freshness {
    /// Everything acknowledged before `as_of` is at or below `index`.
    pub(crate) fn note(&self, index: u64, as_of: Instant) {
        let mut state = self.state.lock();
        state.led_at = state.led_at.max(Some(as_of));
        if state.pending.len() == PENDING_MAX {
            state.pending.pop_front();
        }
        state.pending.push_back((index, as_of));
    }

    /// How long this node has heard of no leader that a quorum confirmed; counted from its start at the longest.
    pub(crate) fn silence(&self) -> Duration {
        let led_at = self.state.lock().led_at;
        led_at.unwrap_or(self.began).elapsed()
    }

    /// Age of the state when `applied` is applied; `None` before it was first known current.
    pub(crate) fn age(&self, applied: u64, now: Instant) -> Option<Duration> {
        let mut state = self.state.lock();
        let State {
            current_at,
            pending,
            ..
        } = &mut *state;
        pending.retain(|(index, as_of)| {
            let reached = *index <= applied;
            if reached {
                *current_at = (*current_at).max(Some(*as_of));
            }
            !reached
        });
        current_at.map(|at| now.saturating_duration_since(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_only_what_is_applied() {
        let freshness = Freshness::default();
        let start = Instant::now();
        let later = start + Duration::from_secs(10);
        assert_eq!(freshness.age(100, later), None);
        freshness.note(5, start);
        freshness.note(9, start + Duration::from_secs(4));
        assert_eq!(freshness.age(4, later), None);
        assert_eq!(freshness.age(5, later), Some(Duration::from_secs(10)));
        assert_eq!(freshness.age(9, later), Some(Duration::from_secs(6)));
        freshness.note(9, start + Duration::from_secs(2));
        assert_eq!(
            freshness.age(9, later),
            Some(Duration::from_secs(6)),
            "an older answer does not make it older"
        );
    }
}
