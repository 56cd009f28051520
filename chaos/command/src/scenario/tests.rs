//! What scenarios take and refuse.

use super::*;
use crate::catalogue;
use crate::schedule::schedule;

const GOOD: &str = r#"name = "x"
about = "x"
duration = "20s"

[cluster]
nodes = 5

[[phase]]
at = "1s"
for = "2s"
fault = "kill"
target = "leader"
"#;

#[test]
fn every_scenario_that_is_shipped_is_read_and_bears_its_files_name() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios");
    let mut found = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let scenario = Scenario::parse(&text).unwrap_or_else(|error| panic!("{stem}: {error}"));
        assert_eq!(scenario.name, stem);
        assert_eq!(find(&stem).unwrap(), scenario, "it is compiled in");
        assert!(
            scenario
                .faults()
                .into_iter()
                .all(|fault| catalogue::find(fault).is_some())
        );
        let steps = schedule(&scenario, scenario.seed);
        for (fault, least) in &scenario.expect.installed {
            let times = steps.iter().filter(|step| step.fault == *fault).count();
            assert!(
                times >= usize::try_from(*least).unwrap(),
                "{stem} cannot install {fault} so often"
            );
        }
        found += 1;
    }
    assert_eq!(all().unwrap().len(), found);
}

#[test]
fn every_fault_stands_in_a_scenario() {
    let scenarios = all().unwrap();
    for entry in catalogue::ALL {
        let named = scenarios
            .iter()
            .any(|scenario| scenario.faults().contains(&entry.name));
        assert!(named, "{} is never tried", entry.name);
    }
}

#[test]
fn four_scenarios_are_for_ci() {
    let all = all().unwrap();
    let ci: Vec<&str> = all
        .iter()
        .filter(|one| one.ci)
        .map(|one| one.name.as_str())
        .collect();
    assert_eq!(
        ci,
        [
            "leader-kill",
            "leader-pause",
            "power-cut-all",
            "partition-mix"
        ]
    );
}

#[test]
fn unknown_fields_are_refused_with_name_and_line() {
    for (from, to, name, line) in [
        ("about =", "abuot =", "abuot", "line 2"),
        ("nodes = 5", "nods = 5", "nods", "line 6"),
        ("for = ", "four = ", "four", "line 10"),
        (
            "target = \"leader\"",
            "target = \"lieder\"",
            "lieder",
            "line 12",
        ),
        (
            "target = \"leader\"",
            "params = { los = 0.1 }",
            "los",
            "line 12",
        ),
    ] {
        let error = Scenario::parse(&GOOD.replace(from, to))
            .unwrap_err()
            .to_string();
        assert!(error.contains(name) && error.contains(line), "{error}");
    }
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    for (from, to, field) in [
        ("nodes = 5", "nodes = 0", "cluster.nodes"),
        ("fault = \"kill\"", "fault = \"kil\"", "phase 1: fault"),
        (
            "fault = \"kill\"",
            "fault = \"power-cut\"",
            "phase 1: fault",
        ),
        ("target = \"leader\"", "target = [6]", "phase 1: target"),
        ("target = \"leader\"", "repeat = 2", "phase 1: repeat"),
        (
            "target = \"leader\"",
            "params = { loss = 0.5 }",
            "phase 1: params",
        ),
        ("at = \"1s\"", "at = \"21s\"", "phase 1: at"),
        (
            "nodes = 5",
            "nodes = 5\n[workload]\nseed = 7",
            "workload.seed",
        ),
        ("name = \"x\"", "name = \"X y\"", "name"),
        (
            "target = \"leader\"",
            "target = \"leader-region\"",
            "phase 1: target",
        ),
        (
            "target = \"leader\"",
            "target = { region = \"us\" }",
            "phase 1: target",
        ),
        (
            "nodes = 5",
            "nodes = 5\nregions = { us = [1, 2] }",
            "cluster.regions",
        ),
        (
            "nodes = 5",
            "nodes = 5\ndistances = [{ between = [\"us\", \"eu\"], round_trip = \"80ms\" }]",
            "cluster.distances 1: between",
        ),
        (
            "duration = \"20s\"",
            "duration = \"90s\"\nci = true",
            "duration",
        ),
    ] {
        let error = Scenario::parse(&GOOD.replace(from, to)).unwrap_err();
        let ScenarioError::Value { field: found, .. } = &error else {
            panic!("{error}");
        };
        assert_eq!(found, field);
    }
    let boast = Scenario::parse(&format!("{GOOD}[expect]\nloss = true\n"));
    assert!(boast.unwrap_err().to_string().contains("expect.loss"));
    let strange = format!("{GOOD}[expect]\ninstalled = {{ pause = 1 }}\n");
    assert!(
        Scenario::parse(&strange)
            .unwrap_err()
            .to_string()
            .contains("expect.installed.pause")
    );
}

