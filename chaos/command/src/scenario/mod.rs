//! What a scenario file says. Files are read strictly: an unknown field, fault, target or parameter is refused with its name
//! and line.

mod check;
mod files;
mod phase;
mod regions;
#[cfg(test)]
mod tests;

pub use check::ScenarioError;
pub use files::{FindError, all, find};
pub use phase::{Params, Phase, Target};
pub use regions::{Distance, Regions};

use crate::length::Length;
use holdfast_check::Claims;
use holdfast_workload::Plan;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its name; the file has the same.
    pub name: String,
    /// What it tries, in one sentence.
    pub about: String,
    /// Whether CI runs it at each change: at most 30 seconds.
    #[serde(default)]
    pub ci: bool,
    /// The seed, unless another is asked for.
    #[serde(default = "first_seed")]
    pub seed: u64,
    /// Clients work this long before the first fault may strike.
    #[serde(default = "two_seconds")]
    pub warmup: Length,
    /// The time in which faults strike, after warming up.
    pub duration: Length,
    /// The phases begin anew each time this has passed; `None`: they come once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cycle: Option<Length>,
    /// After everything was healed, clients work this long: service must be back, and as fast as before.
    #[serde(default = "four_seconds")]
    pub calm: Length,
    /// The cluster.
    #[serde(default)]
    pub cluster: ClusterShape,
    /// What the clients do.
    #[serde(default)]
    pub workload: Plan,
    /// What strikes when.
    #[serde(rename = "phase")]
    pub phases: Vec<Phase>,
    /// How much may be broken.
    #[serde(default)]
    pub budget: Budget,
    /// What the run must have seen, to say anything at all.
    #[serde(default)]
    pub expect: Expect,
}

const fn first_seed() -> u64 {
    1
}

const fn two_seconds() -> Length {
    Length::millis(2_000)
}

const fn four_seconds() -> Length {
    Length::millis(4_000)
}

/// The cluster of a scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClusterShape {
    /// How many nodes, 1 to 9.
    pub nodes: u64,
    /// Timing preset.
    pub preset: Preset,
    /// Whether clients speak TLS.
    pub tls: bool,
    /// Where data lies.
    pub disk: Disk,
    /// Where the nodes stand.
    #[serde(skip_serializing_if = "Regions::is_empty")]
    pub regions: Regions,
    /// How far regions are from each other.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub distances: Vec<Distance>,
}

impl Default for ClusterShape {
    fn default() -> Self {
        Self {
            nodes: 3,
            preset: Preset::Lan,
            tls: false,
            disk: Disk::Dir,
            regions: Regions::default(),
            distances: Vec::new(),
        }
    }
}

/// Heartbeats and elections, as the server's configuration names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// One site.
    Lan,
    /// Several regions.
    Wan,
}

/// Where nodes keep their data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Disk {
    /// A folder.
    Dir,
    /// A file system of each node's own, in an image: its power can be cut.
    Image,
}

/// How much may be broken at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Budget {
    /// Nodes; by default the minority that the cluster claims to survive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken: Option<u64>,
    /// Over that minority only safety is asked. With this, service is asked for again once everything is healed: right for
    /// faults that leave nothing behind.
    pub recovers: bool,
}

/// What a run must have seen. A run that has not is inconclusive, never passed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Expect {
    /// Answered operations.
    pub operations: u64,
    /// Changes of the leader.
    pub leader_changes: u64,
    /// Seals that were acknowledged.
    pub seals: u64,
    /// Tokens whose revocation was acknowledged.
    pub revocations: u64,
    /// Linearizable reads that followers answered.
    pub follower_reads: u64,
    /// Acknowledged writes that are lost, and a checker that says so: the scenario is a control of the harness, and a run that
    /// finds nothing lost is inconclusive.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub loss: bool,
    /// How often each fault was installed and seen to bite. A fault that stands in a phase and not here: once.
    pub installed: BTreeMap<String, u64>,
}

impl Expect {
    /// What a shorter run owes: its share of the numbers, and each fault once.
    pub(crate) fn shorten(&mut self, whole: Length, shorter: Length) {
        let (whole, part) = (whole.as_millis().max(1), shorter.as_millis());
        if part >= whole {
            return;
        }
        let share = |number: u64| {
            u64::try_from(u128::from(number) * u128::from(part) / u128::from(whole))
                .unwrap_or(number)
        };
        for number in [
            &mut self.operations,
            &mut self.leader_changes,
            &mut self.follower_reads,
            &mut self.seals,
            &mut self.revocations,
        ] {
            *number = share(*number);
        }
        for times in self.installed.values_mut() {
            *times = share(*times).max(1);
        }
    }
}

impl Scenario {
    /// Nodes that a cluster of this size claims to survive losing.
    #[must_use]
    pub const fn minority(&self) -> u64 {
        self.cluster.nodes.saturating_sub(1) / 2
    }

    /// Nodes that may be broken at once.
    #[must_use]
    pub fn budget(&self) -> u64 {
        self.budget.broken.unwrap_or_else(|| self.minority())
    }

    /// Whether service is asked for once everything is healed.
    #[must_use]
    pub fn asks_for_service(&self) -> bool {
        self.budget() <= self.minority() || self.budget.recovers
    }

    /// What a run of it claims to exercise.
    #[must_use]
    pub fn claims(&self) -> Claims {
        let least = |fault: &str| self.expect.installed.get(fault).copied().unwrap_or(1);
        let faults = self.faults().into_iter();
        Claims {
            operations: self.expect.operations,
            leader_changes: self.expect.leader_changes,
            seals: self.expect.seals,
            revocations: self.expect.revocations,
            follower_reads: self.expect.follower_reads,
            faults: faults
                .map(|fault| (fault.to_owned(), least(fault)))
                .collect(),
        }
    }

    /// The names of the faults in its phases, each once.
    #[must_use]
    pub fn faults(&self) -> Vec<&str> {
        let names: std::collections::BTreeSet<&str> = self
            .phases
            .iter()
            .map(|phase| phase.fault.as_str())
            .collect();
        names.into_iter().collect()
    }
}
