//! Panics inside a run. openraft and tokio turn a task's panic into an ending of the node; here it is a finding.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;

thread_local! {
    static SEEN: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Panics remembered of one run.
const PANICS_MAX: usize = 4;

/// Begins to listen on this thread; what was seen before is forgotten.
pub(crate) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| std::panic::set_hook(Box::new(note)));
    SEEN.with_borrow_mut(Vec::clear);
}

/// The panics of this thread since [`listen`].
pub(crate) fn seen() -> Vec<String> {
    SEEN.with_borrow_mut(std::mem::take)
}

/// Does something on this thread. If it panics: the words and the place of that, and of what panicked before and after.
///
/// # Errors
/// When it panicked.
pub fn heard<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    listen();
    let done = std::panic::catch_unwind(AssertUnwindSafe(work));
    done.map_err(|_| seen().join("; then "))
}

fn note(info: &PanicHookInfo<'_>) {
    let place = info.location().map_or_else(String::new, |at| {
        let file = at.file().rsplit('/').next().unwrap_or_default();
        format!(" at {file}:{}", at.line())
    });
    let text = info.payload_as_str().unwrap_or("a panic without words");
    SEEN.with_borrow_mut(|seen| {
        if seen.len() < PANICS_MAX {
            seen.push(format!("{text}{place}"));
        }
    });
}
