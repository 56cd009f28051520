//! One calm line that says how it goes: redrawn on a terminal, a new one now and then elsewhere.
#![expect(
    clippy::print_stderr,
    reason = "progress goes to standard error, beside the answer"
)]

use std::cell::Cell;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Without a terminal, one line in so much time.
const PLAIN_EVERY: Duration = Duration::from_secs(10);
/// Longest line.
const WIDTH_MAX: usize = 118;

/// The line.
pub(super) struct Progress {
    title: String,
    started: Instant,
    shape: Shape,
}

enum Shape {
    Silent,
    Terminal,
    /// When the last line was written.
    Plain(Cell<Option<Instant>>),
}

impl Progress {
    /// A line for a run; silent unless it is wanted.
    #[must_use]
    pub(super) fn new(wanted: bool, title: String) -> Self {
        Self {
            title,
            started: Instant::now(),
            shape: match (wanted, std::io::stderr().is_terminal()) {
                (false, _) => Shape::Silent,
                (true, true) => Shape::Terminal,
                (true, false) => Shape::Plain(Cell::default()),
            },
        }
    }

    /// Says what happens now.
    pub(super) fn say(&self, what: &str) {
        match &self.shape {
            Shape::Silent => {}
            Shape::Terminal => {
                eprint!("\r\x1b[2K{}", self.line(what));
                // A terminal that takes no text changes nothing.
                drop(std::io::stderr().flush());
            }
            Shape::Plain(last) => {
                let now = Instant::now();
                if is_due(last.get(), now) {
                    last.set(Some(now));
                    eprintln!("{}", self.line(what));
                }
            }
        }
    }

    fn line(&self, what: &str) -> String {
        let seconds = self.started.elapsed().as_secs();
        let line = format!("{}  {seconds:>3}s  {what}", self.title);
        line.chars().take(WIDTH_MAX).collect()
    }
}

/// The first line is due at once, so that a reader knows that it has begun.
fn is_due(last: Option<Instant>, now: Instant) -> bool {
    last.is_none_or(|last| now.saturating_duration_since(last) >= PLAIN_EVERY)
}

impl Drop for Progress {
    fn drop(&mut self) {
        if matches!(self.shape, Shape::Terminal) {
            eprint!("\r\x1b[2K");
            drop(std::io::stderr().flush());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_gets_a_line_at_once_and_then_one_in_ten_seconds() {
        let start = Instant::now();
        let mut last = None;
        let mut shown = Vec::new();
        for tenths in 0..310 {
            let now = start + Duration::from_millis(tenths * 100);
            if is_due(last, now) {
                last = Some(now);
                shown.push(tenths);
            }
        }
        assert_eq!(shown, [0, 100, 200, 300]);
    }

    #[test]
    fn a_line_is_short_and_names_the_run() {
        let progress = Progress::new(false, "leader-kill seed 7".to_owned());
        let line = progress.line(&"x".repeat(500));
        assert!(line.starts_with("leader-kill seed 7    0s  x"), "{line}");
        assert_eq!(line.chars().count(), WIDTH_MAX);
    }
}
