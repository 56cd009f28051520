//! Builds all test binaries in one cargo run and runs them one by one.
//!
//! Why not `cargo test` twice: selecting other packages changes the features that cargo gives to shared
//! dependencies, so unit tests and whole-system tests would compile half the tree again. One selection builds
//! once.
//!
//! Invariants: a step that runs no test has failed; every binary is run even after one fails.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::cargo;
use crate::child::{self, Ended, Watched};
use crate::places::Places;
use crate::progress::{Progress, duration};

/// The package of the whole-system tests.
pub(crate) const SYSTEM_PACKAGE: &str = "holdfast-tests";
/// A test binary that runs longer hangs.
const BINARY_DEADLINE: Duration = Duration::from_secs(15 * 60);
/// Lines shown of a test binary that failed.
const SHOWN_LINES_MAX: usize = 200;

/// Tests that ran, in all binaries of a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) ignored: u64,
}

impl Count {
    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
    }

    /// Reads libtest's closing line: `test result: ok. 5 passed; 0 failed; 1 ignored; …`.
    fn read(line: &str) -> Option<Self> {
        let plain = child::without_colour(line);
        let (_, counts) = plain.strip_prefix("test result: ")?.split_once(". ")?;
        let mut count = Self::default();
        for part in counts.split("; ") {
            let (number, what) = part.split_once(' ')?;
            match what {
                "passed" => count.passed = number.parse().ok()?,
                "failed" => count.failed = number.parse().ok()?,
                "ignored" => count.ignored = number.parse().ok()?,
                _ => {}
            }
        }
        Some(count)
    }
}

/// One test binary that cargo built.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TestBinary {
    pub(crate) package: String,
    /// `lib`, `bin`, or an integration test's name.
    pub(crate) target: String,
    program: PathBuf,
    package_folder: PathBuf,
}

/// What cargo built for the tests.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Built {
    pub(crate) tests: Vec<TestBinary>,
    /// The programs of packages that have integration tests, by name: those may want to start them.
    pub(crate) programs: BTreeMap<String, PathBuf>,
}

/// Builds every test of the workspace.
pub(crate) fn build(places: &Places, progress: &mut Progress) -> Result<Built> {
    let list = places.log("test-binaries")?;
    let listing =
        File::create(&list).with_context(|| format!("cannot write {}", list.display()))?;
    let mut command = cargo::ready(places)?;
    command.args(["test", "--locked", "--workspace", "--no-run"]);
    command.arg("--message-format=json-render-diagnostics");
    let log = places.log("test-build")?;
    let mut news = |line: &str| child::progress_bar(line).map(|at| format!("compiling {at}"));
    let watched = Watched {
        command,
        log,
        deadline: cargo::CARGO_DEADLINE,
        news: &mut news,
    };
    child::watch_apart(watched, Stdio::from(listing), progress)?
        .require_success("compiling the tests", 100)?;
    let listed =
        fs::read_to_string(&list).with_context(|| format!("cannot read {}", list.display()))?;
    let artifacts = || listed.lines().filter_map(artifact);
    Ok(Built {
        tests: artifacts().filter_map(|said| test_binary(&said)).collect(),
        programs: artifacts().filter_map(|said| program(&said)).collect(),
    })
}

/// Reads one of cargo's messages; `None` for what tells of nothing built.
fn artifact(message: &str) -> Option<Value> {
    let message: Value = serde_json::from_str(message).ok()?;
    (message["reason"] == "compiler-artifact").then_some(message)
}

/// A package's own program: neither a test nor an example.
fn program(message: &Value) -> Option<(String, PathBuf)> {
    let is_program = message["profile"]["test"] == false && message["target"]["kind"][0] == "bin";
    let name = message["target"]["name"].as_str()?;
    let path = message["executable"].as_str()?;
    is_program.then(|| (name.to_owned(), PathBuf::from(path)))
}

/// A test binary; `None` for what is none.
fn test_binary(message: &Value) -> Option<TestBinary> {
    if message["profile"]["test"] != true {
        return None;
    }
    let manifest = PathBuf::from(message["manifest_path"].as_str()?);
    let id = message["package_id"].as_str()?;
    let target = &message["target"];
    let target = match target["kind"][0].as_str()? {
        "test" => target["name"].as_str()?,
        kind => kind,
    };
    Some(TestBinary {
        package: package_name(id)?.to_owned(),
        target: target.to_owned(),
        program: PathBuf::from(message["executable"].as_str()?),
        package_folder: manifest.parent()?.to_path_buf(),
    })
}

/// The name in `path+file:///clone/crates/a#0.1.0` or `path+file:///clone/tests#holdfast-tests@0.1.0`.
fn package_name(id: &str) -> Option<&str> {
    let (path, fragment) = id.split_once('#')?;
    match fragment.split_once('@') {
        Some((name, _)) => Some(name),
        None => path.rsplit('/').next(),
    }
}

/// Runs the binaries with `args` and these variables; prints one line for each.
pub(crate) fn run(
    places: &Places,
    binaries: &[&TestBinary],
    args: &[String],
    variables: &[(&str, OsString)],
    progress: &mut Progress,
) -> Result<Count> {
    let mut total = Count::default();
    let mut failed = Vec::new();
    for binary in binaries {
        let name = format!("{} {}", binary.package, binary.target);
        let mut command = Command::new(&binary.program);
        command.args(args).current_dir(&binary.package_folder);
        command.env("CARGO_MANIFEST_DIR", &binary.package_folder);
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        let log = places.log(&format!("test-{}-{}", binary.package, binary.target))?;
        let (count, ended, took) = run_one(command, log, &name, progress)?;
        total.add(count);
        if !ended.success {
            failed.push(name.clone());
        }
        if count != Count::default() || !ended.success {
            progress.say(&result_line(&name, count, ended.success, took));
        }
        if !ended.success {
            show(&ended);
        }
    }
    finish(total, &failed, args.is_empty())
}

