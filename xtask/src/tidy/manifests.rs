//! Pre-releases are pinned exactly: cargo would otherwise move to the next alpha, which may change any promise.

use super::Finding;
use super::tracked::Tracked;

const PRE: [&str; 5] = ["-alpha", "-beta", "-rc", "-pre", "-dev"];

pub(crate) fn check(file: &Tracked) -> Vec<Finding> {
    if file.name() != "Cargo.toml" {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (number, line) in (1..).zip(file.text.lines()) {
        let Some(version) = requirement(line) else {
            continue;
        };
        if PRE.iter().any(|pre| version.contains(pre)) && !version.starts_with('=') {
            let what = format!("`{version}` is a pre-release: pin it, `={version}`");
            findings.push(Finding::at(file, number, what));
        }
    }
    findings
}

/// The version that a dependency's line asks for: `a = "1"` or `a = { version = "1", … }`.
fn requirement(line: &str) -> Option<&str> {
    let line = line.split('#').next()?;
    let (name, value) = line.split_once('=')?;
    let value = match value.split_once("version") {
        Some((before, after)) if before.trim_end().ends_with(['{', ',']) => after,
        _ if value.trim_start().starts_with('"') => value,
        _ => return None,
    };
    let own = name.trim() == "version" && !line.contains('{');
    let quoted = value.split('"').nth(1)?;
    let version = quoted.starts_with(|c: char| c.is_ascii_digit() || "=^~<>".contains(c));
    (version && !own).then_some(quoted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(line: &str) -> usize {
        check(&Tracked::new("crates/a/Cargo.toml", line)).len()
    }

    #[test]
    fn a_loose_pre_release_is_found() {
        assert_eq!(found("a = \"0.10.0-alpha.37\""), 1);
        assert_eq!(
            found("a = { version = \"^1.0.0-rc.1\", features = [\"x\"] }"),
            1
        );
        assert_eq!(
            found("a = { path = \"../a\", version = \"1.0.0-beta\" }"),
            1
        );
    }

    #[test]
    fn pins_and_releases_pass() {
        assert_eq!(found("a = \"=0.10.0-alpha.37\""), 0);
        assert_eq!(
            found("a = { version = \"=1.0.0-rc.1\", features = [\"x\"] }"),
            0
        );
        assert_eq!(found("pre-commit = \"1\"  # -alpha"), 0);
        assert_eq!(found("description = \"not a -beta\""), 0);
        assert_eq!(
            check(&Tracked::new("Cargo.lock", "version = \"1.0.0-rc.1\"")),
            []
        );
    }
}
