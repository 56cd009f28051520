//! The first storage fault stops everything.
//!
//! After a failed write RocksDB may have kept, lost or half-kept it; only reopening tells. So nothing is written after the
//! first failure: every later call is answered with it, and the process is told once that it must stop.

use crate::disk::Lock;
use holdfast_machine::StorageFault;
use parking_lot::Mutex;
use std::fmt::Display;
use std::sync::OnceLock;

/// Called once, with the first fault, on the thread that met it. The process is expected to stop.
pub type FaultHook = Box<dyn FnOnce(&StorageFault) + Send>;

/// Shared by everything that reads or writes the directory, and so the holder of its lock.
pub(crate) struct Faults {
    first: OnceLock<StorageFault>,
    hooks: Mutex<Hooks>,
    _lock: Lock,
}

#[derive(Default)]
struct Hooks {
    waiting: Vec<FaultHook>,
    /// Whether a fault was met, which a refusal from the start is not.
    met: bool,
}

impl Faults {
    pub(crate) fn new(lock: Lock) -> Self {
        Self {
            first: OnceLock::new(),
            hooks: Mutex::default(),
            _lock: lock,
        }
    }

    /// Calls the hook with the first fault, at once if it was met already.
    pub(crate) fn on_first(&self, hook: FaultHook) {
        let mut hooks = self.hooks.lock();
        match self.first.get().filter(|_| hooks.met) {
            Some(fault) => {
                drop(hooks);
                hook(fault);
            }
            None => hooks.waiting.push(hook),
        }
    }

    /// Refuses from the start, without calling the hooks: what quarantine needs.
    pub(crate) fn refuse(&self, why: &impl Display) {
        let _already = self.first.set(StorageFault(why.to_string()));
    }

    /// Whether writing is still allowed.
    pub(crate) fn check(&self) -> Result<(), StorageFault> {
        self.first.get().map_or(Ok(()), |fault| Err(fault.clone()))
    }

    /// Notes a fault; the first one is told to the hooks.
    pub(crate) fn raise(&self, fault: StorageFault) -> StorageFault {
        let told = {
            let mut hooks = self.hooks.lock();
            if self.first.set(fault.clone()).is_ok() {
                hooks.met = true;
                tracing::error!(%fault, "storage failed; nothing more is written");
            }
            hooks.met.then(|| std::mem::take(&mut hooks.waiting))
        };
        for hook in told.unwrap_or_default() {
            hook(&fault);
        }
        fault
    }
}

/// Names the operation that failed.
pub(crate) fn failed(operation: &str, error: &impl Display) -> StorageFault {
    StorageFault(format!("{operation}: {error}"))
}
