//! One server process. It ends when this program does, however that ends.

use super::layout::Place;
use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How often to look whether a process has ended.
const POLL: Duration = Duration::from_millis(10);
/// How long a node may take to end when it is asked to.
pub const STOP_WAIT: Duration = Duration::from_secs(10);
/// A process that has only begun may not have said yet how it wants to end: then SIGTERM ends it as it ends any.
const BEGINNING: Duration = Duration::from_secs(5);

/// A node: its files, and its process while it runs.
pub struct Node {
    /// Its files and addresses.
    pub place: Place,
    /// Set for the process when it starts: how a clock or a disk is made to lie.
    pub environment: Vec<(OsString, OsString)>,
    binary: PathBuf,
    child: Option<Child>,
    began: Instant,
}

impl Node {
    pub(crate) fn new(place: Place, binary: &Path) -> Self {
        Self {
            place,
            environment: Vec::new(),
            binary: binary.to_owned(),
            child: None,
            began: Instant::now(),
        }
    }

    /// Its number.
    #[must_use]
    pub const fn id(&self) -> u64 {
        self.place.id
    }

    /// Starts the process. It must be called on the program's first thread: the kernel ends the process with the thread that
    /// started it.
    ///
    /// # Errors
    /// When it runs already or cannot be started.
    pub fn start(&mut self) -> anyhow::Result<()> {
        if self.child.is_some() {
            bail!("node {} runs already", self.id());
        }
        let log = self.open_log()?;
        let child = Command::new(&self.binary)
            .args(["server", "--die-with-parent", "--config"])
            .arg(&self.place.config)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            // Ctrl-C at a terminal is for this program; it ends the nodes in its own order.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(log.try_clone().context("sharing a log file")?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("starting node {}", self.id()))?;
        self.child = Some(child);
        self.began = Instant::now();
        Ok(())
    }

    fn open_log(&self) -> anyhow::Result<File> {
        OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&self.place.log)
            .with_context(|| format!("opening {}", self.place.log.display()))
    }

    /// `kill -9`, and waits until it is gone.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself: then both say so, and it is gone all the same.
            drop(child.kill());
            drop(child.wait());
        }
    }

    /// Asks it to end (SIGTERM) and waits; kills it at the deadline. One that does not run has ended well.
    ///
    /// # Errors
    /// How it ended, when that was not as it should.
    pub async fn stop(&mut self, deadline: Duration) -> Result<(), String> {
        let Some(pid) = self.pid() else {
            return Ok(());
        };
        let beginning = self.began.elapsed() < BEGINNING;
        ask_to_end(pid);
        let until = Instant::now() + deadline;
        while Instant::now() < until {
            match self.ended() {
                Some(status) if status.success() => return Ok(()),
                Some(status) if beginning && status.signal() == Some(Signal::TERM.as_raw()) => {
                    return Ok(());
                }
                Some(status) => return Err(how_it_ended(status)),
                None => tokio::time::sleep(POLL).await,
            }
        }
        self.kill();
        let patience = deadline.as_secs();
        Err(format!("killed, {patience} s after it was asked to end"))
    }

    /// How it ended, when it ended by itself since it was last looked at.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        let status = self.child.as_mut()?.try_wait().ok().flatten()?;
        self.child = None;
        Some(status)
    }

    /// Its process, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

/// How a process ended, in words.
#[must_use]
pub fn how_it_ended(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "unknown".to_owned(),
    }
}

/// Asks a child to end. It has not been waited for, so that its number is still its own.
fn ask_to_end(pid: u32) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        // It may have ended by itself.
        let _gone = kill_process(pid, Signal::TERM);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::until;
    use std::fs;
    use std::net::SocketAddr;
    use std::os::unix::fs::PermissionsExt;

    /// A node whose server is a script; it runs once it has written its log.
    async fn running(folder: &Path, script: &str) -> Node {
        let binary = folder.join("server");
        fs::write(&binary, format!("#!/bin/sh\n{script}")).unwrap();
        fs::set_permissions(&binary, fs::Permissions::from_mode(0o700)).unwrap();
        let place = Place {
            id: 1,
            api: String::new(),
            peer_listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            config: folder.join("config"),
            data: folder.join("data"),
            disk: folder.to_owned(),
            log: folder.join("log"),
        };
        let mut node = Node::new(place, &binary);
        node.start().unwrap();
        let log = folder.join("log");
        until("the script to run", LONG, || async {
            anyhow::ensure!(fs::read_to_string(&log)?.contains("up"), "not yet");
            Ok(())
        })
        .await
        .unwrap();
        node
    }

    const LONG: Duration = Duration::from_secs(60);
    const LOOP: &str = "echo up\nwhile :; do sleep 0.01; done\n";

    #[tokio::test]
    async fn only_who_ends_in_time_and_well_has_ended_as_asked() {
        for (trap, patience, expected) in [
            ("trap 'exit 0' TERM", LONG, Ok(())),
            ("trap 'exit 3' TERM", LONG, Err("exit code 3")),
            ("trap 'kill -9 $$' TERM", LONG, Err("signal 9")),
            (
                "trap '' TERM",
                Duration::ZERO,
                Err("killed, 0 s after it was asked to end"),
            ),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let mut node = running(folder.path(), &format!("{trap}\n{LOOP}")).await;
            let ended = node.stop(patience).await;
            assert_eq!(ended, expected.map_err(str::to_owned), "{trap}");
            assert!(node.pid().is_none(), "{trap}");
            assert_eq!(node.stop(patience).await, Ok(()), "it does not run");
        }
    }

    #[tokio::test]
    async fn who_has_only_begun_may_end_by_the_signal_itself() {
        for (age, expected) in [
            (Duration::ZERO, Ok(())),
            (BEGINNING, Err("signal 15".to_owned())),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let mut node = running(folder.path(), LOOP).await;
            node.began = Instant::now().checked_sub(age).unwrap();
            assert_eq!(node.stop(Duration::from_secs(60)).await, expected);
        }
    }
}
