//! How far this node has applied, for those who wait for it.

use holdfast_machine::Unavailable;
use std::time::Duration;
use tokio::sync::watch;

/// The applied index as a watched value. It never goes back.
pub(crate) struct AppliedIndex {
    sender: watch::Sender<u64>,
}

impl AppliedIndex {
    pub(crate) fn new(index: u64) -> Self {
        Self {
            sender: watch::Sender::new(index),
        }
    }

    /// Publishes that `index` is applied.
    pub(crate) fn advance(&self, index: u64) {
        self.sender.send_if_modified(|applied| {
            let moved = index > *applied;
            *applied = index.max(*applied);
            moved
        });
    }

    pub(crate) fn now(&self) -> u64 {
        *self.sender.borrow()
    }

    /// Resolves with the applied index once it is past `seen`.
    pub(crate) async fn past(&self, seen: u64) -> u64 {
        let mut receiver = self.sender.subscribe();
        // The sender lives in `self`, so waiting cannot fail.
        match receiver.wait_for(|applied| *applied > seen).await {
            Ok(applied) => *applied,
            Err(_) => seen,
        }
    }

    /// Waits until `index` is applied.
    pub(crate) async fn reach(&self, index: u64, deadline: Duration) -> Result<u64, Unavailable> {
        let now = self.now();
        if now >= index {
            return Ok(now);
        }
        match tokio::time::timeout(deadline, self.past(index.saturating_sub(1))).await {
            Ok(applied) => Ok(applied),
            Err(_) => Err(Unavailable::Behind),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[tokio::test]
    async fn waits_until_the_index_and_never_goes_back() {
        let applied = Arc::new(AppliedIndex::new(3));
        assert_eq!(applied.reach(3, Duration::ZERO).await, Ok(3));
        assert_eq!(
            applied.reach(4, Duration::from_millis(1)).await,
            Err(Unavailable::Behind)
        );
        let waiting = {
            let applied = Arc::clone(&applied);
            tokio::spawn(async move { applied.reach(5, Duration::from_secs(5)).await })
        };
        applied.advance(6);
        applied.advance(2);
        assert_eq!(waiting.await.ok(), Some(Ok(6)));
        assert_eq!(applied.now(), 6);
    }
}