#[test]
fn what_a_fault_cannot_do_is_refused_when_it_is_read() {
    for (fault, params, field, what) in [
        ("bit-flip", "file = \"logs\"", "params.file", "log-manifest"),
        ("bit-flip", "bits = 0", "params.bits", "1 to 4096"),
        ("bit-flip", "bits = 4097", "params.bits", "1 to 4096"),
        ("cpu-starved", "share = 0.01", "params.share", "0.02 to 1"),
        ("clock-drift", "speed = 101.0", "params.speed", "0 to 100"),
        ("clock-drift", "speed = nan", "params.speed", "0 to 100"),
        ("flaky", "loss = 1.5", "params.loss", "0 to 1"),
        ("flaky", "", "params", "nothing without one of delay, "),
        ("flaky", "loss = 0.0", "params", "nothing without one of"),
    ] {
        let text = GOOD.replace("\"kill\"", &format!("\"{fault}\"\nparams = {{ {params} }}"));
        let error = Scenario::parse(&text).unwrap_err().to_string();
        let place = format!("phase 1: {field}: ");
        assert!(error.starts_with(&place) && error.contains(what), "{error}");
    }
}

#[test]
fn what_the_readme_shows_is_a_scenario() {
    let readme = include_str!("../../../README.md");
    let (_, toml) = readme.split_once("```toml\n").unwrap();
    let (toml, _) = toml.split_once("```").unwrap();
    let shown = Scenario::parse(toml).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(shown.faults(), ["flaky", "kill"]);
}

#[test]
fn a_refusal_is_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.toml");
    std::fs::write(&path, GOOD.replace("nodes = 5", "nodes = 10")).unwrap();
    let told = |path: &std::path::Path| {
        let error = find(path.to_str().unwrap()).unwrap_err();
        format!("{:#}", anyhow::Error::new(error))
    };
    let refused = told(&path);
    assert_eq!(refused.matches("cluster.nodes").count(), 1, "{refused}");
    assert!(refused.ends_with("x.toml: cluster.nodes: must be 1 to 9"));
    let unknown = told(&folder.path().join("y"));
    let list = format!("`{} list scenarios`", crate::called::name());
    assert!(unknown.contains(&list), "{unknown}");
    let unread = told(folder.path());
    assert_eq!(unread.matches("directory").count(), 1, "{unread}");
}

#[test]
fn a_cut_needs_somebody_on_the_other_side() {
    for target in [
        "\"all\"",
        "[3, 1, 2, 5, 4]",
        "\"leader-region\"",
        "{ region = \"us\" }",
    ] {
        let cut = GOOD
            .replace("nodes = 5", "nodes = 5\nregions = { us = [1, 2, 3, 4, 5] }")
            .replace("\"kill\"", "\"halves\"")
            .replace("\"leader\"", target);
        let error = Scenario::parse(&cut).unwrap_err().to_string();
        assert!(error.contains("on the other side"), "{error}");
    }
}

#[test]
fn over_the_minority_only_safety_is_asked_unless_everything_heals() {
    let with = |budget: &str| Scenario::parse(&format!("{GOOD}[budget]\n{budget}")).unwrap();
    let plain = Scenario::parse(GOOD).unwrap();
    assert_eq!((plain.budget(), plain.asks_for_service()), (2, true));
    assert!(!with("broken = 3").asks_for_service());
    assert!(with("broken = 3\nrecovers = true").asks_for_service());
    assert!(with("broken = 1").asks_for_service());
}

#[test]
fn a_scenario_survives_being_written() {
    for scenario in all().unwrap() {
        let json = serde_json::to_string(&scenario).unwrap();
        assert_eq!(serde_json::from_str::<Scenario>(&json).unwrap(), scenario);
    }
}
