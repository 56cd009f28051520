//! One line that says what is going on: redrawn in place on a terminal, printed now and then elsewhere. On standard error:
//! what a command prints for programs stays alone on standard output.
//!
//! Invariants: nothing is shown for what ends within a second; a log without a terminal grows by one line per
//! 15 s and step at most; a finished step leaves exactly one line.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// How often a log without a terminal is told that work goes on.
const PLAIN_INTERVAL: Duration = Duration::from_secs(15);
/// How often a terminal's line is redrawn.
const TERMINAL_INTERVAL: Duration = Duration::from_millis(250);
/// Work that ends sooner needs no progress line.
const QUIET: Duration = Duration::from_secs(1);
/// Longest line that is redrawn in place; a wrapped line could not be erased.
const WIDTH_MAX: usize = 78;

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Done,
    Failed,
}

impl Ending {
    pub(crate) fn mark(self) -> &'static str {
        match self {
            Self::Done => "✓",
            Self::Failed => "✗",
        }
    }
}

/// A step that is under way.
#[derive(Debug)]
pub(crate) struct Progress {
    label: String,
    started: Instant,
    shown: Instant,
    terminal: bool,
    drawn: bool,
}

impl Progress {
    pub(crate) fn start(label: impl Into<String>) -> Self {
        let now = Instant::now();
        let terminal = io::stderr().is_terminal();
        Self {
            label: label.into(),
            started: now,
            shown: now,
            terminal,
            drawn: false,
        }
    }

    /// Shows that work goes on, with what it is at, if it is time to.
    pub(crate) fn tick(&mut self, detail: &str) {
        let interval = if self.terminal {
            TERMINAL_INTERVAL
        } else {
            PLAIN_INTERVAL
        };
        if self.started.elapsed() < QUIET || self.shown.elapsed() < interval {
            return;
        }
        self.shown = Instant::now();
        let detail = if detail.is_empty() {
            String::new()
        } else {
            format!("  {detail}")
        };
        let text = format!(
            "  {}  {}{detail}",
            self.label,
            duration(self.started.elapsed())
        );
        if self.terminal {
            let line: String = text.chars().take(WIDTH_MAX).collect();
            eprint!("\r\x1b[K{line}");
            io::stderr().flush().ok();
            self.drawn = true;
        } else {
            eprintln!("{text}");
        }
    }

    /// Prints a line that stays, above the progress line.
    pub(crate) fn say(&mut self, line: &str) {
        self.erase();
        eprintln!("{line}");
    }

    /// Ends the step, leaving one line; says how long it took.
    pub(crate) fn end(mut self, ending: Ending, note: &str) -> Duration {
        self.erase();
        let took = self.started.elapsed();
        let note = if note.is_empty() {
            String::new()
        } else {
            format!("  {note}")
        };
        eprintln!("{} {}  {}{note}", ending.mark(), self.label, duration(took));
        took
    }

    fn erase(&mut self) {
        if std::mem::take(&mut self.drawn) {
            eprint!("\r\x1b[K");
            io::stderr().flush().ok();
        }
    }
}

/// A time for people: `0.4 s`, `48 s`, `13 min 27 s`.
pub(crate) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", time.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        _ => format!("{} min {:02} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short_to_read() {
        assert_eq!(duration(Duration::from_millis(440)), "0.4 s");
        assert_eq!(duration(Duration::from_secs(48)), "48 s");
        assert_eq!(duration(Duration::from_secs(807)), "13 min 27 s");
        assert_eq!(duration(Duration::from_secs(61)), "1 min 01 s");
    }
}
