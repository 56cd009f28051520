//! Crash points. Every step that changes the disk calls [`step`] first; a test makes the process abort at the n-th one.
//! Outside this crate's own tests it does nothing.

/// Asks a crash test for the number of the step at which to abort.
#[cfg(test)]
pub(crate) const CRASH_AT: &str = "HOLDFAST_TEST_CRASH_AT";

/// A step that changes the disk is about to happen.
#[cfg(not(test))]
pub(crate) const fn step(_name: &'static str) {}

/// A step that changes the disk is about to happen.
#[cfg(test)]
pub(crate) fn step(name: &'static str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};
    static AT: OnceLock<Option<u64>> = OnceLock::new();
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let Some(at) = AT.get_or_init(|| std::env::var(CRASH_AT).ok()?.parse().ok()) else {
        return;
    };
    if COUNT.fetch_add(1, Ordering::SeqCst) + 1 == *at {
        let _ = std::io::Write::write_all(
            &mut std::io::stderr(),
            format!("crash at step {at}: {name}\n").as_bytes(),
        );
        std::process::abort();
    }
}
