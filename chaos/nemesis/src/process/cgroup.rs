//! A control group for struck processes: made for one fault, put away with it. Both generations, and machines that mount both.
//!
//! Only groups of our own are written to; a process goes back to the group it came from.

use super::stat::Process;
use crate::nemesis::NemesisError;
use crate::wait::until;
use crate::watch::quoted;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Every group of ours is called this and then: number and start time of the program that made it, and a count.
const NAME: &str = "holdfast-chaos-";
/// Longest time for a group to become empty.
const EMPTY: Duration = Duration::from_secs(2);

/// What a group is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Controller {
    Freezer,
    Cpu,
}

/// Which generation a hierarchy is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Generation {
    One,
    Two,
}

/// A group and who was moved into it.
pub(crate) struct Group {
    dir: PathBuf,
    pub(crate) generation: Generation,
    /// Each with the group it came from.
    moved: Vec<(Process, PathBuf)>,
}

impl Controller {
    const fn name(self) -> &'static str {
        match self {
            Self::Freezer => "freezer",
            Self::Cpu => "cpu",
        }
    }

    /// The file that a group of the second generation has when it can do this.
    const fn file(self) -> &'static str {
        match self {
            Self::Freezer => "cgroup.freeze",
            Self::Cpu => "cpu.max",
        }
    }
}

impl Group {
    /// Makes a group for some processes and moves them in.
    ///
    /// # Errors
    /// When no hierarchy here offers the controller, or the user may not make groups.
    pub(crate) fn make(
        fault: &'static str,
        controller: Controller,
        processes: &[(u64, Process)],
    ) -> Result<Self, NemesisError> {
        let mut why = format!("no {} control group is mounted", controller.name());
        for (base, generation) in hierarchies(controller) {
            match Self::make_in(&base, generation, controller) {
                Ok(mut group) => {
                    for (_, process) in processes {
                        group.take_in(&base, *process, controller)?;
                    }
                    return Ok(group);
                }
                Err(refused) => why = refused,
            }
        }
        Err(NemesisError::Unsupported { fault, why })
    }

    fn make_in(
        base: &Path,
        generation: Generation,
        controller: Controller,
    ) -> Result<Self, String> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let us = Process::of(std::process::id()).ok_or("this process is not in /proc")?;
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = base.join(format!("{NAME}{}-{}-{count}", us.pid(), us.started()));
        fs::create_dir(&dir).map_err(|error| format!("making {}: {error}", dir.display()))?;
        let group = Self {
            dir,
            generation,
            moved: Vec::new(),
        };
        if generation == Generation::Two && !group.dir.join(controller.file()).exists() {
            return Err(format!(
                "{} has no {}",
                group.dir.display(),
                controller.file()
            ));
        }
        Ok(group)
    }

    fn take_in(
        &mut self,
        base: &Path,
        process: Process,
        controller: Controller,
    ) -> Result<(), NemesisError> {
        let from = home(base, process, self.generation, controller).ok_or_else(|| {
            NemesisError::Unsupported {
                fault: controller.name(),
                why: format!("/proc does not tell the group of {}", process.pid()),
            }
        })?;
        self.write("cgroup.procs", &process.pid().to_string())?;
        self.moved.push((process, from));
        Ok(())
    }

    /// Writes one of the group's files.
    pub(crate) fn write(&self, file: &str, value: &str) -> Result<(), NemesisError> {
        let path = self.dir.join(file);
        fs::write(&path, value).map_err(NemesisError::io(format!(
            "writing {value} to {}",
            path.display()
        )))
    }

    /// Reads one of the group's files.
    pub(crate) fn read(&self, file: &str) -> Result<String, NemesisError> {
        let path = self.dir.join(file);
        fs::read_to_string(&path).map_err(NemesisError::io(format!("reading {}", path.display())))
    }

    /// One number of a file of names and numbers.
    pub(crate) fn number(&self, file: &str, name: &str) -> Result<u64, NemesisError> {
        let text = self.read(file)?;
        let found = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        Ok(found.unwrap_or(0))
    }

    /// Shell lines that write a value and put the group away.
    pub(crate) fn undo(&self, file: &str, value: &str) -> Vec<String> {
        let mut lines = vec![format!("echo {value} > {}", quoted(&self.dir.join(file)))];
        for (process, from) in &self.moved {
            let procs = quoted(&from.join("cgroup.procs"));
            lines.push(format!("echo {} > {procs}", process.pid()));
        }
        lines.push(format!("rmdir {}", quoted(&self.dir)));
        lines
    }

    /// Moves everybody back and removes the group.
    ///
    /// # Errors
    /// When it does not become empty in time.
    pub(crate) fn dissolve(&mut self) -> Result<(), NemesisError> {
        for (process, from) in &self.moved {
            if process.runs() {
                let path = from.join("cgroup.procs");
                let moved = fs::write(&path, process.pid().to_string());
                if process.runs() {
                    moved.map_err(NemesisError::io(format!("writing {}", path.display())))?;
                }
            }
        }
        until(&format!("removing {}", self.dir.display()), EMPTY, || {
            fs::remove_dir(&self.dir).is_ok() || !self.dir.exists()
        })
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // The sweep at the next start finds what is left.
        drop(self.dissolve());
    }
}

