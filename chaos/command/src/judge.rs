//! Which checkers judge a run.

/// Name and meaning of every checker.
pub const CHECKERS: &[(&str, &str)] = &[];
