//! A process as `/proc` shows it. A number alone names nobody, since numbers are used again; number and start time do.

use crate::nemesis::NemesisError;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;

/// How many parents are asked for before a process counts as a stranger.
const GENERATIONS_MAX: usize = 64;

/// One process: this one and none that gets its number later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    pid: u32,
    /// Clock ticks after boot.
    started: u64,
}

/// The fields of `/proc/<pid>/stat` that are used.
pub(crate) struct Stat {
    pub(crate) state: char,
    parent: u32,
    /// User and system time, clock ticks.
    pub(crate) ticks: u64,
    started: u64,
}

impl Process {
    /// The running process of a number, if it descends from this program.
    ///
    /// # Errors
    /// When it does not run, or somebody else started it.
    pub(crate) fn ours(pid: u32) -> Result<Self, NemesisError> {
        let refused = NemesisError::NotOurs { pid };
        let Some(found) = Self::of(pid).filter(|_| pid != std::process::id()) else {
            return Err(refused);
        };
        let mut at = pid;
        for _ in 0..GENERATIONS_MAX {
            match stat(at) {
                Some(stat) if stat.parent == std::process::id() => return Ok(found),
                Some(stat) if stat.parent > 1 => at = stat.parent,
                _ => break,
            }
        }
        Err(refused)
    }

    /// Whoever has this number now.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        let started = stat(pid)?.started;
        Some(Self { pid, started })
    }

    /// Its number.
    #[must_use]
    pub const fn pid(&self) -> u32 {
        self.pid
    }

    /// When it started, clock ticks after boot.
    pub(crate) const fn started(&self) -> u64 {
        self.started
    }

    /// The one of this number and start time.
    pub(crate) const fn named(pid: u32, started: u64) -> Self {
        Self { pid, started }
    }

    /// What `/proc` says of it, while it is there.
    pub(crate) fn stat(&self) -> Option<Stat> {
        stat(self.pid).filter(|stat| stat.started == self.started)
    }

    /// Whether it runs, be it stopped or frozen; one that only waits to be reaped does not.
    #[must_use]
    pub fn runs(&self) -> bool {
        self.stat()
            .is_some_and(|stat| !matches!(stat.state, 'Z' | 'X'))
    }

    /// The states of all its threads.
    pub(crate) fn thread_states(&self) -> Vec<char> {
        let Ok(tasks) = fs::read_dir(format!("/proc/{}/task", self.pid)) else {
            return Vec::new();
        };
        tasks
            .flatten()
            .filter_map(|task| parse(&fs::read_to_string(task.path().join("stat")).ok()?))
            .map(|stat| stat.state)
            .collect()
    }

    /// Whether it runs a program of this name.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        fs::read_to_string(format!("/proc/{}/comm", self.pid))
            .is_ok_and(|found| found.trim_end() == name)
    }

    /// A number out of `/proc/<pid>/status`.
    pub(crate) fn status(&self, field: &str) -> Option<u64> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
        line.split_whitespace().next()?.parse().ok()
    }

    /// Sends a signal, unless it is gone.
    pub(crate) fn signal(&self, signal: Signal) -> Result<(), NemesisError> {
        if !self.runs() {
            return Ok(());
        }
        match kill_process(self.id()?, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(errno) => Err(NemesisError::errno(format!(
                "sending a signal to {}",
                self.pid
            ))(errno)),
        }
    }

    pub(crate) fn id(&self) -> Result<Pid, NemesisError> {
        i32::try_from(self.pid)
            .ok()
            .and_then(Pid::from_raw)
            .ok_or(NemesisError::NotOurs { pid: self.pid })
    }
}

fn stat(pid: u32) -> Option<Stat> {
    parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The name comes second, in brackets, and may hold anything; all else is numbers and one letter.
fn parse(text: &str) -> Option<Stat> {
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let number = |place: usize| fields.get(place)?.parse::<u64>().ok();
    Some(Stat {
        state: fields.first()?.chars().next()?,
        parent: u32::try_from(number(1)?).ok()?,
        ticks: number(11)?.saturating_add(number(12)?),
        started: number(19)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_name_with_brackets_is_skipped() {
        let text =
            "7 (a) b) S 3 7 7 0 -1 4194304 90 0 0 0 5 6 0 0 20 0 1 0 8123 3 2 18446744073709551615";
        let stat = parse(text).unwrap();
        assert_eq!(
            (stat.state, stat.parent, stat.ticks, stat.started),
            ('S', 3, 11, 8123)
        );
    }

    #[test]
    fn only_running_descendants_are_ours() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let process = Process::ours(child.id()).unwrap();
        assert!(process.runs());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!process.runs());
        for stranger in [1, std::process::id(), child.id()] {
            assert!(matches!(
                Process::ours(stranger),
                Err(NemesisError::NotOurs { .. })
            ));
        }
    }

    #[test]
    fn another_start_time_is_another_process() {
        let us = Process::of(std::process::id()).unwrap();
        assert!(us.runs());
        assert!(!Process::named(us.pid(), us.started() + 1).runs());
    }
}
