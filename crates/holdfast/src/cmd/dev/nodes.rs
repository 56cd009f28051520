//! The server processes.
//!
//! Each is in a process group of its own, so that Ctrl-C reaches only this process, which ends them in order.

use super::layout::{Layout, NodeFiles};
use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};
use std::fmt;
use std::fs::OpenOptions;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How long servers may take to end in order: handing over leadership takes two seconds at most.
const STOP_MAX: Duration = Duration::from_secs(10);
const STOP_POLL: Duration = Duration::from_millis(20);
/// Lines of a log that are shown when its server does not start.
const TAIL_LINES: usize = 5;

/// The server processes, killed when dropped.
pub(super) struct Nodes {
    nodes: Vec<Node>,
}

struct Node {
    id: u64,
    log: PathBuf,
    child: Child,
    ended: bool,
}

/// A server that ended by itself.
pub(super) struct EndedNode {
    id: u64,
    status: ExitStatus,
    log: PathBuf,
}

impl fmt::Display for EndedNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "node {} ended ({}); its log: {}",
            self.id,
            self.status,
            self.log.display()
        )
    }
}

impl EndedNode {
    /// The last words of its log.
    pub(super) fn tail(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
    }
}

impl Nodes {
    /// Starts all. Must be called on the main thread: the servers end with the thread that started them.
    pub(super) fn start(layout: &Layout) -> anyhow::Result<Self> {
        let mut started = Self { nodes: Vec::new() };
        for files in &layout.nodes {
            let child = spawn(files).with_context(|| format!("starting node {}", files.id))?;
            started.nodes.push(Node {
                id: files.id,
                log: files.log.clone(),
                child,
                ended: false,
            });
        }
        Ok(started)
    }

    pub(super) fn pids(&self) -> Vec<u32> {
        self.nodes.iter().map(|node| node.child.id()).collect()
    }

    /// Those that ended since the last call.
    pub(super) fn newly_ended(&mut self) -> Vec<EndedNode> {
        let mut ended = Vec::new();
        for node in self.nodes.iter_mut().filter(|node| !node.ended) {
            if let Ok(Some(status)) = node.child.try_wait() {
                node.ended = true;
                ended.push(EndedNode {
                    id: node.id,
                    status,
                    log: node.log.clone(),
                });
            }
        }
        ended
    }

    pub(super) fn none_left(&self) -> bool {
        self.nodes.iter().all(|node| node.ended)
    }

    /// Asks all to end and waits; kills those that do not.
    pub(super) async fn stop(&mut self) {
        for node in self.nodes.iter().filter(|node| !node.ended) {
            let pid = i32::try_from(node.child.id()).ok().and_then(Pid::from_raw);
            if let Some(pid) = pid {
                // A child that was not waited for keeps its number: this reaches no stranger.
                let _ended_meanwhile = kill_process(pid, Signal::TERM);
            }
        }
        let deadline = Instant::now() + STOP_MAX;
        loop {
            drop(self.newly_ended());
            if self.none_left() || Instant::now() > deadline {
                break;
            }
            tokio::time::sleep(STOP_POLL).await;
        }
        self.kill();
    }

    /// Kills all and waits until they are gone.
    pub(super) fn kill(&mut self) {
        for node in self.nodes.iter_mut().filter(|node| !node.ended) {
            drop(node.child.kill());
        }
        for node in self.nodes.iter_mut().filter(|node| !node.ended) {
            drop(node.child.wait());
            node.ended = true;
        }
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(files: &NodeFiles) -> anyhow::Result<Child> {
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&files.log)?;
    let child = Command::new(std::env::current_exe()?)
        .args(["server", "--die-with-parent", "--config"])
        .arg(&files.config)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .process_group(0)
        .spawn()?;
    Ok(child)
}
