//! The control file of one process: written here, mapped there.

use super::layout::{
    ATTACHED_AT, CLOCK_AT, CONTROL_ENV, MAGIC, MAGIC_AT, PAGE_BYTES, RULE_WORDS, RULES, RULES_AT,
    clock, rule,
};
use super::library::find_shim;
use crate::grounds::Grounds;
use crate::nemesis::NemesisError;
use rustix::time::{ClockId, clock_gettime};
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Holds the reins of one process's shim.
pub struct ShimControl {
    library: PathBuf,
    path: PathBuf,
    file: File,
    /// Which rules, and whether the clock, are in use.
    used: Mutex<Used>,
}

#[derive(Default)]
struct Used {
    rules: [bool; RULES],
    clock: bool,
}

/// One part of the page, in use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    /// Its first word.
    at: usize,
    /// `None` is the clock.
    rule: Option<usize>,
}

impl ShimControl {
    /// Makes a control file in the grounds. The process is to be started with [`Self::environment`].
    ///
    /// # Errors
    /// When the library is not found or the file cannot be made.
    pub fn create(grounds: &Grounds, path: &Path) -> Result<Self, NemesisError> {
        let library = find_shim()?;
        let path = grounds.inside(path)?;
        let failed = || NemesisError::io(format!("making {}", path.display()));
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .map_err(failed())?;
        let bytes = u64::try_from(PAGE_BYTES).unwrap_or(u64::MAX);
        file.set_len(bytes).map_err(failed())?;
        let control = Self {
            library,
            path: path.clone(),
            file,
            used: Mutex::default(),
        };
        control.write(MAGIC_AT, MAGIC).map_err(failed())?;
        Ok(control)
    }

    /// What the process's environment must hold.
    #[must_use]
    pub fn environment(&self) -> Vec<(OsString, OsString)> {
        vec![
            ("LD_PRELOAD".into(), self.library.clone().into()),
            (CONTROL_ENV.into(), self.path.clone().into()),
        ]
    }

    /// How many processes have loaded the shim with this file.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn attached(&self) -> Result<u64, NemesisError> {
        self.read(ATTACHED_AT)
            .map_err(NemesisError::io("reading a control file"))
    }

    /// Takes a rule that nobody uses.
    pub(crate) fn take_rule(&self, node: u64) -> Result<Part, NemesisError> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let free = used.rules.iter().position(|used| !used);
        let free = free.ok_or(NemesisError::Lacks {
            node,
            lacks: "free rule in its shim",
        })?;
        used.rules[free] = true;
        Ok(Part {
            at: RULES_AT + free * RULE_WORDS,
            rule: Some(free),
        })
    }

    /// Takes the clock.
    pub(crate) fn take_clock(&self) -> Result<Part, NemesisError> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut used.clock, true) {
            return Err(NemesisError::Installed { fault: "clock" });
        }
        Ok(Part {
            at: CLOCK_AT,
            rule: None,
        })
    }

    /// Writes a part's words and makes it active.
    pub(crate) fn set(&self, part: Part, words: &[(usize, u64)]) -> Result<(), NemesisError> {
        words
            .iter()
            .try_for_each(|(at, word)| self.write(part.at + at, *word))
            .and_then(|()| self.write(part.at + part.active(), 1))
            .map_err(NemesisError::io("writing a control file"))
    }

    /// Writes the pattern of a rule.
    pub(crate) fn set_pattern(&self, part: Part, pattern: &[u8]) -> Result<(), NemesisError> {
        let place = offset(part.at + rule::PATTERN);
        let length = u64::try_from(pattern.len()).unwrap_or(u64::MAX);
        self.file
            .write_all_at(pattern, place)
            .and_then(|()| self.write(part.at + rule::PATTERN_LEN, length))
            .map_err(NemesisError::io("writing a control file"))
    }

    /// One word of a part.
    pub(crate) fn get(&self, part: Part, at: usize) -> Result<u64, NemesisError> {
        self.read(part.at + at)
            .map_err(NemesisError::io("reading a control file"))
    }

    /// Makes a part inactive and gives it back.
    pub(crate) fn clear(&self, part: Part) -> Result<(), NemesisError> {
        self.write(part.at + part.active(), 0)
            .map_err(NemesisError::io("writing a control file"))?;
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        match part.rule {
            Some(rule) => used.rules[rule] = false,
            None => used.clock = false,
        }
        Ok(())
    }

    /// A word is written by one call, at a multiple of its size, into the page that the process has mapped.
    fn write(&self, at: usize, word: u64) -> io::Result<()> {
        self.file.write_all_at(&word.to_ne_bytes(), offset(at))
    }

    fn read(&self, at: usize) -> io::Result<u64> {
        let mut word = [0; 8];
        self.file.read_exact_at(&mut word, offset(at))?;
        Ok(u64::from_ne_bytes(word))
    }
}

impl Part {
    const fn active(self) -> usize {
        match self.rule {
            Some(_) => rule::ACTIVE,
            None => clock::ACTIVE,
        }
    }
}

fn offset(word: usize) -> u64 {
    u64::try_from(word * 8).unwrap_or(u64::MAX)
}

/// So long after now on the monotonic clock, nanoseconds.
pub(crate) fn ends_after(life: Duration) -> u64 {
    now_ns(ClockId::Monotonic).saturating_add(u64::try_from(life.as_nanos()).unwrap_or(u64::MAX))
}

/// A clock of this machine, nanoseconds.
pub(crate) fn now_ns(clock: ClockId) -> u64 {
    let now = clock_gettime(clock);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(now.tv_nsec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(nanos)
}
