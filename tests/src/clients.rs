//! Other people's clients, run as programs.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

/// Longest run of one client's suite.
const DEADLINE: Duration = Duration::from_secs(180);

/// The program that a client's tests need, as `cargo xtask` found it; says so when there is none.
#[must_use]
#[expect(
    clippy::print_stderr,
    reason = "a test that is skipped must be skipped by name"
)]
pub fn client_program(variable: &str) -> Option<PathBuf> {
    let found = std::env::var_os(variable).map(PathBuf::from);
    if found.is_none() {
        eprintln!("skipped: {variable} is not set; cargo xtask sets it where the client exists");
    }
    found
}

/// Runs a client's suite to its end.
///
/// # Panics
/// When it fails or takes too long, with what it printed.
pub async fn must_succeed(mut command: Command) {
    command.stdin(Stdio::null()).kill_on_drop(true);
    let run = tokio::time::timeout(DEADLINE, command.output()).await;
    let ended = run.expect("the client's suite ends in time");
    let ended = ended.expect("the client's suite starts");
    assert!(
        ended.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&ended.stdout),
        String::from_utf8_lossy(&ended.stderr)
    );
}
