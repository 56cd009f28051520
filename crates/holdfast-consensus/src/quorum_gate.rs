//! Silence of a leader that no quorum answers.
//!
//! Where a leader is heard but hears nobody, its messages keep the others from electing one who could work. openraft holds
//! back heartbeats then (`quorum_loss_probe_interval`) but goes on sending log entries; this gate holds those back in the same
//! rhythm: silent for a period, then trying for a period, and so on.

use parking_lot::Mutex;
use std::time::Duration;
use tokio::time::Instant;

/// Whether this leader may send log entries.
pub(crate) struct QuorumGate {
    lease: Duration,
    period: Duration,
    /// When a quorum last answered; `None` while this node does not lead or is its own quorum.
    answered_at: Mutex<Option<Instant>>,
}

impl QuorumGate {
    pub(crate) const fn new(lease: Duration, period: Duration) -> Self {
        Self {
            lease,
            period,
            answered_at: Mutex::new(None),
        }
    }

    pub(crate) fn set(&self, answered_at: Option<Instant>) {
        *self.answered_at.lock() = answered_at;
    }

    pub(crate) fn is_open(&self, now: Instant) -> bool {
        let Some(answered_at) = *self.answered_at.lock() else {
            return true;
        };
        let age = now.saturating_duration_since(answered_at);
        match age.checked_sub(self.lease) {
            None => true,
            Some(over) => (over.as_nanos() / self.period.as_nanos().max(1)) % 2 == 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn falls_silent_after_the_lease_and_tries_again() {
        let gate = QuorumGate::new(Duration::from_millis(300), Duration::from_millis(600));
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        assert!(gate.is_open(at(5_000)), "not leading");
        gate.set(Some(start));
        assert!(gate.is_open(at(0)) && gate.is_open(at(299)));
        assert!(!gate.is_open(at(300)) && !gate.is_open(at(899)));
        assert!(gate.is_open(at(900)) && gate.is_open(at(1_499)));
        assert!(!gate.is_open(at(1_500)));
        gate.set(Some(at(1_500)));
        assert!(gate.is_open(at(1_500)));
    }
}
