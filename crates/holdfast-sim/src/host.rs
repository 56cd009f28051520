//! One life of a simulated process: its tasks can be held back (SIGSTOP) and ended where they stand (SIGKILL).

use crate::dice::Dice;
use holdfast_barrier::Surroundings;
use holdfast_consensus::{Host, WallClock, hosted};
use parking_lot::Mutex;
use std::ops::Range;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// What every node's clock shows when a run begins, milliseconds since the Unix epoch.
const EPOCH_MS: u64 = 1_700_000_000_000;

/// How long work takes that may block: entries applied, a piece of a snapshot read or written. Milliseconds, the grain of timers.
const WORK_MS: Range<u64> = 0..3;

/// One life of a node's process.
pub(crate) struct Life {
    this: Weak<Self>,
    /// Its entropy.
    dice: Dice,
    /// How long its work takes.
    pace: Dice,
    clock: Arc<NodeClock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    held: bool,
    dead: bool,
    waiting: Vec<Waker>,
    tasks: Vec<AbortHandle>,
    /// Length at which ended tasks are next cleared away.
    clear_at: usize,
}

impl Life {
    pub(crate) fn new(seed: u64, node: u64, life: u64, clock: Arc<NodeClock>) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            this: Weak::clone(this),
            dice: Dice::new(seed, &format!("entropy of node {node}, life {life}")),
            pace: Dice::new(seed, &format!("pace of node {node}, life {life}")),
            clock,
            state: Mutex::default(),
        })
    }

    /// Nothing of it runs until it is resumed; its timers go off all the same and are seen then.
    pub(crate) fn pause(&self) {
        self.state.lock().held = true;
    }

    /// It goes on.
    pub(crate) fn resume(&self) {
        let mut state = self.state.lock();
        state.held = false;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        for waker in waiting {
            waker.wake();
        }
    }

    /// Ends it: no task takes another step.
    pub(crate) fn kill(&self) {
        let mut state = self.state.lock();
        state.dead = true;
        state.waiting.clear();
        let tasks = std::mem::take(&mut state.tasks);
        drop(state);
        for task in tasks {
            task.abort();
        }
    }

    /// The clock of the machine it runs on.
    pub(crate) fn clock(&self) -> Arc<NodeClock> {
        Arc::clone(&self.clock)
    }

    pub(crate) fn is_held(&self) -> bool {
        self.state.lock().held
    }
}

impl Host for Life {
    fn adopt(&self, task: AbortHandle) {
        let mut state = self.state.lock();
        if state.dead {
            drop(state);
            task.abort();
            return;
        }
        if state.tasks.len() >= state.clear_at {
            state.tasks.retain(|task| !task.is_finished());
            state.clear_at = 2 * state.tasks.len() + 64;
        }
        state.tasks.push(task);
    }

    fn admit(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state.lock();
        if state.dead {
            return Poll::Pending;
        }
        if state.held {
            state.waiting.push(context.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    /// There are no threads: it is done a moment later, and what else the node does goes on meanwhile, other such work too. How
    /// long a sync takes is the disk's to say.
    fn blocking(&self, work: Box<dyn FnOnce() + Send>) {
        let Some(host) = self.this.upgrade() else {
            return;
        };
        let takes = Duration::from_millis(self.pace.number(WORK_MS));
        let task = tokio::spawn(hosted(host, async move {
            tokio::time::sleep(takes).await;
            work();
        }));
        self.adopt(task.abort_handle());
    }

    fn fill(&self, buffer: &mut [u8]) {
        self.dice.fill(buffer);
    }
}

impl Surroundings for Life {
    fn wall_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    fn fill(&self, buffer: &mut [u8]) {
        self.dice.fill(buffer);
    }
}

/// A machine's wall clock: virtual time, and how far it is off. It outlives the processes.
pub(crate) struct NodeClock {
    began: Instant,
    offset_ms: AtomicI64,
    /// Times that it was read while it was off.
    misread: AtomicU64,
}

impl NodeClock {
    pub(crate) fn new(began: Instant) -> Self {
        Self {
            began,
            offset_ms: AtomicI64::new(0),
            misread: AtomicU64::new(0),
        }
    }

    /// Times that it was read while it was off, so far.
    pub(crate) fn misread(&self) -> u64 {
        self.misread.load(Ordering::Relaxed)
    }

    /// Sets how far it is off.
    pub(crate) fn set_offset_ms(&self, offset_ms: i64) {
        self.offset_ms.store(offset_ms, Ordering::Relaxed);
    }
}

impl WallClock for NodeClock {
    fn now_ms(&self) -> u64 {
        let run = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let offset_ms = self.offset_ms.load(Ordering::Relaxed);
        self.misread
            .fetch_add(u64::from(offset_ms != 0), Ordering::Relaxed);
        EPOCH_MS
            .saturating_add(run)
            .saturating_add_signed(offset_ms)
    }
}
