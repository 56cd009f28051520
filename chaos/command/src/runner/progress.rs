//! One calm line that says how it goes, on a terminal only.
#![expect(
    clippy::print_stderr,
    reason = "progress goes to the terminal, beside the answer"
)]

use std::io::{IsTerminal, Write};
use std::time::Instant;

/// The line.
pub(super) struct Progress {
    shown: bool,
    title: String,
    started: Instant,
}

impl Progress {
    /// A line for a run; silent unless it is wanted and standard error is a terminal.
    #[must_use]
    pub(super) fn new(wanted: bool, title: String) -> Self {
        Self {
            shown: wanted && std::io::stderr().is_terminal(),
            title,
            started: Instant::now(),
        }
    }

    /// Says what happens now.
    pub(super) fn say(&self, what: &str) {
        if self.shown {
            let seconds = self.started.elapsed().as_secs();
            let line: String = format!("{}  {seconds:>3}s  {what}", self.title)
                .chars()
                .take(118)
                .collect();
            eprint!("\r\x1b[2K{line}");
            // A terminal that takes no text changes nothing.
            drop(std::io::stderr().flush());
        }
    }

    /// Removes the line.
    pub(super) fn clear(&self) {
        if self.shown {
            eprint!("\r\x1b[2K");
            drop(std::io::stderr().flush());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}
