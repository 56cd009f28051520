//! What happened, in order: hashed, so that two runs can be compared by one line, and kept when somebody wants to read it.

use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Notify;
use tokio::time::Instant;

/// How much of a run is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Only the hash.
    Hash,
    /// Faults, elections, answers.
    Story,
    /// Every message too.
    All,
}

/// The trace of one run. Clones share it.
#[derive(Clone)]
pub(crate) struct Trace(Arc<Inner>);

struct Inner {
    began: Instant,
    detail: Detail,
    steps: AtomicU64,
    written: Mutex<Written>,
    /// Told of each event.
    happened: Notify,
}

struct Written {
    hasher: blake3::Hasher,
    lines: Vec<String>,
    /// The last step of each moment at which something happened, in order.
    moments: Vec<(u64, u64)>,
}

impl Trace {
    pub(crate) fn new(began: Instant, detail: Detail) -> Self {
        let written = Written {
            hasher: blake3::Hasher::new(),
            lines: Vec::new(),
            moments: Vec::new(),
        };
        Self(Arc::new(Inner {
            began,
            detail,
            steps: AtomicU64::new(0),
            written: Mutex::new(written),
            happened: Notify::new(),
        }))
    }

    /// When the run began, in virtual time.
    pub(crate) fn began(&self) -> Instant {
        self.0.began
    }

    /// Nanoseconds of virtual time since the run began.
    pub(crate) fn now_ns(&self) -> u64 {
        u64::try_from(self.0.began.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Events so far.
    pub(crate) fn steps(&self) -> u64 {
        self.0.steps.load(Ordering::Relaxed)
    }

    /// Something a person wants to know of.
    pub(crate) fn story(&self, line: &str) {
        self.write(Detail::Story, line);
    }

    /// A message on its way.
    pub(crate) fn message(&self, line: &str) {
        self.write(Detail::All, line);
    }

    fn write(&self, detail: Detail, line: &str) {
        let step = self.0.steps.fetch_add(1, Ordering::Relaxed);
        let now_ns = self.now_ns();
        let mut written = self.0.written.lock();
        written.hasher.update(&now_ns.to_le_bytes());
        written.hasher.update(line.as_bytes());
        written.hasher.update(b"\n");
        match written.moments.last_mut() {
            Some((at_ns, last)) if *at_ns == now_ns => *last = step,
            _ => written.moments.push((now_ns, step)),
        }
        if detail <= self.0.detail {
            let (s, us) = (now_ns / 1_000_000_000, now_ns / 1000 % 1_000_000);
            written
                .lines
                .push(format!("{s:>4}.{us:06} {step:>7}  {line}"));
        }
        drop(written);
        self.0.happened.notify_one();
    }

    /// Resolves when something has happened since it was last asked.
    pub(crate) async fn happened(&self) {
        self.0.happened.notified().await;
    }

    /// The hash over all events, in hexadecimal.
    pub(crate) fn hash(&self) -> String {
        self.0.written.lock().hasher.finalize().to_hex().to_string()
    }

    /// The last step of each moment, in order.
    pub(crate) fn take_moments(&self) -> Vec<(u64, u64)> {
        std::mem::take(&mut self.0.written.lock().moments)
    }

    /// The lines kept.
    pub(crate) fn take_lines(&self) -> Vec<String> {
        std::mem::take(&mut self.0.written.lock().lines)
    }
}
