//! The table of seeded bugs: what hunting them in the simulator printed, a line of JSON each.

use holdfast_mutant::Mutant;
use holdfast_report::MutantRow;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Longest file. A line takes about a hundred bytes, and there is one for each seeded bug.
const BYTES_MAX: u64 = 64 << 10;

/// Why a table was not taken. Names the line, never what stands there.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The file cannot be read.
    #[error("it cannot be read")]
    Read(#[from] io::Error),
    /// It is longer than any table.
    #[error("it is longer than {BYTES_MAX} bytes")]
    Long,
    /// A line of it is not one of a table.
    #[error("line {line} {what}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        what: &'static str,
    },
}

/// Reads a table. Seeded bugs that it leaves out are added as not hunted: a table with holes must not look whole.
///
/// # Errors
/// When it cannot be read, is too long, or a line is not one that hunting a seeded bug prints.
pub fn read(path: &Path) -> Result<Vec<MutantRow>, TableError> {
    let mut text = String::new();
    let file = File::open(path)?;
    let read = file.take(BYTES_MAX + 1).read_to_string(&mut text)?;
    if u64::try_from(read).unwrap_or(u64::MAX) > BYTES_MAX {
        return Err(TableError::Long);
    }
    parse(&text)
}

fn parse(text: &str) -> Result<Vec<MutantRow>, TableError> {
    let mut rows: Vec<MutantRow> = Vec::new();
    for (line, written) in (1..).zip(text.lines()) {
        if written.trim().is_empty() {
            continue;
        }
        let row: Result<MutantRow, _> = serde_json::from_str(written);
        let what = match &row {
            Err(_) => Some("is not what `cargo xtask sim --mutant all --json` prints"),
            Ok(row) => wrong_with(row, &rows),
        };
        match (row, what) {
            (Ok(row), None) => rows.push(row),
            (_, what) => {
                let what = what.unwrap_or_default();
                return Err(TableError::Line { line, what });
            }
        }
    }
    let missing = |mutant: &&Mutant| !rows.iter().any(|row| row.name == mutant.name());
    let missing: Vec<MutantRow> = Mutant::ALL.iter().filter(missing).map(not_hunted).collect();
    rows.extend(missing);
    Ok(rows)
}

fn wrong_with(row: &MutantRow, before: &[MutantRow]) -> Option<&'static str> {
    let Some(mutant) = Mutant::parse(&row.name) else {
        return Some("names a seeded bug that this version does not have");
    };
    if mutant.checker() != row.checker {
        Some("names another checker than the one that must find this seeded bug")
    } else if row.killed != row.seed.is_some() || (row.killed && row.seeds == 0) {
        Some("contradicts itself: found, and in which seed, do not agree")
    } else if before.iter().any(|other| other.name == row.name) {
        Some("names a seeded bug for the second time")
    } else {
        None
    }
}

fn not_hunted(mutant: &Mutant) -> MutantRow {
    MutantRow {
        name: mutant.name().to_owned(),
        checker: mutant.checker().to_owned(),
        killed: false,
        seed: None,
        seeds: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOUND: &str =
        r#"{"mutant":"nonce-reused","checker":"nonces","killed":true,"seed":3,"seeds":5}"#;
    const LIVED: &str =
        r#"{"mutant":"name-in-clear","checker":"canaries","killed":false,"seed":null,"seeds":60}"#;

    fn refusal(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    #[test]
    fn lines_become_rows_and_holes_are_named() {
        let rows = parse(&format!("{FOUND}\n\n{LIVED}\n")).unwrap();
        assert_eq!((rows[0].seed, rows[0].seeds), (Some(3), 5));
        assert!(!rows[1].killed && rows[1].seeds == 60);
        assert_eq!(rows.len(), Mutant::ALL.len());
        assert!(rows[2..].iter().all(|row| !row.killed && row.seeds == 0));
    }

    #[test]
    fn a_refusal_names_the_line_and_never_what_stands_there() {
        for (bad, word) in [
            ("hvs.secret", "prints"),
            (r#"{"hvs.secret":1}"#, "prints"),
            (&FOUND.replace("5}", "\"hvs.secret\"}"), "prints"),
            (&FOUND.replace("nonce-reused", "hvs.secret"), "version"),
            (&FOUND.replace("\"nonces", "\"hvs.secret"), "checker"),
            (&FOUND.replace('3', "null"), "contradicts"),
            (&LIVED.replace("null", "4"), "contradicts"),
            (FOUND, "second time"),
        ] {
            let told = refusal(&format!("{FOUND}\n{bad}\n"));
            assert!(told.starts_with("line 2 ") && told.contains(word), "{told}");
            assert!(!told.contains("hvs"), "{told}");
        }
    }

    #[test]
    fn a_file_that_is_too_long_or_not_there_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mutants.ndjson");
        assert!(matches!(read(&path), Err(TableError::Read(_))));
        let lines = usize::try_from(BYTES_MAX).unwrap() + 1;
        std::fs::write(&path, "\n".repeat(lines)).unwrap();
        assert!(matches!(read(&path), Err(TableError::Long)));
        std::fs::write(&path, FOUND).unwrap();
        assert_eq!(read(&path).unwrap()[0].name, "nonce-reused");
    }
}
