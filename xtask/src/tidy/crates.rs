//! The house: which crate may depend on which.
//!
//! Rules, all from ARCHITECTURE.md: arrows point down the list `FLOORS`; each outside engine has one importer; the
//! replicated half never reaches the crate that can decrypt; packages beside the house use public doors only.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::Finding;
use crate::cargo;
use crate::places::Places;

/// Top floor first. A crate may depend on those below it. A new crate gets its place here.
const FLOORS: [&str; 24] = [
    "holdfast-sim",
    "holdfast",
    "holdfast-node",
    "holdfast-api",
    "holdfast-request",
    "holdfast-engines",
    "holdfast-auth",
    "holdfast-access",
    "holdfast-lease",
    "holdfast-audit",
    "holdfast-contract",
    "holdfast-barrier",
    "holdfast-consensus",
    "holdfast-store",
    "holdfast-transport",
    "holdfast-ceremony",
    "holdfast-machine",
    "holdfast-crypto",
    "holdfast-memory",
    "holdfast-types",
    "holdfast-mutant",
    "holdfast-client",
    "holdfast-proto",
    "holdfast-check",
];
/// Crates apart: anyone may use them; they know nothing of the server.
const APART: [&str; 3] = ["holdfast-client", "holdfast-proto", "holdfast-check"];
/// Packages beside the house, and what they may use: public doors, and the tests' way to start a cluster.
const BESIDE: [(&str, &[&str]); 9] = [
    ("holdfast-tests", &["holdfast-client", "holdfast-proto"]),
    // The harness reads the logs of stopped nodes, as a thief would; everything else goes through public doors.
    (
        "holdfast-chaos",
        &[
            "holdfast-check",
            "holdfast-client",
            "holdfast-consensus",
            "holdfast-machine",
            "holdfast-mutant",
            "holdfast-nemesis",
            "holdfast-relay",
            "holdfast-report",
            "holdfast-store",
            "holdfast-types",
            "holdfast-workload",
        ],
    ),
    ("holdfast-nemesis", &[]),
    ("holdfast-relay", &[]),
    // Loaded into faulted processes, linked by nobody.
    ("holdfast-shim", &[]),
    ("holdfast-report", &["holdfast-check"]),
    ("holdfast-workload", &["holdfast-check", "holdfast-client"]),
    (
        "holdfast-benches",
        &["holdfast-client", "holdfast-proto", "holdfast-tests"],
    ),
    ("xtask", &[]),
];
/// Each outside engine and its one importer.
const IMPORTERS: [(&str, &str); 8] = [
    ("openraft", "holdfast-consensus"),
    ("openraft-rt", "holdfast-consensus"),
    ("rocksdb", "holdfast-store"),
    ("librocksdb-sys", "holdfast-store"),
    ("quinn", "holdfast-transport"),
    ("quinn-proto", "holdfast-transport"),
    ("chacha20poly1305", "holdfast-crypto"),
    ("aes-siv", "holdfast-crypto"),
];
/// The half that holds sealed records only.
const REPLICATED: [&str; 4] = [
    "holdfast-machine",
    "holdfast-store",
    "holdfast-transport",
    "holdfast-consensus",
];
/// What that half must not reach.
const DECRYPTS: &str = "holdfast-crypto";

/// One package of the workspace.
#[derive(Debug, Default)]
pub(crate) struct Package {
    name: String,
    /// Linked into it: normal and build dependencies.
    linked: BTreeSet<String>,
    /// All it names, tests' dependencies too.
    named: BTreeSet<String>,
}