/// Where groups of a kind can be made, the second generation first.
fn hierarchies(controller: Controller) -> Vec<(PathBuf, Generation)> {
    let mut found: Vec<(PathBuf, Generation)> = mounts()
        .into_iter()
        .filter_map(|mount| match mount.kind.as_str() {
            "cgroup2" => Some((mount.at, Generation::Two)),
            "cgroup" if mount.options.iter().any(|it| it == controller.name()) => {
                Some((mount.at, Generation::One))
            }
            _ => None,
        })
        .collect();
    found.sort_by_key(|(_, generation)| *generation == Generation::One);
    found
}

/// The group a process is in.
fn home(
    base: &Path,
    process: Process,
    generation: Generation,
    controller: Controller,
) -> Option<PathBuf> {
    let text = fs::read_to_string(format!("/proc/{}/cgroup", process.pid())).ok()?;
    let path = text.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':');
        let (_, names, path) = (fields.next()?, fields.next()?, fields.next()?);
        let is = match generation {
            Generation::Two => names.is_empty(),
            Generation::One => names.split(',').any(|name| name == controller.name()),
        };
        is.then_some(path)
    })?;
    Some(base.join(path.trim_start_matches('/')))
}

struct Mount {
    at: PathBuf,
    kind: String,
    options: Vec<String>,
}

fn mounts() -> Vec<Mount> {
    let text = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let parse = |line: &str| {
        let (left, right) = line.split_once(" - ")?;
        let mut right = right.split(' ');
        let (kind, _, options) = (right.next()?, right.next()?, right.next()?);
        Some(Mount {
            at: PathBuf::from(left.split(' ').nth(4)?),
            kind: kind.to_owned(),
            options: options.split(',').map(str::to_owned).collect(),
        })
    };
    text.lines().filter_map(parse).collect()
}

/// Removes the groups that dead programs left, and says which.
pub(crate) fn sweep() -> Vec<String> {
    let mut removed = Vec::new();
    let both = [Controller::Freezer, Controller::Cpu];
    for (base, _) in both.into_iter().flat_map(hierarchies) {
        for entry in fs::read_dir(base).into_iter().flatten().flatten() {
            let dir = entry.path();
            if owner(&dir).is_some_and(|owner| !owner.runs()) {
                // Held processes first go on; what cannot be removed is looked at again next time.
                drop(fs::write(dir.join("cgroup.freeze"), "0"));
                drop(fs::write(dir.join("freezer.state"), "THAWED"));
                if fs::remove_dir(&dir).is_ok() {
                    removed.push(format!("control group {}", dir.display()));
                }
            }
        }
    }
    removed
}

fn owner(dir: &Path) -> Option<Process> {
    let name = dir.file_name()?.to_str()?.strip_prefix(NAME)?;
    let mut parts = name.split('-');
    let pid = parts.next()?.parse().ok()?;
    Some(Process::named(pid, parts.next()?.parse().ok()?))
}
