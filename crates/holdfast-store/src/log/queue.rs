//! What waits for the committer, in the order of the calls, bounded by bytes. One lock holds the queue and the tail, so that
//! what readers see and what will be written never disagree about the order.

use super::tail::Tail;
use super::{DurableCallback, Purged};
use bytes::Bytes;
use holdfast_machine::StorageFault;
use parking_lot::{Condvar, Mutex, MutexGuard};
use std::collections::VecDeque;
use std::task::Waker;
#[cfg(feature = "testing")]
use std::task::{Context, Poll};

/// One operation on the log.
pub(crate) enum Op {
    Append {
        entries: Vec<(u64, Bytes)>,
        /// The tail's epoch once the entries were in it.
        epoch: u64,
        done: DurableCallback,
    },
    Vote {
        vote: Bytes,
        done: DurableCallback,
    },
    /// Removes `from..end`.
    Truncate {
        from: u64,
    },
    Purge {
        upto: Purged,
    },
    Committed {
        committed: Option<Bytes>,
    },
}

impl Op {
    /// Whether it is answered only once it is durable.
    pub(crate) const fn must_be_durable(&self) -> bool {
        matches!(self, Self::Append { .. } | Self::Vote { .. })
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Append { entries, .. } => entries.iter().map(|(_, e)| e.len() + 32).sum(),
            _ => 64,
        }
    }
}

pub(crate) struct Inner {
    pub(crate) tail: Tail,
    ops: VecDeque<Op>,
    bytes: usize,
    closed: bool,
    /// A committer that waits as a task.
    waiting: Option<Waker>,
}

pub(crate) struct Queue {
    inner: Mutex<Inner>,
    filled: Condvar,
    drained: Condvar,
    bytes_max: usize,
    /// Whether a caller waits while it is full; else it is refused.
    may_wait: bool,
}

/// Most bytes of one batch; one larger operation still goes alone.
const BATCH_BYTES_MAX: usize = 8 << 20;

impl Queue {
    pub(crate) const fn new(tail: Tail, bytes_max: usize, may_wait: bool) -> Self {
        Self {
            inner: Mutex::new(Inner {
                tail,
                ops: VecDeque::new(),
                bytes: 0,
                closed: false,
                waiting: None,
            }),
            filled: Condvar::new(),
            drained: Condvar::new(),
            bytes_max,
            may_wait,
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock()
    }

    /// Waits for room, changes the tail and queues an operation, all in one turn. The closure makes the operation or refuses.
    pub(crate) fn push(
        &self,
        make: impl FnOnce(&mut Tail) -> Result<Op, StorageFault>,
    ) -> Result<(), StorageFault> {
        let mut inner = self.inner.lock();
        while inner.bytes >= self.bytes_max && !inner.closed {
            if !self.may_wait {
                return Err(StorageFault("the log's queue is full".to_owned()));
            }
            self.drained.wait(&mut inner);
        }
        if inner.closed {
            return Err(closed());
        }
        let op = make(&mut inner.tail)?;
        inner.bytes += op.bytes();
        inner.ops.push_back(op);
        let waiting = inner.waiting.take();
        drop(inner);
        self.filled.notify_one();
        waiting.into_iter().for_each(Waker::wake);
        Ok(())
    }

    /// The next operations, at least one, or `None` once the queue is closed and empty.
    pub(crate) fn take(&self) -> Option<Vec<Op>> {
        let mut inner = self.inner.lock();
        while inner.ops.is_empty() {
            if inner.closed {
                return None;
            }
            self.filled.wait(&mut inner);
        }
        Some(self.take_from(inner))
    }

    /// As [`Queue::take`], for a task.
    #[cfg(feature = "testing")]
    pub(crate) fn poll_take(&self, context: &Context<'_>) -> Poll<Option<Vec<Op>>> {
        let mut inner = self.inner.lock();
        if !inner.ops.is_empty() {
            return Poll::Ready(Some(self.take_from(inner)));
        }
        if inner.closed {
            return Poll::Ready(None);
        }
        inner.waiting = Some(context.waker().clone());
        Poll::Pending
    }

    fn take_from(&self, mut inner: MutexGuard<'_, Inner>) -> Vec<Op> {
        let mut bytes = 0;
        let mut taken = Vec::with_capacity(inner.ops.len().min(1024));
        while let Some(op) = inner.ops.front() {
            if !taken.is_empty() && bytes + op.bytes() > BATCH_BYTES_MAX {
                break;
            }
            bytes += op.bytes();
            taken.extend(inner.ops.pop_front());
        }
        inner.bytes -= bytes;
        drop(inner);
        self.drained.notify_all();
        taken
    }

    /// Refuses what comes from now on; what waits is still taken.
    pub(crate) fn close(&self) {
        let mut inner = self.inner.lock();
        inner.closed = true;
        let waiting = inner.waiting.take();
        drop(inner);
        waiting.into_iter().for_each(Waker::wake);
        self.filled.notify_all();
        self.drained.notify_all();
    }
}

pub(crate) fn closed() -> StorageFault {
    StorageFault("the log is closed".to_owned())
}
