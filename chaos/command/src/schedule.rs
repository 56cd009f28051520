//! What strikes when: from scenario and seed alone, so that a seed means the same schedule everywhere.
//!
//! Who leads is not known before; a step carries the random number by which its target will be chosen.

use crate::length::Length;
use crate::rng::Rng;
use crate::scenario::{Params, Phase, Scenario, Target};
use serde::Serialize;

/// Most steps of one run.
const STEPS_MAX: usize = 100_000;

/// One fault that will strike.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// When, after warming up.
    pub at: Length,
    /// How long it lasts; it is healed at the end of the run at the latest.
    pub lasts: Length,
    /// What: a name of the catalogue.
    pub fault: String,
    /// Whom.
    pub target: Target,
    /// How hard.
    pub params: Params,
    /// Decides what the target leaves open.
    pub pick: u64,
}

/// The schedule of a run.
#[must_use]
pub fn schedule(scenario: &Scenario, seed: u64) -> Vec<Step> {
    let mut steps = Vec::new();
    let end = scenario.duration.as_millis();
    let cycle = scenario.cycle.map_or(u64::MAX, Length::as_millis);
    for (place, phase) in scenario.phases.iter().enumerate() {
        let mut rng = Rng::part(seed, &format!("phase {place}"));
        let mut base = 0_u64;
        while base < end && steps.len() < STEPS_MAX {
            let until = end.min(base.saturating_add(cycle));
            strikes(phase, base, until, &mut rng, &mut steps);
            base = base.saturating_add(cycle);
        }
    }
    // Stable: what strikes at the same moment keeps the order of the file.
    steps.sort_by_key(|step| step.at);
    steps.truncate(STEPS_MAX);
    steps
}

/// The strikes of one phase between two moments.
fn strikes(phase: &Phase, base: u64, until: u64, rng: &mut Rng, steps: &mut Vec<Step>) {
    let times = match (phase.every, phase.repeat) {
        (None, _) => 1,
        (Some(_), None) => u32::MAX,
        (Some(_), Some(repeat)) => repeat,
    };
    let every = phase.every.map_or(0, Length::as_millis);
    for round in 0..times {
        let due = base + phase.at.as_millis() + u64::from(round) * every;
        let at = due + rng.below(phase.jitter.as_millis() + 1);
        // What could not be healed within the time does not begin; a phase that strikes once always does.
        let fits = due + phase.lasts.as_millis() <= until;
        if due >= until || (round > 0 && !fits) || steps.len() >= STEPS_MAX {
            return;
        }
        steps.push(Step {
            at: Length::millis(at),
            lasts: phase.lasts,
            fault: phase.fault.clone(),
            target: phase.target.clone(),
            params: phase.params.clone(),
            pick: rng.next_u64(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario(phases: &str) -> Scenario {
        let text = format!("name = \"x\"\nabout = \"x\"\nduration = \"20s\"\n{phases}");
        Scenario::parse(&text).unwrap()
    }

    const KILLS: &str = "[[phase]]\nat = \"1s\"\nfor = \"2s\"\nevery = \"5s\"\nfault = \"kill\"\n";

    #[test]
    fn a_seed_means_the_same_schedule_and_another_seed_another() {
        let scenario = scenario(KILLS);
        assert_eq!(schedule(&scenario, 7), schedule(&scenario, 7));
        assert_ne!(schedule(&scenario, 7), schedule(&scenario, 8));
    }

    #[test]
    fn a_seed_means_this_schedule_forever() {
        let first = &schedule(&scenario(KILLS), 1)[0];
        assert_eq!((first.at.as_millis(), first.pick), GOLDEN);
    }

    const GOLDEN: (u64, u64) = (1099, 8_847_465_066_470_715_289);

    #[test]
    fn strikes_end_with_the_time_and_come_in_order() {
        let steps = schedule(&scenario(KILLS), 3);
        assert_eq!(steps.len(), 4);
        assert!(steps.is_sorted_by_key(|step| step.at));
        let twice = KILLS.replace("every = \"5s\"", "every = \"5s\"\nrepeat = 2");
        assert_eq!(schedule(&scenario(&twice), 3).len(), 2);
    }

    #[test]
    fn a_cycle_begins_anew() {
        let once = "[[phase]]\nat = \"1s\"\nfor = \"2s\"\nfault = \"kill\"\n";
        assert_eq!(schedule(&scenario(once), 3).len(), 1);
        let steps = schedule(&scenario(&format!("cycle = \"6s\"\n{once}")), 3);
        assert_eq!(steps.len(), 4);
    }
}
