//! What clients saw, written down as it happens, in bounded memory.
//!
//! An operation is written down before it is sent, as unknown, and its outcome is filled in when it is known. So what is still
//! outstanding when a run ends stands as what it is.

use holdfast_check::{Action, Operation, Outcome};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Takes operations from all clients. Clones write into the same record.
#[derive(Clone)]
pub struct Recorder(Arc<Inner>);

struct Inner {
    started: Instant,
    limit: usize,
    /// `None` once finished.
    operations: Mutex<Option<Vec<Operation>>>,
    ok: AtomicU64,
    unknown: AtomicU64,
    refused: AtomicU64,
    /// When the last write was acknowledged, in nanoseconds of the run; 0 before the first.
    last_write_ns: AtomicU64,
}

/// An operation that was written down and has no outcome yet. Dropped, it stays unknown.
#[must_use = "an operation that is not completed stays unknown"]
#[derive(Debug)]
pub struct Invocation(usize);

impl Invocation {
    /// Its number in the history.
    pub(crate) fn id(&self) -> u64 {
        u64::try_from(self.0).unwrap_or(u64::MAX)
    }
}

/// How many operations came out how, so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Answered.
    pub ok: u64,
    /// Certainly not done.
    pub refused: u64,
    /// May have been done.
    pub unknown: u64,
    /// When the last write was acknowledged, nanoseconds since the run began; 0 before the first.
    pub last_write_ns: u64,
}

impl Recorder {
    /// A record that begins now and takes so many operations; after that, none is sent any more.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self::since(Instant::now(), limit)
    }

    /// A record whose times count from a moment that others use too.
    #[must_use]
    pub fn since(started: Instant, limit: usize) -> Self {
        Self(Arc::new(Inner {
            started,
            limit,
            operations: Mutex::new(Some(Vec::new())),
            ok: AtomicU64::new(0),
            unknown: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            last_write_ns: AtomicU64::new(0),
        }))
    }

    /// Nanoseconds since the run began.
    #[must_use]
    pub fn now_ns(&self) -> u64 {
        u64::try_from(self.0.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Writes down what is about to be sent. `None` when the record is full or finished: then it must not be sent.
    pub fn invoke(&self, client: u64, node: u64, action: Action) -> Option<Invocation> {
        let mut operations = self.0.operations.lock();
        let operations = operations.as_mut()?;
        let place = operations.len();
        if place >= self.0.limit {
            return None;
        }
        operations.push(Operation {
            id: Invocation(place).id(),
            client,
            node,
            invoked_ns: self.now_ns(),
            returned_ns: None,
            action,
            outcome: Outcome::Unknown,
        });
        Some(Invocation(place))
    }

    /// Writes down what became of it. `returned_ns` was read from [`now_ns`](Self::now_ns) after the answer came; `None` when
    /// none came.
    pub fn complete(&self, invocation: Invocation, returned_ns: Option<u64>, outcome: Outcome) {
        let counter = match outcome {
            Outcome::Ok(_) => &self.0.ok,
            Outcome::Unknown => &self.0.unknown,
            _ => &self.0.refused,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        let mut operations = self.0.operations.lock();
        let found = operations
            .as_mut()
            .and_then(|all| all.get_mut(invocation.0));
        let Some(operation) = found else {
            return;
        };
        if matches!(outcome, Outcome::Ok(_)) && writes(&operation.action) {
            self.0
                .last_write_ns
                .fetch_max(returned_ns.unwrap_or(0), Ordering::Relaxed);
        }
        operation.returned_ns = returned_ns;
        operation.outcome = outcome;
    }

    /// How it goes.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts {
            ok: self.0.ok.load(Ordering::Relaxed),
            refused: self.0.refused.load(Ordering::Relaxed),
            unknown: self.0.unknown.load(Ordering::Relaxed),
            last_write_ns: self.0.last_write_ns.load(Ordering::Relaxed),
        }
    }

    /// All operations so far, in order of invocation; none when finished.
    #[must_use]
    pub fn so_far(&self) -> Vec<Operation> {
        self.0.operations.lock().clone().unwrap_or_default()
    }

    /// Ends the record and gives all operations in order of invocation. What comes later is not taken; a second call gives none.
    #[must_use]
    pub fn finish(&self) -> Vec<Operation> {
        self.0.operations.lock().take().unwrap_or_default()
    }
}

const fn writes(action: &Action) -> bool {
    matches!(
        action,
        Action::Put { .. }
            | Action::Delete { .. }
            | Action::CreateToken { .. }
            | Action::RevokeToken { .. }
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdfast_check::Seen;

    fn put(key: u64) -> Action {
        Action::Put {
            key,
            value: key,
            cas: None,
        }
    }

    #[test]
    fn operations_stand_in_order_of_invocation_and_unknown_until_told() {
        let recorder = Recorder::new(3);
        let first = recorder.invoke(1, 1, put(1)).unwrap();
        let second = recorder.invoke(2, 1, put(2)).unwrap();
        let at = recorder.now_ns();
        recorder.complete(second, Some(at), Outcome::Ok(Seen::default()));
        let lost = recorder.invoke(3, 1, put(3)).unwrap();
        assert!(recorder.invoke(4, 1, put(4)).is_none(), "it is full");
        drop(lost);
        recorder.complete(first, None, Outcome::Unavailable);
        let counts = recorder.counts();
        assert_eq!((counts.ok, counts.refused, counts.unknown), (1, 1, 0));
        assert_eq!(counts.last_write_ns, at);
        let all = recorder.finish();
        assert_eq!(all.iter().map(|one| one.id).collect::<Vec<_>>(), [0, 1, 2]);
        assert!(all.is_sorted_by_key(|one| one.invoked_ns));
        assert_eq!(all[1].returned_ns, Some(at));
        assert!(all[1].invoked_ns <= at);
        assert_eq!(
            (all[2].returned_ns, &all[2].outcome),
            (None, &Outcome::Unknown)
        );
        assert!(recorder.invoke(5, 1, put(5)).is_none(), "it is finished");
        assert!(recorder.finish().is_empty());
    }
}
