//! Writes and syncs of a process that wait, fail, tear or lie; of all its files, or of those whose path holds a text.

use super::control::{Part, ShimControl, ends_after};
use super::layout::{calls, effect, rule};
use crate::nemesis::{Demand, Evidence, Nemesis, NemesisError};
use crate::target::Target;
use std::sync::Arc;
use std::time::Duration;

/// `EIO`, as Linux numbers it.
const EIO: u64 = 5;
/// `ENOSPC`, as Linux numbers it.
const ENOSPC: u64 = 28;

/// Which calls are struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calls {
    /// `fsync` and `fdatasync`.
    Syncs,
    /// `write` and its relatives.
    Writes,
    /// Both, and `fallocate`.
    All,
}

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It takes so much longer.
    Slow(Duration),
    /// It fails with EIO.
    Fails,
    /// It fails with ENOSPC.
    NoSpace,
    /// A write writes its first half, then fails with EIO.
    Tears,
    /// It does nothing and says that it did.
    Lies,
}

/// Strikes disk calls through the shim.
pub struct FaultFiles {
    kind: &'static str,
    calls: Calls,
    effect: Effect,
    paths: Vec<String>,
    hits_max: u64,
    life: Duration,
    held: Vec<Held>,
}

struct Held {
    node: u64,
    control: Arc<ShimControl>,
    part: Part,
}

impl FaultFiles {
    /// A fault on calls to every file, sockets and pipes left out; it ends after `life` at the latest. `kind` is what scenarios call it.
    #[must_use]
    pub const fn new(kind: &'static str, calls: Calls, effect: Effect, life: Duration) -> Self {
        Self {
            kind,
            calls,
            effect,
            paths: Vec::new(),
            hits_max: 0,
            life,
            held: Vec::new(),
        }
    }

    /// Each sync takes `delay` longer.
    #[must_use]
    pub const fn slow_sync(delay: Duration, life: Duration) -> Self {
        Self::new("slow-disk", Calls::Syncs, Effect::Slow(delay), life)
    }

    /// Writes and syncs fail with EIO.
    #[must_use]
    pub const fn io_error(life: Duration) -> Self {
        Self::new("io-error", Calls::All, Effect::Fails, life)
    }

    /// Writes fail as on a full disk.
    #[must_use]
    pub const fn no_space(life: Duration) -> Self {
        Self::new("no-space", Calls::All, Effect::NoSpace, life)
    }

    /// One write writes its first half only and fails.
    #[must_use]
    pub const fn torn_write(life: Duration) -> Self {
        Self::new("torn-write", Calls::Writes, Effect::Tears, life).at_most(1)
    }

    /// Syncs do nothing and succeed. With a power cut, what was promised is lost: the control that proves a checker awake.
    #[must_use]
    pub const fn lying_sync(life: Duration) -> Self {
        Self::new("lying-sync", Calls::Syncs, Effect::Lies, life)
    }

    /// Only on files whose path, links resolved, holds this text, of at most 256 bytes. Called again: or that.
    #[must_use]
    pub fn on(mut self, path_part: impl Into<String>) -> Self {
        self.paths.push(path_part.into());
        self
    }

    /// Only so many calls at each node; 0 is no limit.
    #[must_use]
    pub const fn at_most(mut self, hits: u64) -> Self {
        self.hits_max = hits;
        self
    }

    fn strike(&mut self, targets: &[Target]) -> Result<(), NemesisError> {
        let every_file = [String::new()];
        let paths = if self.paths.is_empty() {
            &every_file[..]
        } else {
            &self.paths[..]
        };
        if paths.iter().any(|path| path.len() > rule::PATTERN_MAX) {
            return Err(NemesisError::Range {
                what: "the length of a path's part",
            });
        }
        let (effect, errno, delay_us) = self.effect.words();
        for target in targets {
            target.process()?;
            let control = target.shim()?;
            for path in paths {
                let part = control.take_rule(target.node())?;
                self.held.push(Held {
                    node: target.node(),
                    control: Arc::clone(control),
                    part,
                });
                control.set_pattern(part, path.as_bytes())?;
                let words = [
                    (rule::CALLS, self.calls.word()),
                    (rule::EFFECT, effect),
                    (rule::ERRNO, errno),
                    (rule::DELAY_US, delay_us),
                    (rule::HITS_MAX, self.hits_max),
                    (rule::UNTIL_NS, ends_after(self.life)),
                    (rule::SEEN, 0),
                    (rule::HITS, 0),
                ];
                control.set(part, &words)?;
            }
        }
        Ok(())
    }
}

impl Calls {
    const fn word(self) -> u64 {
        match self {
            Self::Syncs => calls::SYNC,
            Self::Writes => calls::WRITE,
            Self::All => calls::SYNC | calls::WRITE | calls::ALLOCATE,
        }
    }
}

impl Effect {
    /// Effect, error number and microseconds.
    fn words(self) -> (u64, u64, u64) {
        match self {
            Self::Slow(delay) => {
                let us = u64::try_from(delay.as_micros()).unwrap_or(u64::MAX);
                (effect::DELAY, 0, us)
            }
            Self::Fails => (effect::FAIL, EIO, 0),
            Self::NoSpace => (effect::FAIL, ENOSPC, 0),
            Self::Tears => (effect::TEAR, EIO, 0),
            Self::Lies => (effect::LIE, 0, 0),
        }
    }
}

impl Nemesis for FaultFiles {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn demand(&self) -> Demand {
        Demand::Runs
    }

    fn install(&mut self, targets: &[Target]) -> Result<(), NemesisError> {
        if !self.held.is_empty() {
            return Err(NemesisError::Installed { fault: self.kind });
        }
        let struck = self.strike(targets);
        if struck.is_err() {
            self.heal()?;
        }
        struck
    }

    /// It bites once a call was hit.
    fn verify(&mut self) -> Result<Evidence, NemesisError> {
        let mut nodes: Vec<(u64, u64, u64)> = Vec::new();
        for held in &self.held {
            let seen = held.control.get(held.part, rule::SEEN)?;
            let hits = held.control.get(held.part, rule::HITS)?;
            match nodes.last_mut().filter(|last| last.0 == held.node) {
                Some(last) => *last = (held.node, last.1 + seen, last.2 + hits),
                None => nodes.push((held.node, seen, hits)),
            }
        }
        Ok(Evidence::join(nodes.into_iter().map(
            |(node, seen, hits)| {
                let bites = hits > 0;
                let text = format!("{hits} of {seen} calls were hit");
                (node, Evidence { bites, text })
            },
        )))
    }

    fn heal(&mut self) -> Result<(), NemesisError> {
        while let Some(held) = self.held.last() {
            held.control.clear(held.part)?;
            self.held.pop();
        }
        Ok(())
    }
}

impl Drop for FaultFiles {
    fn drop(&mut self) {
        // What cannot be cleared ends by itself, at the end of its life.
        drop(self.heal());
    }
}
