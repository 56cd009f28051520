//! Waiting for a condition, up to a deadline.

use crate::nemesis::NemesisError;
use std::time::{Duration, Instant};

/// How often to look.
const POLL: Duration = Duration::from_millis(5);

/// Waits until the condition holds.
///
/// # Errors
/// When it does not hold at the deadline.
pub(crate) fn until(
    what: &str,
    within: Duration,
    mut holds: impl FnMut() -> bool,
) -> Result<(), NemesisError> {
    let deadline = Instant::now() + within;
    while !holds() {
        if Instant::now() >= deadline {
            return Err(NemesisError::Late {
                what: what.to_owned(),
            });
        }
        std::thread::sleep(POLL);
    }
    Ok(())
}
