//! The first storage fault stops everything.
//!
//! After a failed write RocksDB may have kept, lost or half-kept it; only reopening tells. So nothing is written after the
//! first failure: every later call is answered with it, and the process is told once that it must stop.

use crate::disk::Lock;
use crate::options::FaultHook;
use holdfast_machine::StorageFault;
use std::fmt::Display;
use std::sync::OnceLock;

/// Shared by everything that reads or writes the directory, and so the holder of its lock.
pub(crate) struct Faults {
    first: OnceLock<StorageFault>,
    hook: FaultHook,
    _lock: Lock,
}

impl Faults {
    pub(crate) fn new(hook: FaultHook, lock: Lock) -> Self {
        Self {
            first: OnceLock::new(),
            hook,
            _lock: lock,
        }
    }

    /// Refuses from the start, without calling the hook: what quarantine needs.
    pub(crate) fn refuse(&self, why: &impl Display) {
        let _already = self.first.set(StorageFault(why.to_string()));
    }

    /// Whether writing is still allowed.
    pub(crate) fn check(&self) -> Result<(), StorageFault> {
        self.first.get().map_or(Ok(()), |fault| Err(fault.clone()))
    }

    /// Notes a fault; the first one is told to the hook.
    pub(crate) fn raise(&self, fault: StorageFault) -> StorageFault {
        if self.first.set(fault.clone()).is_ok() {
            tracing::error!(%fault, "storage failed; nothing more is written");
            (self.hook)(&fault);
        }
        fault
    }
}

/// Names the operation that failed.
pub(crate) fn failed(operation: &str, error: &impl Display) -> StorageFault {
    StorageFault(format!("{operation}: {error}"))
}
