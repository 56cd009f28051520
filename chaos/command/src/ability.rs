//! Whether this machine can do what a scenario needs. Everything is really tried, once for each process of this program.

use crate::catalogue::{self, Group};
use crate::scenario::{Disk, Scenario};
use holdfast_nemesis::Ability;
use std::sync::OnceLock;

/// What the doctor found.
#[must_use]
pub fn abilities() -> &'static [Ability] {
    static FOUND: OnceLock<Vec<Ability>> = OnceLock::new();
    FOUND.get_or_init(holdfast_nemesis::doctor)
}

/// Why this machine cannot run a scenario; `None` when it can.
#[must_use]
pub fn missing(scenario: &Scenario) -> Option<String> {
    let needs = needs(scenario);
    if needs.is_empty() {
        return None;
    }
    missing_among(&needs, abilities())
}

/// The abilities that a scenario needs. Ending and pausing one's own processes, and the relay, need nothing.
fn needs(scenario: &Scenario) -> Vec<&str> {
    let special = |fault: &&str| {
        !matches!(*fault, "kill" | "stop" | "pause")
            && catalogue::find(fault).is_some_and(|entry| entry.group != Group::Network)
    };
    let mut needs: Vec<&str> = scenario.faults().into_iter().filter(special).collect();
    // Whoever lies is caught by cutting the power.
    if needs.contains(&"lying-sync") {
        needs.push("power-cut");
    }
    if scenario.cluster.disk == Disk::Image {
        needs.push("disk-image");
    }
    needs
}

fn missing_among(needs: &[&str], abilities: &[Ability]) -> Option<String> {
    let mut why = Vec::new();
    for need in needs {
        match abilities.iter().find(|ability| ability.name == *need) {
            Some(ability) if ability.works => {}
            Some(ability) => why.push(format!("{need} does not work here: {}", ability.why)),
            None => why.push(format!("{need} was never tried")),
        }
    }
    (!why.is_empty()).then(|| why.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario;

    fn ability(name: &'static str, works: bool) -> Ability {
        Ability {
            name,
            works,
            why: "no root".to_owned(),
            needs: "root",
        }
    }

    #[test]
    fn what_does_not_work_is_never_silently_left_out() {
        let found = [ability("power-cut", false), ability("disk-image", true)];
        let needs = needs(&scenario::find("power-cut-all").unwrap())
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>();
        assert_eq!(needs, ["power-cut", "disk-image"]);
        let needs: Vec<&str> = needs.iter().map(String::as_str).collect();
        assert!(
            missing_among(&needs, &found)
                .unwrap()
                .contains("power-cut does not work here: no root")
        );
        assert_eq!(missing_among(&needs[1..], &found), None);
        assert!(missing_among(&["unheard-of"], &found).is_some());
    }

    #[test]
    fn every_ability_is_one_that_a_scenario_can_need_and_the_other_way_round() {
        let tried: Vec<&str> = holdfast_nemesis::tried().collect();
        let special = |name: &&str| {
            let entry = catalogue::find(name).expect("it is in the catalogue");
            entry.group != Group::Network && entry.name != "stop"
        };
        let names = catalogue::ALL.iter().map(|entry| entry.name);
        for name in names.filter(special) {
            assert!(tried.contains(&name), "the doctor never tries {name}");
        }
        for name in tried {
            let usable = name == "disk-image" || catalogue::find(name).is_some();
            assert!(usable, "no scenario can name {name}");
        }
    }

    #[test]
    fn kills_pauses_and_cuts_of_links_need_nothing() {
        for name in [
            "leader-kill",
            "leader-pause",
            "partition-mix",
            "rolling-restart",
        ] {
            assert!(needs(&scenario::find(name).unwrap()).is_empty(), "{name}");
        }
    }
}
