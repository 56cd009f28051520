//! Reading a scenario and checking what its types cannot.

use super::{Disk, Params, Phase, Scenario, Target};
use crate::catalogue::params::Parameter;
use crate::catalogue::{self, Cost, Entry, Group};
use holdfast_workload::Plan;

/// Longest time that a scenario for CI may take, warming up and calm included.
const CI_MILLIS_MAX: u64 = 30_000;
/// Most nodes: each is a process.
const NODES_MAX: u64 = 9;

/// Why a scenario was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScenarioError {
    /// Not TOML, or a field that is unknown, missing or of the wrong type. Names it, and its line.
    #[error("{0}")]
    Form(String),
    /// A value that cannot be.
    #[error("{field}: {what}")]
    Value {
        /// The field, with the place of its phase.
        field: String,
        /// What is wrong.
        what: String,
    },
}

fn refuse<T>(field: impl Into<String>, what: impl Into<String>) -> Result<T, ScenarioError> {
    Err(ScenarioError::Value {
        field: field.into(),
        what: what.into(),
    })
}

/// Whether a fault takes these. Names what it does not take.
fn check_params(entry: &Entry, params: &Params) -> Result<(), (String, String)> {
    let fault = entry.name;
    let all = "params".to_owned();
    for given in params.given() {
        if !entry.params.iter().any(|param| param.name() == given) {
            return Err((all, format!("`{fault}` takes no `{given}`")));
        }
    }
    for param in entry.params {
        if let Some(what) = param.refuse(params) {
            return Err((format!("params.{}", param.name()), what));
        }
    }
    let changes = |param: &&&dyn Parameter| !param.is_default(params);
    if entry.only_params && entry.params.iter().find(changes).is_none() {
        let names: Vec<&str> = entry.params.iter().map(|param| param.name()).collect();
        let what = format!("`{fault}` does nothing without one of {}", names.join(", "));
        return Err((all, what));
    }
    Ok(())
}

impl Scenario {
    /// Reads and checks a text.
    ///
    /// # Errors
    /// Names the first thing that is unknown, missing or cannot be.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        let read: Result<Self, _> = toml::from_str(text);
        let scenario =
            read.map_err(|error| ScenarioError::Form(error.to_string().trim_end().to_owned()))?;
        if scenario.workload.seed != Plan::default().seed {
            return refuse("workload.seed", "is the run's: write `seed` at the top");
        }
        scenario.check()?;
        Ok(scenario)
    }

    /// Checks values against each other and against the catalogue.
    ///
    /// # Errors
    /// Names the first field that cannot be.
    pub fn check(&self) -> Result<(), ScenarioError> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if self.name.is_empty() || !self.name.bytes().all(plain) {
            return refuse("name", "must be of a-z, 0-9 and -");
        }
        if !(1..=NODES_MAX).contains(&self.cluster.nodes) {
            return refuse("cluster.nodes", format!("must be 1 to {NODES_MAX}"));
        }
        let cluster = &self.cluster;
        let standing = cluster.regions.check(cluster.nodes);
        let apart = standing.and_then(|()| cluster.regions.check_distances(&cluster.distances));
        if let Err((field, what)) = apart {
            return refuse(field, what);
        }
        if let Err(error) = self.workload.validate() {
            return refuse(format!("workload.{}", error.field), error.what);
        }
        if self.duration.as_millis() < 1_000 {
            return refuse("duration", "must be a second or more");
        }
        let whole = self.warmup.0 + self.duration.0 + self.calm.0;
        if self.ci && whole.as_millis() > u128::from(CI_MILLIS_MAX) {
            return refuse(
                "duration",
                "with ci = true, warmup, duration and calm are 30s at most",
            );
        }
        if self.cycle.is_some_and(|cycle| cycle.as_millis() < 1_000) {
            return refuse("cycle", "must be a second or more");
        }
        if self.budget() > self.cluster.nodes {
            return refuse("budget.broken", "must not exceed cluster.nodes");
        }
        for (place, phase) in self.phases.iter().enumerate() {
            self.check_phase(place + 1, phase)?;
        }
        if self.expect.loss && self.asks_for_service() {
            return refuse(
                "expect.loss",
                "needs a budget over the minority: within it nothing may be lost",
            );
        }
        for fault in self.expect.installed.keys() {
            if !self.phases.iter().any(|phase| phase.fault == *fault) {
                return refuse(format!("expect.installed.{fault}"), "stands in no phase");
            }
        }
        Ok(())
    }

    fn check_phase(&self, place: usize, phase: &Phase) -> Result<(), ScenarioError> {
        let field = |name: &str| format!("phase {place}: {name}");
        let Some(entry) = catalogue::find(&phase.fault) else {
            let names: Vec<&str> = catalogue::ALL.iter().map(|entry| entry.name).collect();
            let what = format!(
                "unknown fault `{}`: one of {}",
                phase.fault,
                names.join(", ")
            );
            return refuse(field("fault"), what);
        };
        check_params(entry, &phase.params).or_else(|(name, what)| refuse(field(&name), what))?;
        if entry.image && self.cluster.disk != Disk::Image {
            let what = format!("`{}` needs disk = \"image\" in [cluster]", entry.name);
            return refuse(field("fault"), what);
        }
        if phase.repeat.is_some() && phase.every.is_none() {
            return refuse(field("repeat"), "needs `every`");
        }
        if phase.every.is_some_and(|every| every.as_millis() < 100) {
            return refuse(field("every"), "must be 100ms or more");
        }
        if phase.at > self.duration {
            return refuse(field("at"), "lies behind the end of `duration`");
        }
        if let Err(what) = self.check_target(&phase.target) {
            return refuse(field("target"), what);
        }
        let cuts = entry.group == Group::Network && entry.cost == Cost::Cut;
        if cuts && self.may_strike_all(&phase.target) {
            return refuse(
                field("target"),
                format!("`{}` needs somebody on the other side", entry.name),
            );
        }
        Ok(())
    }

    /// Whether a target can be every node.
    fn may_strike_all(&self, target: &Target) -> bool {
        let regions = &self.cluster.regions;
        let everybody = |ids: &[u64]| (1..=self.cluster.nodes).all(|id| ids.contains(&id));
        match target {
            Target::All => true,
            Target::Nodes(ids) => everybody(ids),
            Target::Region(name) => regions.nodes(name).is_some_and(everybody),
            // The only one leads.
            Target::LeaderRegion => regions
                .of(1)
                .and_then(|name| regions.nodes(name))
                .is_some_and(everybody),
            Target::Leader | Target::Follower | Target::Minority | Target::Random => false,
        }
    }

    fn check_target(&self, target: &Target) -> Result<(), String> {
        let regions = &self.cluster.regions;
        match target {
            Target::Nodes(ids) => {
                let there = |id: &u64| (1..=self.cluster.nodes).contains(id);
                if ids.is_empty() || !ids.iter().all(there) {
                    return Err(format!("nodes are 1 to {}", self.cluster.nodes));
                }
            }
            Target::Region(name) if regions.nodes(name).is_none() => {
                return Err(format!("`{name}` is no region of [cluster.regions]"));
            }
            Target::LeaderRegion if regions.is_empty() => {
                return Err("`leader-region` needs [cluster.regions]".to_owned());
            }
            _ => {}
        }
        Ok(())
    }
}
