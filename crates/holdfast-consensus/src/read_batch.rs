//! Read-index rounds shared by all waiting reads.
//!
//! Invariant: a read is only ever answered by a round that began after the read arrived. It therefore joins the next round
//! to start and never one in flight; a round in flight may have asked the leader before a write that this read must see.

use crate::host;
use holdfast_machine::{BoxFuture, Unavailable};
use holdfast_mutant::Mutant;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::Instant;

/// Most reads waiting for a round.
const WAITING_MAX: usize = 65_536;
/// Most rounds in flight: on a slow path a read need not wait for the round before it to come back.
const ROUNDS_MAX: usize = 4;

/// Runs one round, within the time given: the index to which a reader must have applied.
pub(crate) type Round =
    Arc<dyn Fn(Duration) -> BoxFuture<'static, Result<u64, Unavailable>> + Send + Sync>;

struct Waiter {
    until: Instant,
    done: oneshot::Sender<Result<u64, Unavailable>>,
}

/// Where reads queue.
pub(crate) struct ReadBatch {
    queue: mpsc::Sender<Waiter>,
}

/// The end that runs rounds; see [`Rounds::run`].
pub(crate) struct Rounds {
    queue: mpsc::Receiver<Waiter>,
}

impl ReadBatch {
    pub(crate) fn new() -> (Self, Rounds) {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        (Self { queue: sender }, Rounds { queue: receiver })
    }

    /// Joins the next round and returns its index.
    pub(crate) async fn join(&self, deadline: Duration) -> Result<u64, Unavailable> {
        let (done, answer) = oneshot::channel();
        let until = Instant::now() + deadline;
        if self.queue.try_send(Waiter { until, done }).is_err() {
            return Err(Unavailable::Stopped(
                "too many reads are waiting".to_owned(),
            ));
        }
        match tokio::time::timeout_at(until, answer).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(Unavailable::Stopped("this node is stopping".to_owned())),
            Err(_) => Err(Unavailable::NoQuorum),
        }
    }
}

impl Rounds {
    /// Runs rounds until the queue is dropped.
    pub(crate) async fn run(mut self, round: Round) {
        let slots = Arc::new(Semaphore::new(ROUNDS_MAX));
        while let Some(first) = self.queue.recv().await {
            let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
                return;
            };
            // Whoever has arrived by now goes along: the round has not begun.
            let mut waiters = vec![first];
            while let Ok(waiter) = self.queue.try_recv() {
                waiters.push(waiter);
            }
            if Mutant::ReadJoinsLate.lives() {
                let result = round(Duration::from_secs(1)).await;
                while let Ok(late) = self.queue.try_recv() {
                    waiters.push(late);
                }
                for waiter in waiters {
                    let _ = waiter.done.send(result.clone());
                }
                continue;
            }
            let round = Arc::clone(&round);
            host::spawn(async move {
                let now = Instant::now();
                let longest = waiters.iter().map(|waiter| waiter.until).max();
                let time =
                    longest.map_or(Duration::ZERO, |until| until.saturating_duration_since(now));
                let result = round(time).await;
                drop(slot);
                for waiter in waiters {
                    // A reader whose time was up is gone.
                    let _ = waiter.done.send(result.clone());
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parking_lot::Mutex;

    const LONG: Duration = Duration::from_secs(5);

    /// Rounds that begin at once, read a counter then, and come back when they are told to.
    struct Leader {
        committed: Mutex<u64>,
        gates: Mutex<Vec<oneshot::Sender<()>>>,
    }

    impl Leader {
        fn round(self: &Arc<Self>) -> Round {
            let leader = Arc::clone(self);
            Arc::new(move |_| {
                let index = *leader.committed.lock();
                let (gate, opened) = oneshot::channel();
                leader.gates.lock().push(gate);
                Box::pin(async move {
                    let _ = opened.await;
                    Ok(index)
                })
            })
        }

        async fn rounds(&self, count: usize) {
            while self.gates.lock().len() < count {
                tokio::task::yield_now().await;
            }
        }

        fn release(&self) {
            for gate in std::mem::take(&mut *self.gates.lock()) {
                let _ = gate.send(());
            }
        }
    }

    fn start() -> (Arc<Leader>, Arc<ReadBatch>) {
        let leader = Arc::new(Leader {
            committed: Mutex::new(1),
            gates: Mutex::default(),
        });
        let (reads, rounds) = ReadBatch::new();
        tokio::spawn(rounds.run(leader.round()));
        (leader, Arc::new(reads))
    }

    fn read(reads: &Arc<ReadBatch>) -> tokio::task::JoinHandle<Result<u64, Unavailable>> {
        let reads = Arc::clone(reads);
        tokio::spawn(async move { reads.join(LONG).await })
    }

    #[tokio::test]
    async fn a_read_never_joins_a_round_in_flight() {
        let (leader, reads) = start();
        let first = read(&reads);
        leader.rounds(1).await;
        // A write is acknowledged while the first round is under way; a read after it must see it.
        *leader.committed.lock() = 2;
        let second = read(&reads);
        leader.rounds(2).await;
        leader.release();
        assert_eq!(first.await.unwrap(), Ok(1));
        assert_eq!(second.await.unwrap(), Ok(2));
    }

    #[tokio::test]
    async fn reads_that_wait_share_one_round() {
        let (leader, reads) = start();
        let busy: Vec<_> = (0..ROUNDS_MAX).map(|_| read(&reads)).collect();
        // Tasks may share a round; fill the slots one by one.
        leader.rounds(1).await;
        leader.release();
        for read in busy {
            assert_eq!(read.await.unwrap(), Ok(1));
        }
        for filled in 1..=ROUNDS_MAX {
            read(&reads);
            leader.rounds(filled).await;
        }
        *leader.committed.lock() = 7;
        let waiting: Vec<_> = (0..100).map(|_| read(&reads)).collect();
        tokio::task::yield_now().await;
        leader.release();
        leader.rounds(1).await;
        let shared = leader.gates.lock().len();
        leader.release();
        for read in waiting {
            assert_eq!(read.await.unwrap(), Ok(7));
        }
        assert!(
            shared <= ROUNDS_MAX,
            "one hundred reads took {shared} rounds at once"
        );
    }

    #[tokio::test]
    async fn a_reader_keeps_its_own_deadline() {
        let (_leader, reads) = start();
        let late = reads.join(Duration::from_millis(5)).await;
        assert_eq!(late, Err(Unavailable::NoQuorum));
    }
}
