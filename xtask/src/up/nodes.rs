//! The three server processes: started by the main thread (they end with it), stopped with SIGTERM.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::files::{NodeFiles, StateDir};

/// How long nodes may take to end: handing over leadership takes two seconds at most.
const STOP_MAX: Duration = Duration::from_secs(15);
const STOP_POLL: Duration = Duration::from_millis(20);
/// Lines of a log that are shown when its node does not start.
const TAIL_LINES: usize = 8;

/// The processes, killed when dropped.
pub(crate) struct Nodes {
    nodes: Vec<Node>,
}

struct Node {
    id: u64,
    log: PathBuf,
    child: Child,
    ended: Option<ExitStatus>,
}

impl Nodes {
    pub(crate) fn start(binary: &Path, state: &StateDir) -> Result<Self> {
        let mut started = Self { nodes: Vec::new() };
        for files in &state.nodes {
            let child =
                spawn(binary, files).with_context(|| format!("cannot start node {}", files.id))?;
            started.nodes.push(Node {
                id: files.id,
                log: files.log.clone(),
                child,
                ended: None,
            });
        }
        Ok(started)
    }

    /// An error that names the first node that has ended, with the last words of its log.
    pub(crate) fn require_alive(&mut self) -> Result<()> {
        let Some((id, status)) = self.newly_ended().into_iter().next() else {
            return Ok(());
        };
        let log = self.log(id);
        let text = fs::read_to_string(&log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        for line in &lines[lines.len().saturating_sub(TAIL_LINES)..] {
            eprintln!("    {line}");
        }
        bail!("node {id} ended ({status}); its log: {}", log.display())
    }

    /// Those that ended since the last call.
    pub(crate) fn newly_ended(&mut self) -> Vec<(u64, ExitStatus)> {
        let mut ended = Vec::new();
        for node in self.nodes.iter_mut().filter(|node| node.ended.is_none()) {
            if let Ok(Some(status)) = node.child.try_wait() {
                node.ended = Some(status);
                ended.push((node.id, status));
            }
        }
        ended
    }

    pub(crate) fn none_left(&self) -> bool {
        self.nodes.iter().all(|node| node.ended.is_some())
    }

    pub(crate) fn log(&self, id: u64) -> PathBuf {
        let node = self.nodes.iter().find(|node| node.id == id);
        node.map(|node| node.log.clone()).unwrap_or_default()
    }

    /// Asks those that run to end, waits, and says how each ended.
    pub(crate) fn stop(&mut self) {
        drop(self.newly_ended());
        for node in self.nodes.iter().filter(|node| node.ended.is_none()) {
            // A child that was not waited for keeps its number: this reaches no stranger. The shell's own `kill` is on
            // every machine.
            let kill = format!("kill -TERM {}", node.child.id());
            drop(Command::new("sh").args(["-c", &kill]).status());
        }
        let started = Instant::now();
        while !self.none_left() && started.elapsed() < STOP_MAX {
            for (id, status) in self.newly_ended() {
                let how = if status.success() {
                    "stopped".to_owned()
                } else {
                    format!(
                        "ended badly ({status}); its log: {}",
                        self.log(id).display()
                    )
                };
                println!("  node {id}  {how}");
            }
            thread::sleep(STOP_POLL);
        }
        for node in self.nodes.iter_mut().filter(|node| node.ended.is_none()) {
            println!("  node {}  did not end in time and was killed", node.id);
        }
        self.kill();
    }

    fn kill(&mut self) {
        for node in self.nodes.iter_mut().filter(|node| node.ended.is_none()) {
            drop(node.child.kill());
            node.ended = node.child.wait().ok();
        }
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(binary: &Path, files: &NodeFiles) -> Result<Child> {
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(&files.log)
        .with_context(|| format!("cannot write {}", files.log.display()))?;
    let child = Command::new(binary)
        .args(["server", "--die-with-parent", "--config"])
        .arg(&files.config)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        // Ctrl-C is for us alone; we stop the nodes in order.
        .process_group(0)
        .spawn()
        .with_context(|| format!("cannot run {}", binary.display()))?;
    Ok(child)
}
