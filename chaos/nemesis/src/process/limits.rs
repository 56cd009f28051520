//! A resource limit of running processes, lowered for a while. The hard limit is never touched: it could not be raised again.

use super::stat::Process;
use crate::nemesis::NemesisError;
use crate::target::Target;
use crate::watch::Watch;
use rustix::process::{Resource, Rlimit, prlimit};
use std::time::Duration;

/// A lowered limit of some processes.
pub(crate) struct Lowered {
    resource: Resource,
    pub(crate) struck: Vec<Struck>,
    watch: Option<Watch>,
}

/// One of them.
pub(crate) struct Struck {
    pub(crate) node: u64,
    pub(crate) process: Process,
    /// What is allowed now.
    pub(crate) limit: u64,
    before: Rlimit,
}

impl Lowered {
    pub(crate) const fn none(resource: Resource) -> Self {
        Self {
            resource,
            struck: Vec::new(),
            watch: None,
        }
    }

    pub(crate) const fn is_installed(&self) -> bool {
        self.watch.is_some()
    }

    /// Lowers the limit of each target to what `limit` says.
    ///
    /// # Errors
    /// When the system refuses; then none is lowered.
    pub(crate) fn lower(
        &mut self,
        targets: &[Target],
        life: Duration,
        limit: impl Fn(&Process) -> Result<u64, NemesisError>,
    ) -> Result<(), NemesisError> {
        let mut undo = Vec::new();
        let mut planned = Vec::new();
        for (node, process) in Target::processes(targets)? {
            let before = read(&process, self.resource)?;
            undo.push(undo_line(&process, self.resource, &before));
            planned.push(Struck {
                node,
                limit: limit(&process)?.min(before.maximum.unwrap_or(u64::MAX)),
                process,
                before,
            });
        }
        self.watch = Some(Watch::set(Some(life), &undo)?);
        self.struck = planned;
        let lowered = self.struck.iter().try_for_each(|struck| {
            let limit = Rlimit {
                current: Some(struck.limit),
                maximum: struck.before.maximum,
            };
            set(&struck.process, self.resource, limit)
        });
        if lowered.is_err() {
            self.restore()?;
        }
        lowered
    }

    /// Sets every limit back to what it was.
    ///
    /// # Errors
    /// When the system refuses.
    pub(crate) fn restore(&mut self) -> Result<(), NemesisError> {
        for struck in &self.struck {
            if struck.process.runs() {
                set(&struck.process, self.resource, struck.before)?;
            }
        }
        self.struck.clear();
        self.watch = None;
        Ok(())
    }

    /// What is allowed to a process now.
    pub(crate) fn now(&self, struck: &Struck) -> Option<u64> {
        read(&struck.process, self.resource).ok()?.current
    }
}

impl Drop for Lowered {
    fn drop(&mut self) {
        let healed = self.restore();
        crate::watch::heal_or_let_go(healed, self.watch.take());
    }
}

/// Read from `/proc`: the safe call at hand that reads another process's limit sets it as well.
fn read(process: &Process, resource: Resource) -> Result<Rlimit, NemesisError> {
    let text = std::fs::read_to_string(format!("/proc/{}/limits", process.pid())).map_err(
        NemesisError::io(format!("reading the limits of {}", process.pid())),
    )?;
    let name = row(resource);
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let mut words = line.unwrap_or_default().split_whitespace();
    // A word that is no number says `unlimited`.
    let mut next = || words.next().and_then(|word| word.parse().ok());
    Ok(Rlimit {
        current: next(),
        maximum: next(),
    })
}

fn set(process: &Process, resource: Resource, limit: Rlimit) -> Result<(), NemesisError> {
    match prlimit(Some(process.id()?), resource, limit) {
        Ok(_) => Ok(()),
        Err(_) if !process.runs() => Ok(()),
        Err(errno) => {
            let what = format!("setting a limit of {}", process.pid());
            Err(NemesisError::errno(what)(errno))
        }
    }
}

/// The row of `/proc/<pid>/limits`.
fn row(resource: Resource) -> &'static str {
    if resource == Resource::Nofile {
        "Max open files"
    } else {
        "Max data size"
    }
}

fn undo_line(process: &Process, resource: Resource, before: &Rlimit) -> String {
    let option = if resource == Resource::Nofile {
        "nofile"
    } else {
        "data"
    };
    let word =
        |limit: Option<u64>| limit.map_or_else(|| "unlimited".to_owned(), |it| it.to_string());
    let (soft, hard) = (word(before.current), word(before.maximum));
    format!("prlimit --pid {} --{option}={soft}:{hard}", process.pid())
}