/// Runs the examples in the documentation.
pub(crate) fn run_docs(places: &Places, progress: &mut Progress) -> Result<Count> {
    let mut command = cargo::ready(places)?;
    command.args(["test", "--locked", "--workspace", "--doc"]);
    let log = places.log("test-doc")?;
    let (count, ended, took) = run_one(command, log, "documentation", progress)?;
    progress.say(&result_line("documentation", count, ended.success, took));
    if !ended.success {
        show(&ended);
        bail!(
            "documentation examples failed (whole output: {})",
            ended.log.display()
        );
    }
    Ok(count)
}

fn run_one(
    command: Command,
    log: PathBuf,
    name: &str,
    progress: &mut Progress,
) -> Result<(Count, Ended, Duration)> {
    let started = std::time::Instant::now();
    let mut count = Count::default();
    let mut running = 0_u64;
    let mut news = |line: &str| {
        if let Some(result) = Count::read(line) {
            count.add(result);
        }
        running += u64::from(line.starts_with("test ") && line.contains(" ... "));
        Some(format!("{name}: {running} run"))
    };
    let watched = Watched {
        command,
        log,
        deadline: BINARY_DEADLINE,
        news: &mut news,
    };
    let ended = child::watch(watched, progress)?;
    Ok((count, ended, started.elapsed()))
}

fn result_line(name: &str, count: Count, success: bool, took: Duration) -> String {
    let Count {
        passed,
        failed,
        ignored,
    } = count;
    let mark = if success { "✓" } else { "✗" };
    let failed = if failed > 0 {
        format!(", {failed} failed")
    } else {
        String::new()
    };
    let ignored = if ignored > 0 {
        format!(", {ignored} skipped")
    } else {
        String::new()
    };
    format!(
        "    {mark} {name:<40} {passed:>5} passed{failed}{ignored}  {}",
        duration(took)
    )
}

/// Prints a failed binary's report, from libtest's `failures:` on if it has one.
fn show(ended: &Ended) {
    let lines: Vec<&String> = ended.tail.iter().collect();
    let report = lines
        .iter()
        .position(|line| line.as_str() == "failures:")
        .unwrap_or(0);
    let start = report.max(lines.len().saturating_sub(SHOWN_LINES_MAX));
    for line in &lines[start..] {
        eprintln!("      {line}");
    }
    eprintln!(
        "      ({}; whole output: {})",
        ended.how,
        ended.log.display()
    );
}

fn finish(total: Count, failed: &[String], whole: bool) -> Result<Count> {
    if !failed.is_empty() {
        bail!("{} tests failed, in {}", total.failed, failed.join(", "));
    }
    if whole && total.passed == 0 {
        bail!("no test ran");
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libtests_closing_line_is_read() {
        let line = "test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; \
                    finished in 0.02s";
        assert_eq!(
            Count::read(line),
            Some(Count {
                passed: 5,
                failed: 0,
                ignored: 1
            })
        );
        let line = "test result: \x1b[31mFAILED\x1b[0m. 1 passed; 2 failed; 0 ignored";
        assert_eq!(
            Count::read(line),
            Some(Count {
                passed: 1,
                failed: 2,
                ignored: 0
            })
        );
        assert_eq!(Count::read("test a ... ok"), None);
    }

    /// What cargo says of something that it built, in a package of this identity.
    fn message(id: &str, kind: &str, test: bool) -> Value {
        let text = format!(
            r#"{{"reason":"compiler-artifact","package_id":"{id}","manifest_path":"/c/a/Cargo.toml",
            "target":{{"kind":["{kind}"],"name":"a"}},"profile":{{"test":{test}}},"executable":"/t/a"}}"#
        );
        artifact(&text).unwrap()
    }

    #[test]
    fn cargos_messages_name_the_test_binaries() {
        let found = test_binary(&message("path+file:///c/a#0.1.0", "lib", true)).unwrap();
        assert_eq!(
            (found.package.as_str(), found.target.as_str()),
            ("a", "lib")
        );
        assert_eq!(found.package_folder, PathBuf::from("/c/a"));
        let id = "path+file:///c/tests#holdfast-tests@0.1.0";
        let found = test_binary(&message(id, "lib", true)).unwrap();
        assert_eq!(found.package, SYSTEM_PACKAGE);
        let library = message("path+file:///c/a#0.1.0", "lib", false);
        assert_eq!(test_binary(&library), None);
        assert_eq!(artifact("not json"), None);
    }

    #[test]
    fn cargos_messages_name_the_programs_that_tests_start() {
        let of = |kind, test| program(&message("path+file:///c/a#0.1.0", kind, test));
        assert_eq!(
            of("bin", false),
            Some(("a".to_owned(), PathBuf::from("/t/a")))
        );
        assert_eq!(of("bin", true), None);
        assert_eq!(of("example", false), None);
    }

    #[test]
    fn no_test_and_a_failed_test_are_failures() {
        assert!(finish(Count::default(), &[], true).is_err());
        assert!(
            finish(Count::default(), &[], false).is_ok(),
            "a filter may match nothing"
        );
        let one = Count {
            passed: 1,
            ..Count::default()
        };
        assert!(finish(one, &["a lib".to_owned()], true).is_err());
        assert!(finish(one, &[], true).is_ok());
    }
}
