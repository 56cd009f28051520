//! `doctor`: which faults this machine can do.

use crate::ability;
use crate::cli;
use crate::exit::Exit;
use crate::scenario;
use crate::table::table;
use serde_json::{Value, json};

pub(super) fn run(args: &cli::Doctor) -> anyhow::Result<Exit> {
    let abilities = ability::abilities();
    let scenarios = scenario::all()?;
    let blocked: Vec<(String, String)> = scenarios
        .iter()
        .filter_map(|one| Some((one.name.clone(), ability::missing(one)?)))
        .collect();
    if args.json {
        let faults: Vec<Value> = abilities
            .iter()
            .map(|one| json!({ "fault": one.name, "works": one.works, "why": one.why, "needs": one.needs }))
            .collect();
        let blocked: Vec<Value> = blocked
            .iter()
            .map(|(scenario, why)| json!({ "scenario": scenario, "why": why }))
            .collect();
        println!(
            "{}",
            serde_json::to_string_pretty(&json!({ "faults": faults, "blocked": blocked }))?
        );
        return Ok(Exit::Pass);
    }
    let mut rows = vec![vec![
        "".to_owned(),
        "fault".to_owned(),
        "needs".to_owned(),
        "seen".to_owned(),
    ]];
    rows.extend(abilities.iter().map(|one| {
        let mark = if one.works { "works" } else { "no" };
        vec![
            mark.to_owned(),
            one.name.to_owned(),
            one.needs.to_owned(),
            one.why.clone(),
        ]
    }));
    print!("{}", table(0, &rows));
    println!("\nFaults of the network go through the relay and need nothing.");
    if blocked.is_empty() {
        println!("Every scenario can be run here.");
    } else {
        println!("\nScenarios that cannot be run here:");
        let rows: Vec<Vec<String>> = blocked
            .into_iter()
            .map(|(name, why)| vec![name, why])
            .collect();
        print!("{}", table(2, &rows));
    }
    Ok(Exit::Pass)
}
