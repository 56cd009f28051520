//! Every fault that a scenario may name: what it does, what it takes, and what it costs the cluster.

pub mod params;

use params::Parameter;
use serde::Serialize;

/// What a fault works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Group {
    /// The server process.
    Process,
    /// The links between nodes.
    Network,
    /// What lies under the data directory.
    Disk,
    /// What the process takes for the time.
    Clock,
}

/// Which nodes count as broken while a fault lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Cost {
    /// None: the cluster must serve on.
    Nothing,
    /// Those it strikes, until it is healed.
    Struck,
    /// Those it strikes, for good: what they have promised may be gone, and they may never vote again.
    Lost,
    /// The smaller side of a cut.
    Cut,
}

/// One fault.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Entry {
    /// As scenarios name it.
    pub name: &'static str,
    /// What it works on.
    pub group: Group,
    /// What it does.
    pub about: &'static str,
    /// The parameters it takes.
    pub params: &'static [&'static dyn Parameter],
    /// Whether it does nothing unless a parameter says what.
    pub only_params: bool,
    /// What it costs.
    pub cost: Cost,
    /// Whether it needs nodes on file systems of their own (`disk = "image"`).
    pub image: bool,
    /// Whether it works through the shim, so that nodes must be started under it.
    pub shim: bool,
    /// Whether a process that it strikes may rightly end by itself.
    pub ends: bool,
}

const fn entry(name: &'static str, group: Group, cost: Cost, about: &'static str) -> Entry {
    Entry {
        name,
        group,
        about,
        params: &[],
        only_params: false,
        cost,
        image: false,
        shim: false,
        ends: false,
    }
}

impl Entry {
    const fn with(mut self, params: &'static [&'static dyn Parameter]) -> Self {
        self.params = params;
        self
    }

    const fn and_nothing_else(mut self) -> Self {
        self.only_params = true;
        self
    }

    const fn may_end(mut self) -> Self {
        self.ends = true;
        self
    }

    const fn by_shim(mut self) -> Self {
        self.shim = true;
        self
    }

    /// Whether a node that it holds may rightly answer that it failed inside: it cannot read or write what it must.
    #[must_use]
    pub fn fails_inside(&self) -> bool {
        self.group == Group::Disk || matches!(self.name, "memory-pressure" | "fd-exhaustion")
    }

    const fn on_image(mut self) -> Self {
        self.image = true;
        self
    }
}

/// All faults, by group.
pub static ALL: &[Entry] = &[
    entry(
        "kill",
        Group::Process,
        Cost::Struck,
        "SIGKILL; started and unsealed again afterwards",
    ),
    entry(
        "stop",
        Group::Process,
        Cost::Struck,
        "SIGTERM, as an operator restarts a node; started and unsealed again",
    ),
    entry(
        "pause",
        Group::Process,
        Cost::Struck,
        "SIGSTOP; goes on afterwards as if nothing had been",
    ),
    entry(
        "freeze",
        Group::Process,
        Cost::Struck,
        "the cgroup freezer holds every thread",
    ),
    entry(
        "cpu-starved",
        Group::Process,
        Cost::Struck,
        "a share of one processor is left",
    )
    .with(&[&params::SHARE]),
    entry(
        "memory-pressure",
        Group::Process,
        Cost::Struck,
        "so much memory more can be had and none beyond",
    )
    .with(&[&params::MIB])
    .may_end(),
    entry(
        "fd-exhaustion",
        Group::Process,
        Cost::Struck,
        "so many descriptors more can be had and none beyond",
    )
    .with(&[&params::DESCRIPTORS])
    .may_end(),
    entry(
        "isolate",
        Group::Network,
        Cost::Cut,
        "no packet to or from the target",
    ),
    entry(
        "halves",
        Group::Network,
        Cost::Cut,
        "two sides that cannot reach each other; the target is one of them",
    ),
    entry(
        "one-way-in",
        Group::Network,
        Cost::Cut,
        "the target sends and hears nothing",
    ),
    entry(
        "one-way-out",
        Group::Network,
        Cost::Cut,
        "the target hears and cannot send",
    ),
    entry(
        "bridge",
        Group::Network,
        Cost::Nothing,
        "two sides that only the target reaches both of",
    ),
    entry(
        "ring",
        Group::Network,
        Cost::Nothing,
        "every node reaches a majority, and no two the same one",
    ),
    entry(
        "flaky",
        Group::Network,
        Cost::Nothing,
        "delay, jitter, loss, duplicates, flipped bits and overtaking on every link of the target",
    )
    .with(&[
        &params::DELAY,
        &params::JITTER,
        &params::LOSS,
        &params::DUPLICATE,
        &params::CORRUPT,
        &params::REORDER,
    ])
    .and_nothing_else(),
    entry(
        "power-cut",
        Group::Disk,
        Cost::Struck,
        "what was not synced is gone; mounted, started and unsealed again",
    )
    .on_image()
    .may_end(),
    entry("full-disk", Group::Disk, Cost::Struck, "no byte is free")
        .on_image()
        .may_end(),
    entry("hung-disk", Group::Disk, Cost::Struck, "writes wait")
        .on_image()
        .may_end(),
    entry(
        "slow-disk",
        Group::Disk,
        Cost::Struck,
        "each sync takes longer",
    )
    .with(&[&params::SYNC_DELAY])
    .by_shim()
    .may_end(),
    entry(
        "io-error",
        Group::Disk,
        Cost::Struck,
        "writes and syncs fail with EIO; it ends, and is started and unsealed again",
    )
    .by_shim()
    .may_end(),
    entry(
        "no-space",
        Group::Disk,
        Cost::Struck,
        "writes fail as on a full disk, which need not be an image; it ends, and is started and unsealed again",
    )
    .by_shim()
    .may_end(),
    entry(
        "torn-write",
        Group::Disk,
        Cost::Struck,
        "half of one write reaches the disk; it ends, and is started and unsealed again",
    )
    .by_shim()
    .may_end(),
    entry(
        "bit-flip",
        Group::Disk,
        Cost::Lost,
        "killed, bits flipped in a file, started again",
    )
    .with(&[&params::FILE, &params::BITS])
    .may_end(),
    entry(
        "rolled-back-disk",
        Group::Disk,
        Cost::Lost,
        "killed, set back to an older image of its disk, started again",
    )
    .on_image()
    .may_end(),
    entry(
        "wiped-disk",
        Group::Disk,
        Cost::Lost,
        "killed, everything in its data directory removed, started again",
    )
    .may_end(),
    entry(
        "lying-sync",
        Group::Disk,
        Cost::Lost,
        "syncs do nothing and say that they did; then power is cut, and what was promised is gone: a control",
    )
    .on_image()
    .by_shim()
    .may_end(),
    entry(
        "clock-jump",
        Group::Clock,
        Cost::Nothing,
        "the wall clock jumps, and back",
    )
    .with(&[&params::OFFSET_S])
    .by_shim(),
    entry(
        "clock-drift",
        Group::Clock,
        Cost::Nothing,
        "the wall clock runs at another speed; timers stay true",
    )
    .with(&[&params::SPEED])
    .by_shim(),
];

/// The fault of a name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Entry> {
    ALL.iter().find(|entry| entry.name == name)
}
