//! `cargo xtask tidy`: the repository's own rules, checked in seconds. Each rule is one small file here, and has
//! a test that breaks it.

mod crates;
mod machine_paths;
mod manifests;
mod shape;
mod size;
mod source;
mod top_level;
mod tracked;
mod words;

use std::fmt;

use anyhow::{Result, bail};

use crate::places::Places;
use crate::progress::Progress;
use tracked::Tracked;

/// Findings shown before the rest is only counted.
const SHOWN_MAX: usize = 100;

/// Something a rule objects to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// The file, with `:line` where there is one.
    place: String,
    what: String,
    /// A warning is shown and does not fail.
    warning: bool,
}

impl Finding {
    fn error(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            what: what.into(),
            warning: false,
        }
    }

    fn warning(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            what: what.into(),
            warning: true,
        }
    }

    fn at(file: &Tracked, line: usize, what: impl Into<String>) -> Self {
        Self::error(format!("{}:{line}", file.path), what)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = if self.warning { "warning" } else { "error" };
        write!(f, "{level}: {}: {}", self.place, self.what)
    }
}

/// `cargo xtask tidy`.
pub(crate) fn run(places: &Places) -> Result<()> {
    let mut progress = Progress::start("tidy");
    let note = check(places, &mut progress)?;
    println!("✓ tidy  {note}");
    Ok(())
}

/// Checks all rules; prints what they object to.
pub(crate) fn check(places: &Places, progress: &mut Progress) -> Result<String> {
    let files = tracked::read(&places.root)?;
    let packages = crates::packages(places)?;
    let mut findings: Vec<Finding> = Vec::new();
    for file in &files {
        findings.extend(size::check(file));
        findings.extend(shape::check(file));
        findings.extend(words::check(file));
        findings.extend(machine_paths::check(file));
        findings.extend(manifests::check(file));
    }
    findings.extend(top_level::check(&files));
    findings.extend(crates::check(&packages));
    findings.sort_by_key(|finding| finding.warning);
    for finding in findings.iter().take(SHOWN_MAX) {
        progress.say(&format!("  {finding}"));
    }
    let errors = findings.iter().filter(|finding| !finding.warning).count();
    if errors > 0 {
        bail!("{errors} rules broken");
    }
    let warnings = findings.len();
    let warned = if warnings > 0 {
        format!(", {warnings} warnings")
    } else {
        String::new()
    };
    Ok(format!("{} files{warned}", files.len()))
}
