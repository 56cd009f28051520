//! The root of the repository stays a map that a newcomer reads at a glance: only listed names.

use std::collections::BTreeSet;

use super::Finding;
use super::tracked::Tracked;

const ALLOWED: [&str; 21] = [
    ".cargo",
    ".ci",
    ".gitattributes",
    ".gitignore",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "SECURITY.md",
    "benches",
    "chaos",
    "clippy.toml",
    "cluster-config",
    "crates",
    "deny.toml",
    "proto",
    "rustfmt.toml",
    "tests",
    "xtask",
];

pub(crate) fn check(files: &[Tracked]) -> Vec<Finding> {
    let names: BTreeSet<&str> = files.iter().map(Tracked::top).collect();
    let strangers = names.into_iter().filter(|name| !ALLOWED.contains(name));
    strangers
        .map(|name| {
            Finding::error(
                name,
                "is not one of the names at the root: where does it belong?",
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_at_the_root_is_found_once() {
        let paths = [
            "Cargo.toml",
            "crates/a/src/lib.rs",
            "docs/a.md",
            "docs/b.md",
            "notes.txt",
        ];
        let files: Vec<Tracked> = paths.iter().map(|path| Tracked::new(*path, "")).collect();
        let places: Vec<String> = check(&files)
            .into_iter()
            .map(|finding| finding.place)
            .collect();
        assert_eq!(places, ["docs", "notes.txt"]);
    }
}
