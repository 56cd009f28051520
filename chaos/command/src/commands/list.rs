//! `list`: what there is.

use super::list_workload;
use crate::catalogue::{self, Cost, Entry};
use crate::cli::{Kind, List};
use crate::exit::Exit;
use crate::scenario::{self, Scenario};
use crate::table::table;
use serde_json::{Value, json};

pub(super) fn run(args: &List) -> anyhow::Result<Exit> {
    let scenarios = scenario::all()?;
    let wanted = |kind| args.kind.is_none_or(|only| only == kind);
    if args.json {
        let mut shown = serde_json::Map::new();
        if wanted(Kind::Scenarios) {
            shown.insert("scenarios".to_owned(), serde_json::to_value(&scenarios)?);
        }
        if wanted(Kind::Faults) {
            shown.insert("faults".to_owned(), serde_json::to_value(catalogue::ALL)?);
        }
        if wanted(Kind::Workloads) {
            shown.insert("workloads".to_owned(), list_workload::json()?);
        }
        if wanted(Kind::Checkers) {
            shown.insert("checkers".to_owned(), named(&checkers()));
        }
        println!("{}", serde_json::to_string_pretty(&shown)?);
        return Ok(Exit::Pass);
    }
    let mut parts = Vec::new();
    if wanted(Kind::Scenarios) {
        parts.push(format!(
            "scenarios\n{}",
            table(2, &scenario_rows(&scenarios))
        ));
    }
    if wanted(Kind::Faults) {
        parts.push(format!("faults\n{}", faults()));
    }
    if wanted(Kind::Workloads) {
        parts.push(list_workload::text()?);
    }
    if wanted(Kind::Checkers) {
        parts.push(format!("checkers\n{}", pairs(&checkers())));
    }
    print!("{}", parts.join("\n"));
    Ok(Exit::Pass)
}

fn checkers() -> Vec<(&'static str, &'static str)> {
    [holdfast_check::CHECKERS, crate::judge::OF_PROCESSES].concat()
}

fn named(pairs: &[(&str, &str)]) -> Value {
    let one = |(name, about): &(&str, &str)| json!({ "name": name, "about": about });
    pairs.iter().map(one).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> String {
    let rows: Vec<Vec<String>> = pairs
        .iter()
        .map(|(name, about)| vec![(*name).to_owned(), (*about).to_owned()])
        .collect();
    table(2, &rows)
}

fn scenario_rows(scenarios: &[Scenario]) -> Vec<Vec<String>> {
    let row = |scenario: &Scenario| {
        vec![
            scenario.name.clone(),
            if scenario.ci { "ci" } else { "" }.to_owned(),
            scenario.duration.to_string(),
            scenario.about.clone(),
        ]
    };
    scenarios.iter().map(row).collect()
}

/// A line for each fault, and one below for each parameter.
fn faults() -> String {
    let rows: Vec<Vec<String>> = catalogue::ALL.iter().map(fault_row).collect();
    let aligned = table(2, &rows);
    let mut text = String::new();
    for (line, entry) in aligned.lines().zip(catalogue::ALL) {
        text += &format!("{line}\n");
        let params = entry.params.iter().map(|param| {
            let meaning = format!("{}: {}", param.about(), param.range());
            vec![param.name().to_owned(), meaning]
        });
        text += &table(6, &params.collect::<Vec<_>>());
    }
    text
}

fn fault_row(entry: &Entry) -> Vec<String> {
    let cost = match entry.cost {
        Cost::Nothing => "breaks nobody",
        Cost::Struck => "breaks its targets",
        Cost::Lost => "loses its targets",
        Cost::Cut => "breaks the smaller side",
    };
    let image = entry.image.then_some("disk = \"image\"");
    let shim = entry.shim.then_some("the shim");
    let needs: Vec<&str> = image.into_iter().chain(shim).collect();
    let needs = match needs.as_slice() {
        [] => String::new(),
        needs => format!(" (needs {})", needs.join(" and ")),
    };
    vec![
        entry.name.to_owned(),
        format!("{:?}", entry.group).to_lowercase(),
        cost.to_owned(),
        format!("{}{needs}", entry.about),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_shows_what_it_needs_and_each_parameter_with_range_and_default() {
        let text = faults();
        for line in [
            "      share  share of one processor that is left: 0.02 to 1, by default 0.1",
            "      bits  how many bits are flipped: 1 to 4096, by default 1",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
        assert!(text.contains("no byte is free (needs disk = \"image\")\n"));
        assert!(text.contains("a control (needs disk = \"image\" and the shim)\n"));
        let json = serde_json::to_value(catalogue::ALL).unwrap();
        let slow = json.as_array().unwrap().iter();
        let slow = slow.clone().find(|entry| entry["name"] == "slow-disk");
        assert_eq!(slow.unwrap()["params"][0]["default"], json!("200ms"));
    }
}
