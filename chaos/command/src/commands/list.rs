//! `list`: what there is.

use crate::catalogue::{self, Cost};
use crate::cli::{Kind, List};
use crate::exit::Exit;
use crate::scenario::{self, Scenario};
use crate::table::table;
use serde_json::{Value, json};

/// What clients can do: the weights of `[workload.mix]`, and the two others.
const WORKLOADS: &[(&str, &str)] = &[
    ("put", "a new version of a secret"),
    (
        "cas",
        "a new version if the latest is as expected; sometimes an old one is expected",
    ),
    ("get", "reads in each freshness, from every node"),
    ("delete", "deletes the latest version"),
    ("list", "all names"),
    ("create_token", "tokens, their children and grandchildren"),
    ("use_token", "reads with such a token, from every node"),
    (
        "revoke_token",
        "ends a token by itself, by name or by accessor, with all below",
    ),
    ("cubbyhole", "secrets in a token's own place"),
    (
        "sealing",
        "key holders seal the whole cluster and open it again, node by node, in random order",
    ),
    (
        "keyholders",
        "key holders open whatever node they find sealed",
    ),
];

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
            shown.insert("workloads".to_owned(), named(WORKLOADS));
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
        parts.push(format!("faults\n{}", table(2, &fault_rows())));
    }
    if wanted(Kind::Workloads) {
        parts.push(format!(
            "workloads, as weights of [workload.mix] and settings of [workload]\n{}",
            pairs(WORKLOADS)
        ));
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

fn fault_rows() -> Vec<Vec<String>> {
    let row = |entry: &catalogue::Entry| {
        let cost = match entry.cost {
            Cost::Nothing => "breaks nobody",
            Cost::Struck => "breaks its targets",
            Cost::Lost => "loses its targets",
            Cost::Cut => "breaks the smaller side",
        };
        let params = if entry.params.is_empty() {
            String::new()
        } else {
            format!(" ({})", entry.params.join(", "))
        };
        vec![
            entry.name.to_owned(),
            format!("{:?}", entry.group).to_lowercase(),
            cost.to_owned(),
            format!("{}{params}", entry.about),
        ]
    };
    catalogue::ALL.iter().map(row).collect()
}