/// The workspace's packages, from cargo.
pub(crate) fn packages(places: &Places) -> Result<Vec<Package>> {
    let output = cargo::plain(places)
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .output()
        .context("cannot run cargo metadata")?;
    if !output.status.success() {
        bail!(
            "cargo metadata: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    let metadata: Value =
        serde_json::from_slice(&output.stdout).context("cargo metadata did not print JSON")?;
    let packages = metadata["packages"]
        .as_array()
        .context("cargo metadata names no packages")?;
    Ok(packages.iter().map(read_package).collect())
}

fn read_package(package: &Value) -> Package {
    let mut read = Package {
        name: package["name"].as_str().unwrap_or_default().to_owned(),
        ..Package::default()
    };
    for dependency in package["dependencies"].as_array().into_iter().flatten() {
        let name = dependency["name"].as_str().unwrap_or_default().to_owned();
        if dependency["kind"] != "dev" {
            read.linked.insert(name.clone());
        }
        read.named.insert(name);
    }
    read
}

pub(crate) fn check(packages: &[Package]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in packages {
        findings.extend(floors(package));
        for (engine, importer) in IMPORTERS {
            if package.named.contains(engine) && package.name != importer {
                let what = format!("imports {engine}, whose one importer is {importer}");
                findings.push(Finding::error(&package.name, what));
            }
        }
        if REPLICATED.contains(&package.name.as_str())
            && let Some(way) = way_to(packages, &package.name, DECRYPTS)
        {
            let what = format!("the replicated half must not decrypt: {}", way.join(" → "));
            findings.push(Finding::error(&package.name, what));
        }
    }
    findings
}

fn floors(package: &Package) -> Vec<Finding> {
    let error = |what: String| Finding::error(&package.name, what);
    let ours = package
        .linked
        .iter()
        .filter(|name| name.starts_with("holdfast"));
    if let Some((_, doors)) = BESIDE.iter().find(|(name, _)| *name == package.name) {
        let inside = ours.filter(|name| !doors.contains(&name.as_str()));
        return inside
            .map(|name| error(format!("reaches past the doors, into {name}")))
            .collect();
    }
    let Some(own) = floor(&package.name) else {
        return vec![error(
            "has no floor: give it one in xtask/src/tidy/crates.rs".to_owned(),
        )];
    };
    let apart = APART.contains(&package.name.as_str());
    ours.filter(|name| floor(name).is_none_or(|other| other <= own) || (apart && !is_apart(name)))
        .map(|name| error(format!("depends on {name}, which is not below it")))
        .collect()
}

fn is_apart(name: &str) -> bool {
    APART.contains(&name)
}

fn floor(name: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| *floor == name)
}

/// The first way found along linked crates of the workspace.
fn way_to(packages: &[Package], from: &str, to: &str) -> Option<Vec<String>> {
    let linked: BTreeMap<&str, &BTreeSet<String>> = packages
        .iter()
        .map(|package| (package.name.as_str(), &package.linked))
        .collect();
    let mut ways = vec![vec![from.to_owned()]];
    let mut seen = BTreeSet::from([from.to_owned()]);
    while let Some(way) = ways.pop() {
        let last = way.last().expect("a way has its start");
        if last == to {
            return Some(way);
        }
        for next in linked
            .get(last.as_str())
            .into_iter()
            .flat_map(|next| next.iter())
        {
            if seen.insert(next.clone()) {
                ways.push([way.clone(), vec![next.clone()]].concat());
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, linked: &[&str], dev: &[&str]) -> Package {
        let linked: BTreeSet<String> = linked.iter().map(|&name| name.to_owned()).collect();
        let mut named = linked.clone();
        named.extend(dev.iter().map(|&name| name.to_owned()));
        Package {
            name: name.to_owned(),
            linked,
            named,
        }
    }

    fn found(packages: &[Package]) -> Vec<String> {
        check(packages).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn arrows_that_point_up_or_sideways_are_found() {
        assert!(found(&[package("holdfast-api", &["holdfast-request"], &[])]).is_empty());
        assert_eq!(
            found(&[package("holdfast-request", &["holdfast-api"], &[])]).len(),
            1
        );
        assert_eq!(
            found(&[package("holdfast-client", &["holdfast-types"], &[])]).len(),
            1
        );
        assert!(found(&[package("holdfast-client", &["holdfast-proto"], &[])]).is_empty());
        assert!(found(&[package("holdfast-types", &[], &["holdfast-machine"])]).is_empty());
    }

    #[test]
    fn a_crate_without_a_floor_is_found() {
        let findings = found(&[package("holdfast-attic", &[], &[])]);
        assert!(
            findings.len() == 1 && findings[0].contains("no floor"),
            "{findings:?}"
        );
    }

    #[test]
    fn packages_beside_the_house_use_its_doors() {
        assert!(found(&[package("holdfast-tests", &["holdfast-client"], &[])]).is_empty());
        assert_eq!(
            found(&[package("holdfast-tests", &["holdfast-store"], &[])]).len(),
            1
        );
        assert_eq!(
            found(&[package("xtask", &["holdfast-client"], &[])]).len(),
            1
        );
    }

    #[test]
    fn a_second_importer_is_found_even_in_tests() {
        for (engine, importer) in IMPORTERS {
            assert!(
                found(&[package(importer, &[engine], &[])]).is_empty(),
                "{engine}"
            );
            assert_eq!(
                found(&[package("holdfast-node", &[], &[engine])]).len(),
                1,
                "{engine}"
            );
        }
    }

    #[test]
    fn the_replicated_half_reaching_a_key_is_found_with_its_way() {
        let house = [
            package("holdfast-consensus", &["holdfast-store"], &[]),
            package("holdfast-store", &["holdfast-machine"], &[]),
            package("holdfast-machine", &["holdfast-crypto"], &[]),
            package("holdfast-crypto", &[], &[]),
        ];
        let findings = found(&house);
        assert_eq!(findings.len(), 3, "{findings:?}");
        let way = "holdfast-consensus → holdfast-store → holdfast-machine → holdfast-crypto";
        assert!(findings[0].contains(way), "{findings:?}");
    }

    #[test]
    fn cargos_metadata_tells_linked_from_dev() {
        let value = serde_json::json!({"name": "a", "dependencies": [
            {"name": "x", "kind": null}, {"name": "y", "kind": "dev"}, {"name": "z", "kind": "build"}]});
        let package = read_package(&value);
        assert_eq!(
            package.linked,
            BTreeSet::from(["x".to_owned(), "z".to_owned()])
        );
        assert_eq!(package.named.len(), 3);
    }
}
