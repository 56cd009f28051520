//! The kinds of faults.

use std::time::Duration;

/// What can go wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Processes end where they stand.
    Kill(Vec<u64>),
    /// A process stands still.
    Pause(u64),
    /// Directed links are cut; the text says in which pattern.
    Cut(&'static str, Vec<(u64, u64)>),
    /// Messages take long and overtake each other.
    Delay(Duration),
    /// Messages are lost.
    Loss(u64),
    /// A disk takes long to sync.
    SlowDisk(u64, Duration),
    /// A write fails; the process ends and is started again.
    BrokenDisk(u64),
    /// A disk is full for a while.
    FullDisk(u64),
    /// A disk answers syncs of the log without doing them, and then power is lost: the node must notice that it has
    /// forgotten, and stay away for good.
    Amnesia(u64),
    /// A disk is put back to an older image, watermark and all: peers must notice for it.
    OlderImage(u64),
    /// A node comes back with an empty disk under its old number, half of the time while all others start as well: it must
    /// not take part.
    Wiped { id: u64, all: bool },
    /// A clock jumps.
    Clock(u64, i64),
    /// The cluster is sealed by hand, and its nodes are opened again one by one.
    Seal(u64),
    /// The leader is asked to hand over.
    StepDown(u64),
    /// A node's vote is taken, and given back.
    Vote(u64),
    /// A node is taken out for good, a new one with an empty disk takes its place. Dead: it never ran again before.
    Replace { old: u64, new: u64, dead: bool },
}

/// Names of all kinds.
pub(crate) const KINDS: [&str; 16] = [
    "kill",
    "pause",
    "partition",
    "delay",
    "loss",
    "slow-disk",
    "io-error",
    "full-disk",
    "lying-disk",
    "rolled-back-disk",
    "wiped-disk",
    "clock-jump",
    "seal",
    "step-down",
    "vote-taken",
    "node-replaced",
];

impl Kind {
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Kill(_) => "kill",
            Self::Pause(_) => "pause",
            Self::Cut(..) => "partition",
            Self::Delay(_) => "delay",
            Self::Loss(_) => "loss",
            Self::SlowDisk(..) => "slow-disk",
            Self::BrokenDisk(_) => "io-error",
            Self::FullDisk(_) => "full-disk",
            Self::Amnesia(_) => "lying-disk",
            Self::OlderImage(_) => "rolled-back-disk",
            Self::Wiped { .. } => "wiped-disk",
            Self::Clock(..) => "clock-jump",
            Self::Seal(_) => "seal",
            Self::StepDown(_) => "step-down",
            Self::Vote(_) => "vote-taken",
            Self::Replace { .. } => "node-replaced",
        }
    }

    pub(super) fn nodes(&self) -> Vec<u64> {
        match self {
            Self::Kill(nodes) => nodes.clone(),
            Self::Pause(id)
            | Self::SlowDisk(id, _)
            | Self::BrokenDisk(id)
            | Self::FullDisk(id)
            | Self::Amnesia(id)
            | Self::OlderImage(id)
            | Self::Wiped { id, .. }
            | Self::Clock(id, _)
            | Self::Seal(id)
            | Self::StepDown(id)
            | Self::Vote(id)
            | Self::Replace { old: id, .. } => vec![*id],
            Self::Cut(_, links) => {
                let mut nodes: Vec<u64> = links.iter().map(|(from, _)| *from).collect();
                nodes.sort_unstable();
                nodes.dedup();
                nodes
            }
            Self::Delay(_) | Self::Loss(_) => Vec::new(),
        }
    }
}
