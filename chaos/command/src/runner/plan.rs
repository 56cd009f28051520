//! What a run shall do, with everything that the command line changed in the scenario.

use super::folder::Keep;
use crate::cli::Common;
use crate::scenario::Scenario;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A run to be done. Written as repro.json, it says all that another run needs to be the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunPlan {
    /// The scenario, as changed.
    pub scenario: Scenario,
    /// Decides schedule and clients.
    pub seed: u64,
    /// More nodes may be broken at once than the cluster claims to survive; only safety is asked.
    pub over_budget: bool,
    /// The command that does it again.
    pub command: String,
}

/// Where a run happens and what it says meanwhile.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The server.
    pub binary: PathBuf,
    /// Where its files go.
    pub out: PathBuf,
    /// When the nodes' folders are kept.
    pub keep: Keep,
    /// Whether the terminal shows how it goes.
    pub progress: bool,
}

impl RunPlan {
    /// A scenario with what the command line changes. `named` is how the command line named it.
    ///
    /// # Errors
    /// When the changed scenario cannot be.
    pub fn new(
        named: &str,
        mut scenario: Scenario,
        seed: Option<u64>,
        common: &Common,
    ) -> anyhow::Result<Self> {
        let seed = seed.unwrap_or(scenario.seed);
        let mut command = format!("{} run {named} --seed {seed}", crate::called::name());
        if let Some(duration) = common.duration {
            // What CI runs is short; what somebody asks for may be long.
            scenario.ci = false;
            scenario.expect.shorten(scenario.duration, duration);
            scenario.duration = duration;
            command += &format!(" --duration {duration}");
        }
        if let Some(nodes) = common.nodes {
            // A scenario that breaks all of its nodes breaks all of these.
            if scenario.budget.broken == Some(scenario.cluster.nodes) {
                scenario.budget.broken = Some(nodes);
            }
            scenario.cluster.nodes = nodes;
            command += &format!(" --nodes {nodes}");
        }
        if common.over_budget {
            scenario.budget.broken = Some(scenario.cluster.nodes);
            scenario.budget.recovers = false;
            command += " --over-budget";
        }
        scenario.workload.seed = seed;
        scenario.check()?;
        Ok(Self {
            scenario,
            seed,
            over_budget: common.over_budget,
            command,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario;

    #[test]
    fn the_command_says_everything_that_was_changed() {
        let common = Common {
            duration: Some("2m".parse().unwrap()),
            nodes: Some(5),
            over_budget: true,
            ..Common::default()
        };
        let scenario = scenario::find("leader-kill").unwrap();
        let plan = RunPlan::new("leader-kill", scenario, Some(9), &common).unwrap();
        assert_eq!(
            plan.command,
            "holdfast-chaos run leader-kill --seed 9 --duration 2m --nodes 5 --over-budget"
        );
        assert_eq!(
            (plan.scenario.budget(), plan.scenario.asks_for_service()),
            (5, false)
        );
        assert_eq!(plan.scenario.workload.seed, 9);
        let few = |scenario: &Scenario| {
            (
                scenario.expect.operations,
                scenario.expect.installed["kill"],
            )
        };
        assert_eq!(few(&plan.scenario), (1000, 3), "a longer run owes no less");
        let short = Common {
            duration: Some("6s".parse().unwrap()),
            ..Common::default()
        };
        let short = RunPlan::new("leader-kill", plan.scenario.clone(), None, &short).unwrap();
        assert_eq!(
            few(&short.scenario),
            (50, 1),
            "a shorter one owes its share, and each fault once"
        );
        let five = Common {
            nodes: Some(5),
            ..Common::default()
        };
        let all = scenario::find("power-cut-all").unwrap();
        let all = RunPlan::new("power-cut-all", all, None, &five).unwrap();
        assert_eq!(all.scenario.budget(), 5, "all of three is all of five");
        let json = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<RunPlan>(&json).unwrap(), plan);
    }
}
