//! Runs one program: whole output to a log file, the latest news to a progress line, the end of the output to
//! the terminal when it fails.
//!
//! Invariants: a child that outlives its deadline is killed; what it prints is kept bounded in memory; a
//! process that it leaves behind cannot keep us waiting by holding the pipe open.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::progress::Progress;

/// Lines kept to be shown after a failure.
const TAIL_LINES_MAX: usize = 400;
/// How often the child is looked at when it prints nothing.
const POLL: Duration = Duration::from_millis(200);
/// How long output is still read after the child has ended.
const LINGER: Duration = Duration::from_secs(1);
/// Lines that may wait between the reader and us.
const BACKLOG_MAX: usize = 1024;

/// What to run and how to watch it.
pub(crate) struct Watched<'a> {
    pub(crate) command: Command,
    pub(crate) log: PathBuf,
    /// After this long the child is killed and the run has failed.
    pub(crate) deadline: Duration,
    /// Turns a line of output into news for the progress line.
    pub(crate) news: &'a mut dyn FnMut(&str) -> Option<String>,
}

/// What came of it. A program that ran and failed is an `Ended` too; `success` tells.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) success: bool,
    /// How it ended, in words.
    pub(crate) how: String,
    pub(crate) tail: VecDeque<String>,
    pub(crate) log: PathBuf,
}

impl Ended {
    /// An error that names the log, after printing the last `lines_max` lines.
    pub(crate) fn require_success(self, what: &str, lines_max: usize) -> Result<()> {
        if self.success {
            return Ok(());
        }
        let skip = self.tail.len().saturating_sub(lines_max);
        for line in self.tail.iter().skip(skip) {
            eprintln!("    {line}");
        }
        bail!(
            "{what}: {} (whole output: {})",
            self.how,
            self.log.display()
        )
    }
}

/// Runs the program to its end under `progress`.
pub(crate) fn watch(watched: Watched<'_>, progress: &mut Progress) -> Result<Ended> {
    start(watched, None, progress, &mut || None)
}

/// As `watch`, for a program whose standard output is for somebody else.
pub(crate) fn watch_apart(
    watched: Watched<'_>,
    stdout: Stdio,
    progress: &mut Progress,
) -> Result<Ended> {
    start(watched, Some(stdout), progress, &mut || None)
}

/// As `watch`, for a program whose progress is seen elsewhere: `look` gives the news at every turn.
pub(crate) fn watch_with(
    watched: Watched<'_>,
    progress: &mut Progress,
    look: &mut dyn FnMut() -> Option<String>,
) -> Result<Ended> {
    start(watched, None, progress, look)
}

fn start(
    watched: Watched<'_>,
    stdout: Option<Stdio>,
    progress: &mut Progress,
    look: &mut dyn FnMut() -> Option<String>,
) -> Result<Ended> {
    let Watched {
        mut command,
        log,
        deadline,
        news,
    } = watched;
    let file = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    let (reader, writer) = io::pipe().context("cannot make a pipe")?;
    command.stdin(Stdio::null()).stderr(writer.try_clone()?);
    command.stdout(stdout.unwrap_or_else(|| Stdio::from(writer)));
    let program = command.get_program().to_string_lossy().into_owned();
    let child = command
        .spawn()
        .with_context(|| format!("cannot run `{program}`"))?;
    // The command owns our copies of the pipe's writing end: the end of output is seen once they are gone.
    drop(command);

    let (sender, lines) = sync_channel(BACKLOG_MAX);
    thread::spawn(move || {
        split_lines(reader, |line| sender.send(line).is_ok());
    });
    let mut tail = Tail {
        lines: VecDeque::new(),
        file: BufWriter::new(file),
    };
    let how = follow(child, &lines, deadline, progress, &mut |line| match line {
        Some(line) => {
            tail.keep(line);
            news(line)
        }
        None => look(),
    })?;
    tail.file
        .flush()
        .with_context(|| format!("cannot write {}", log.display()))?;
    let (success, how) = match how {
        Some(status) => (status.success(), status.to_string()),
        None => (
            false,
            format!("not finished after {} s, killed", deadline.as_secs()),
        ),
    };
    Ok(Ended {
        success,
        how,
        tail: tail.lines,
        log,
    })
}

/// The last lines, and the file that has them all.
struct Tail {
    lines: VecDeque<String>,
    file: BufWriter<File>,
}

impl Tail {
    fn keep(&mut self, line: &str) {
        // Cargo's progress bar is news, not output.
        if progress_bar(line).is_some() {
            return;
        }
        writeln!(self.file, "{line}").ok();
        if self.lines.len() == TAIL_LINES_MAX {
            self.lines.pop_front();
        }
        self.lines.push_back(line.to_owned());
    }
}

/// Hands on lines (`None` when there is none) until the child has ended; returns `None` if it was killed.
fn follow(
    mut child: Child,
    lines: &Receiver<String>,
    deadline: Duration,
    progress: &mut Progress,
    on_turn: &mut dyn FnMut(Option<&str>) -> Option<String>,
) -> Result<Option<ExitStatus>> {
    let started = Instant::now();
    let mut detail = String::new();
    let mut ended: Option<(ExitStatus, Instant)> = None;
    loop {
        let line = match lines.recv_timeout(POLL) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => break,
        };
        if let Some(fresh) = on_turn(line.as_deref()) {
            detail = fresh;
        }
        progress.tick(&detail);
        if ended.is_none() {
            ended = child.try_wait()?.map(|status| (status, Instant::now()));
        }
        if ended.is_some_and(|(_, at)| at.elapsed() > LINGER) {
            break;
        }
        if ended.is_none() && started.elapsed() > deadline {
            child.kill().ok();
            child.wait()?;
            return Ok(None);
        }
    }
    match ended {
        Some((status, _)) => Ok(Some(status)),
        None => Ok(Some(child.wait()?)),
    }
}

