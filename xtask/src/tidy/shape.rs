//! Every Rust file opens by saying what it is, and is named for what it holds.

use super::Finding;
use super::tracked::Tracked;

/// Names that say nothing: what is put there belongs somewhere.
const EMPTY_NAMES: [&str; 7] = [
    "util", "utils", "common", "helper", "helpers", "misc", "shared",
];

pub(crate) fn check(file: &Tracked) -> Vec<Finding> {
    let mut findings = Vec::new();
    if file.source.is_none() {
        return findings;
    }
    if !file.text.starts_with("//!") {
        findings.push(Finding::at(
            file,
            1,
            "opens without `//!`: what is it, what does it own?",
        ));
    }
    let folders = file.path.trim_end_matches(".rs").split('/');
    if let Some(name) = folders.rev().find(|part| EMPTY_NAMES.contains(part)) {
        findings.push(Finding::error(
            &file.path,
            format!("`{name}` does not say what is in it"),
        ));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_its_first_line_is_found() {
        assert_eq!(check(&Tracked::new("crates/a/src/a.rs", "//! A.\n")), []);
        let bare = check(&Tracked::new("crates/a/src/a.rs", "use std::fs;\n"));
        assert!(bare.len() == 1 && bare[0].what.contains("//!"), "{bare:?}");
        assert_eq!(check(&Tracked::new("README.md", "# Holdfast\n")), []);
    }

    #[test]
    fn an_empty_name_is_found_as_file_and_as_folder() {
        for path in [
            "crates/a/src/util.rs",
            "tests/tests/common/mod.rs",
            "crates/helpers/src/lib.rs",
        ] {
            let found = check(&Tracked::new(path, "//! A.\n"));
            assert!(
                found.len() == 1 && found[0].what.contains("does not say"),
                "{path}"
            );
        }
        assert_eq!(
            check(&Tracked::new("crates/a/src/utility_bill.rs", "//! A.\n")),
            []
        );
    }
}
