//! Tools of the system, run with a deadline.

use crate::nemesis::NemesisError;
use std::ffi::OsStr;
use std::process::{Command, Stdio};

/// Longest time for a tool, seconds: a disk that hangs must not take the harness along.
const SECONDS_MAX: &str = "30";
/// Where tools of the administrator lie, which not everybody's path names.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Runs a tool to its end.
///
/// # Errors
/// With what it said, when it failed or there is none.
pub(crate) fn run<S: AsRef<OsStr>>(tool: &'static str, args: &[S]) -> Result<(), NemesisError> {
    let output = Command::new("timeout")
        .args(["--kill-after=2", SECONDS_MAX, tool])
        .args(args)
        .env("PATH", PATH)
        .env("LC_ALL", "C")
        .env_remove("LD_PRELOAD")
        .stdin(Stdio::null())
        .output()
        .map_err(NemesisError::io(format!("running {tool}")))?;
    if output.status.success() {
        return Ok(());
    }
    let words: Vec<_> = args
        .iter()
        .map(|arg| arg.as_ref().to_string_lossy())
        .collect();
    Err(NemesisError::Tool {
        command: format!("{tool} {}", words.join(" ")),
        said: format!(
            "{} ({})",
            String::from_utf8_lossy(&output.stderr).trim(),
            output.status
        ),
    })
}
