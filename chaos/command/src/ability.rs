//! Whether this machine can do what a scenario needs.

use crate::scenario::Scenario;

/// Why this machine cannot run a scenario; `None` when it can.
#[must_use]
pub fn missing(_scenario: &Scenario) -> Option<String> {
    None
}
