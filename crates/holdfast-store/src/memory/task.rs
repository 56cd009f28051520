//! The task that runs the log's committer in a simulation. Each batch waits twice: as long as its write takes before it is
//! written, and as long as its promise takes before it is answered; so a crash finds batches that are durable and that
//! nobody was told of.

use super::knobs::DiskOp;
use super::life::Life;
use crate::disk::Driver;
use crate::log::{Committer, Op, Queue, Written};
use holdfast_machine::BoxFuture;
use parking_lot::Mutex;
use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::time::Duration;

/// The committer, the queue, and the batch it is at, shared with who closes the log.
struct Turn {
    /// Gone once the log is closed.
    committer: Option<Committer>,
    stage: Stage,
    queue: Arc<Queue>,
    life: Arc<Life>,
}

enum Stage {
    Idle,
    Taken(Vec<Op>),
    Written(Vec<Op>, Written, Duration),
}

struct Task(Arc<Mutex<Turn>>);

pub(super) fn start(
    committer: Committer,
    life: Arc<Life>,
) -> (Box<dyn Driver>, BoxFuture<'static, ()>) {
    let queue = Arc::clone(committer.queue());
    let turn = Arc::new(Mutex::new(Turn {
        committer: Some(committer),
        stage: Stage::Idle,
        queue: Arc::clone(&queue),
        life: Arc::clone(&life),
    }));
    let task = Box::pin(run(Arc::clone(&turn), queue, life));
    (Box::new(Task(turn)), task)
}

async fn run(turn: Arc<Mutex<Turn>>, queue: Arc<Queue>, life: Arc<Life>) {
    while let Some(ops) = poll_fn(|context| queue.poll_take(context)).await {
        let durable = ops.iter().any(Op::must_be_durable);
        let (write, promise) = if durable {
            let sync = DiskOp::Sync { ops: ops.len() };
            (life.latency(sync), life.latency(DiskOp::Promise))
        } else {
            let write = DiskOp::Write { ops: ops.len() };
            (life.latency(write), Duration::ZERO)
        };
        turn.lock().stage = Stage::Taken(ops);
        wait(write).await;
        turn.lock().write(write + promise);
        wait(promise).await;
        turn.lock().answer();
        if life.is_over() {
            // What was asked for in this life is never answered.
            pending::<()>().await;
        }
    }
}

async fn wait(latency: Duration) {
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
}

impl Turn {
    fn write(&mut self, took: Duration) {
        if self.life.is_over() {
            return;
        }
        let stage = std::mem::replace(&mut self.stage, Stage::Idle);
        if let (Stage::Taken(ops), Some(committer)) = (stage, &mut self.committer) {
            let written = committer.write(&ops);
            self.stage = Stage::Written(ops, written, took);
        }
    }

    fn answer(&mut self) {
        if self.life.is_over() {
            return;
        }
        let stage = std::mem::replace(&mut self.stage, Stage::Idle);
        if let (Stage::Written(ops, written, took), Some(committer)) = (stage, &mut self.committer)
        {
            committer.answer(ops, &written, took);
        }
    }
}

impl Driver for Task {
    fn close(&mut self) {
        let mut turn = self.0.lock();
        let queue = Arc::clone(&turn.queue);
        loop {
            if let Stage::Taken(_) = turn.stage {
                turn.write(Duration::ZERO);
            }
            turn.answer();
            if turn.life.is_over() {
                break;
            }
            let Some(ops) = queue.take() else {
                break;
            };
            turn.stage = Stage::Taken(ops);
        }
        // It holds the directory, as its thread does in a server.
        turn.committer = None;
    }
}
