//! The dead man's switch: a watch process that heals when this program is gone, or the fault's life is over.
//!
//! A shell holds one end of a pipe. When the other end closes, however this program ended, or when the time is up, it runs
//! what undoes the fault. It is in a process group of its own, so that an interrupt from the terminal does not reach it.

use crate::nemesis::NemesisError;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Heals unless it is disarmed. Dropping disarms.
pub(crate) struct Watch {
    shell: Child,
    disarmed: bool,
}

impl Watch {
    /// Sets a watch: after `life`, or at once when this program ends, the shell lines `undo` are run.
    ///
    /// # Errors
    /// When no shell can be started.
    pub(crate) fn set(life: Option<Duration>, undo: &[String]) -> Result<Self, NemesisError> {
        let wait = life.map_or_else(
            || "cat".to_owned(),
            |life| format!("timeout {:.3} cat", life.as_secs_f64()),
        );
        let script = format!("{wait} >/dev/null\n{}\n", undo.join("\n"));
        let shell = Command::new("sh")
            .arg("-c")
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .current_dir("/")
            .env_remove("LD_PRELOAD")
            .process_group(0)
            .spawn()
            .map_err(NemesisError::io("starting a watch process"))?;
        Ok(Self {
            shell,
            disarmed: false,
        })
    }

    /// Runs what it holds, now, and waits for the end of it.
    pub(crate) fn fire(mut self) {
        self.disarmed = true;
        drop(self.shell.stdin.take());
        // Nothing can be done for a shell that cannot be waited for.
        drop(self.shell.wait());
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if !self.disarmed {
            // Killed before its pipe closes, so that it runs nothing.
            drop(self.shell.kill());
            drop(self.shell.wait());
        }
    }
}

/// At the end of a fault's life: what could not be healed is left to its watch.
pub(crate) fn heal_or_let_go(healed: Result<(), NemesisError>, watch: Option<Watch>) {
    if let (Err(_), Some(watch)) = (healed, watch) {
        watch.fire();
    }
}

/// A path as one word of a shell line.
pub(crate) fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wait::until;
    use std::time::Instant;

    fn set(life: Option<Duration>, at: &Path) -> Watch {
        Watch::set(life, &[format!("echo healed > {}", quoted(at))]).unwrap()
    }

    #[test]
    fn heals_when_the_time_is_up_or_when_it_is_let_go() {
        let dir = tempfile::tempdir().unwrap();
        let late = dir.path().join("it's late");
        let _watch = set(Some(Duration::from_millis(50)), &late);
        until("the watch", Duration::from_secs(10), || late.exists()).unwrap();
        let now = dir.path().join("now");
        set(Some(Duration::from_secs(600)), &now).fire();
        assert!(now.exists());
    }

    #[test]
    fn disarmed_it_does_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("healed");
        let started = Instant::now();
        drop(set(None, &path));
        assert!(!path.exists() && started.elapsed() < Duration::from_secs(10));
    }
}