/// Reads until the end, cutting at newlines and carriage returns.
fn split_lines(mut from: impl Read, mut on_line: impl FnMut(String) -> bool) {
    let mut pending = Vec::new();
    let mut chunk = [0; 8192];
    loop {
        let read = match from.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        for byte in chunk.iter().take(read) {
            if matches!(byte, b'\n' | b'\r') {
                let line = String::from_utf8_lossy(&std::mem::take(&mut pending)).into_owned();
                if !line.is_empty() && !on_line(line) {
                    return;
                }
            } else {
                pending.push(*byte);
            }
        }
    }
    if !pending.is_empty() {
        on_line(String::from_utf8_lossy(&pending).into_owned());
    }
}

/// Cargo's `Building [===>  ] 12/431: serde, tokio` as news: `12/431  serde, tokio`.
pub(crate) fn progress_bar(line: &str) -> Option<String> {
    let plain = without_colour(line);
    let (before, after) = plain.trim().split_once('[')?;
    if !matches!(
        before.trim(),
        "Building" | "Checking" | "Downloading" | "Updating"
    ) {
        return None;
    }
    let (_, rest) = after.split_once(']')?;
    Some(rest.trim().replacen(':', " ", 1))
}

/// The text without terminal colour sequences.
pub(crate) fn without_colour(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(char) = chars.next() {
        if char == '\x1b' {
            // A sequence ends with its first letter: ESC [ 1 ; 32 m.
            let _ = chars.by_ref().find(char::is_ascii_alphabetic);
        } else {
            plain.push(char);
        }
    }
    plain
}

/// Becomes another program: it has the terminal, the folder and the process, so that Ctrl-C ends nobody but it and the prompt
/// comes back when it is through. Returns only when it cannot be run.
pub(crate) fn give_way(command: &mut Command) -> Result<ExitCode> {
    let name = command.get_program().to_string_lossy().into_owned();
    Err(command.exec()).with_context(|| format!("cannot run {name}"))
}

/// Runs a program to its end: it has the terminal and the folder, and its code is what is told.
pub(crate) fn stand_in(command: &mut Command) -> Result<ExitCode> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command
        .status()
        .with_context(|| format!("cannot run {name}"))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    // Ended by a signal, it told nothing of what it was asked.
    Ok(code.map_or(ExitCode::from(3), ExitCode::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, deadline: Duration) -> (Ended, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let mut seen = Vec::new();
        let mut news = |line: &str| {
            seen.push(line.to_owned());
            None
        };
        let log = folder.path().join("log");
        let watched = Watched {
            command,
            log,
            deadline,
            news: &mut news,
        };
        let ended = watch(watched, &mut Progress::start("test")).unwrap();
        (ended, seen)
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn both_outputs_arrive_and_failure_is_told() {
        let (ended, seen) = shell("echo out; echo err >&2; printf 'a\\rb'; exit 3", LONG);
        assert_eq!(seen, ["out", "err", "a", "b"]);
        assert!(!ended.success && ended.how.contains('3'), "{}", ended.how);
        let error = ended.require_success("step", 10).unwrap_err().to_string();
        assert!(error.starts_with("step: exit status: 3"), "{error}");
    }

    #[test]
    fn a_child_past_its_deadline_is_killed() {
        let (ended, _) = shell("exec sleep 600", Duration::from_millis(50));
        assert!(
            !ended.success && ended.how.contains("killed"),
            "{}",
            ended.how
        );
    }

    #[test]
    fn a_process_left_behind_does_not_hold_us() {
        let started = Instant::now();
        let (ended, seen) = shell("sleep 30 & echo done", LONG);
        assert!(ended.success);
        assert_eq!(seen, ["done"]);
        assert!(started.elapsed() < Duration::from_secs(20));
    }

    /// Started anew with this set, the test below gives way.
    const GIVES_WAY: &str = "XTASK_TEST_GIVES_WAY";

    #[test]
    fn who_gives_way_is_the_same_process_to_whoever_waits_for_it() {
        if std::env::var_os(GIVES_WAY).is_some() {
            give_way(Command::new("sh").args(["-c", "echo pid $$ >&2; exit 7"])).unwrap();
        }
        let name = "child::tests::who_gives_way_is_the_same_process_to_whoever_waits_for_it";
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture"])
            .env(GIVES_WAY, "1")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let pid = format!("pid {}\n", child.id());
        let ended = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&ended.stderr), pid);
        assert_eq!(ended.status.code(), Some(7));
        assert!(give_way(&mut Command::new("/no/such/program")).is_err());
    }

    #[test]
    fn a_program_that_was_killed_gave_no_verdict() {
        let code = |script: &str| stand_in(Command::new("sh").args(["-c", script])).unwrap();
        assert_eq!(code("exit 2"), ExitCode::from(2));
        assert_eq!(code("kill -KILL $$"), ExitCode::from(3));
    }

    #[test]
    fn the_tail_is_bounded() {
        let (ended, seen) = shell("seq 1 2000", LONG);
        assert_eq!((seen.len(), ended.tail.len()), (2000, TAIL_LINES_MAX));
        assert_eq!(ended.tail.back().unwrap(), "2000");
    }

    #[test]
    fn cargos_bar_becomes_news() {
        let line = "\x1b[1m\x1b[36m    Building\x1b[0m [=====>   ] 12/431: serde, tokio";
        assert_eq!(progress_bar(line).unwrap(), "12/431  serde, tokio");
        assert_eq!(progress_bar("   Compiling serde v1.0.0"), None);
        assert_eq!(progress_bar("warning: array[0] out of bounds"), None);
    }
}
