//! What a fault is: it is installed, seen to bite, and healed.

use crate::target::Target;
use std::io;
use std::path::PathBuf;

/// A fault for some nodes. Calls block, for milliseconds as a rule and for seconds when a disk is mounted: not for async
/// tasks.
///
/// # Caller contract
/// 1. Bring the processes into the state that [`Self::demand`] asks for before `install`, and again before `heal`.
/// 2. `verify` may be called at any time between `install` and `heal`, and more than once: some faults are seen to bite
///    only after a while.
/// 3. `heal` may be called at any time and more than once. Dropping heals as well. Should this program die, a watch process
///    heals; and none lasts longer than the life it was given.
pub trait Nemesis: Send {
    /// As scenarios name it.
    fn kind(&self) -> &'static str;

    /// What the fault asks of the processes it strikes.
    fn demand(&self) -> Demand;

    /// Lets the fault in, at every target or at none.
    ///
    /// # Errors
    /// When it is not possible here, or a target lacks what the fault works on. Then nothing is left of it.
    fn install(&mut self, targets: &[Target]) -> Result<(), NemesisError>;

    /// Looks whether it bites.
    ///
    /// # Errors
    /// When that cannot be found out.
    fn verify(&mut self) -> Result<Evidence, NemesisError>;

    /// Ends the fault. Without one it does nothing.
    ///
    /// # Errors
    /// When something is left of it; it may be tried again.
    fn heal(&mut self) -> Result<(), NemesisError>;
}

/// What a fault asks of the processes it strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// They run, and may run on through all of it. They may also end by themselves: a node that cannot write does.
    Runs,
    /// They run, and `install` ends them; start them again after `heal`.
    Ends,
    /// They run when it strikes and must be gone before `heal`; start them again after it.
    DownToHeal,
    /// They must be gone before `install`; start them again after it.
    DownToInstall,
}

/// What was seen of a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Whether it bites at every target.
    pub bites: bool,
    /// What was seen, node by node, for a reader.
    pub text: String,
}

impl Evidence {
    /// Joins what was seen at each node: it bites when it bites everywhere, and somewhere.
    pub(crate) fn join(seen: impl IntoIterator<Item = (u64, Self)>) -> Self {
        let mut bites = true;
        let mut texts = Vec::new();
        for (node, seen) in seen {
            bites &= seen.bites;
            texts.push(format!("n{node}: {}", seen.text));
        }
        Self {
            bites: bites && !texts.is_empty(),
            text: texts.join("; "),
        }
    }
}

/// Why a fault could not be let in, looked at or healed.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each message says what its fields hold")]
pub enum NemesisError {
    /// This machine, or its user, cannot do it.
    #[error("{fault} does not work here: {why}")]
    Unsupported { fault: &'static str, why: String },
    /// It is there already.
    #[error("{fault} is installed already")]
    Installed { fault: &'static str },
    /// The process is none that this program started.
    #[error("process {pid} is not a running descendant of this program")]
    NotOurs { pid: u32 },
    /// The directory is none that this program made.
    #[error("{} is outside the grounds of this run", path.display())]
    OutsideGrounds { path: PathBuf },
    /// The target lacks what the fault works on.
    #[error("node {node} has no {lacks}")]
    Lacks { node: u64, lacks: &'static str },
    /// The process must be gone first.
    #[error("node {node} still runs")]
    StillRuns { node: u64 },
    /// A value no fault can have.
    #[error("{what} is out of range")]
    Range { what: &'static str },
    /// Something that takes a moment did not happen in time.
    #[error("{what} did not happen in time")]
    Late { what: String },
    /// The system refused.
    #[error("{what}")]
    Io {
        what: String,
        #[source]
        source: io::Error,
    },
    /// A tool failed.
    #[error("`{command}`: {said}")]
    Tool { command: String, said: String },
}

impl NemesisError {
    /// The system refused what was attempted.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        |source| Self::Io { what, source }
    }

    /// The same for what gives a bare error number.
    pub(crate) fn errno(what: impl Into<String>) -> impl FnOnce(rustix::io::Errno) -> Self {
        let what = what.into();
        |source| Self::Io {
            what,
            source: source.into(),
        }
    }
}
