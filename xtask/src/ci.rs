//! `cargo xtask ci`: the steps in order, the first failure ends it, a table closes it.
//!
//! Invariant: what CI runs and what a person runs is the same code; a step can be run alone.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail};

use crate::cargo;
use crate::clients::{self, Client};
use crate::places::Places;
use crate::progress::{Ending, Progress, duration};
use crate::tests_run::{self, Built, Count, SYSTEM_PACKAGE, TestBinary};
use crate::{chaos, deny, setup, sim, tidy};

/// One step. The order here is the order in which they run: cheap before dear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum StepName {
    Setup,
    Fmt,
    Tidy,
    Rocksdb,
    Clippy,
    Deny,
    Binary,
    Unit,
    Docs,
    System,
    Sim,
    Mutants,
    Chaos,
}

/// By this variable tests find the server: the one that was built now, not one that lies about.
const SERVER: &str = "HOLDFAST_BIN";

const STEPS: [(StepName, &str, &str); 13] = [
    (
        StepName::Setup,
        "setup",
        "what this machine lacks is installed",
    ),
    (StepName::Fmt, "fmt", "code is formatted"),
    (StepName::Tidy, "tidy", "the repository's own rules hold"),
    (StepName::Rocksdb, "rocksdb", "RocksDB is in the cache"),
    (StepName::Clippy, "clippy", "no warning in any target"),
    (
        StepName::Deny,
        "deny",
        "dependencies: bans, licences, sources",
    ),
    (
        StepName::Binary,
        "binary",
        "the server builds as users build it",
    ),
    (
        StepName::Unit,
        "unit",
        "unit, model and documentation tests",
    ),
    (
        StepName::Docs,
        "docs",
        "documentation builds without a warning",
    ),
    (
        StepName::System,
        "system",
        "whole-system tests with real processes",
    ),
    (
        StepName::Sim,
        "sim",
        "simulated clusters: seeds, determinism",
    ),
    (
        StepName::Mutants,
        "mutants",
        "seeded bugs: their tests, and some are hunted",
    ),
    (
        StepName::Chaos,
        "chaos",
        "real processes under faults, judged",
    ),
];

impl StepName {
    pub(crate) fn parse(name: &str) -> Result<Self, String> {
        let found = STEPS.iter().find(|(_, known, _)| *known == name);
        found.map(|(step, ..)| *step).ok_or_else(|| {
            let known: Vec<&str> = STEPS.iter().map(|(_, name, _)| *name).collect();
            format!("there is no step `{name}`; there are: {}", known.join(", "))
        })
    }
}

/// Which steps, and what the test binaries are told.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) only: Vec<StepName>,
    pub(crate) from: Option<StepName>,
    pub(crate) list: bool,
    pub(crate) test_args: Vec<String>,
}

impl Choice {
    fn takes(&self, step: StepName) -> bool {
        let only = self.only.is_empty() || self.only.contains(&step);
        only && self.from.is_none_or(|from| step >= from)
    }
}

/// What a step has to say when it went well.
#[derive(Debug, Default)]
struct Report {
    note: String,
    count: Count,
}

impl From<String> for Report {
    fn from(note: String) -> Self {
        Self {
            note,
            ..Self::default()
        }
    }
}

/// Runs the chosen steps.
pub(crate) fn run(places: &Places, choice: &Choice) -> Result<()> {
    if choice.list {
        for (_, name, what) in STEPS {
            println!("{name:<8}  {what}");
        }
        return Ok(());
    }
    let started = Instant::now();
    let mut table = Vec::new();
    let mut count = Count::default();
    let mut failed = None;
    let mut ci = Ci {
        places,
        choice,
        built: None,
    };
    for (step, name, _) in STEPS.into_iter().filter(|(step, ..)| choice.takes(*step)) {
        let mut progress = Progress::start(name);
        let result = ci.step(step, &mut progress);
        let (ending, note) = match &result {
            Ok(report) => (Ending::Done, report.note.clone()),
            Err(_) => (Ending::Failed, String::new()),
        };
        let took = progress.end(ending, &note);
        table.push((name, ending, took, note));
        match result {
            Ok(report) => count.add(report.count),
            Err(error) => {
                failed = Some((name, error));
                break;
            }
        }
    }
    close(&table, count, started.elapsed(), failed)
}

type Row = (&'static str, Ending, Duration, String);

fn close(
    table: &[Row],
    count: Count,
    took: Duration,
    failed: Option<(&str, anyhow::Error)>,
) -> Result<()> {
    println!();
    for (name, ending, took, note) in table {
        println!("{}", row(ending.mark(), name, *took, note));
    }
    println!("{}", row(" ", "total", took, ""));
    if count != Count::default() {
        let skipped = if count.ignored > 0 {
            format!(", {} skipped", count.ignored)
        } else {
            String::new()
        };
        println!(
            "\n{} passed, {} failed{skipped}",
            count.passed, count.failed
        );
    }
    match failed {
        None => Ok(()),
        Some((name, error)) => {
            println!("\nrun it alone: cargo xtask ci --only {name}");
            Err(error.context(format!("step `{name}` failed")))
        }
    }
}

fn row(mark: &str, name: &str, took: Duration, note: &str) -> String {
    format!("{mark} {name:<8} {:>14}  {note}", duration(took))
        .trim_end()
        .to_owned()
}

struct Ci<'a> {
    places: &'a Places,
    choice: &'a Choice,
    /// Built once, by the first step that needs them.
    built: Option<Built>,
}

impl Ci<'_> {
    fn step(&mut self, step: StepName, progress: &mut Progress) -> Result<Report> {
        let places = self.places;
        match step {
            StepName::Setup => {
                setup::ensure(places)?;
                setup::ensure_components()?;
            }
            StepName::Fmt => self.fmt(progress)?,
            StepName::Tidy => return tidy::check(places, progress).map(Report::from),
            StepName::Rocksdb => drop(cargo::ready(places)?),
            StepName::Clippy => self.clippy(progress)?,
            StepName::Deny => return deny::run(places, progress).map(Report::from),
            StepName::Unit => return self.unit(progress),
            StepName::Docs => self.docs(progress)?,
            StepName::Binary => drop(cargo::build_server(places, false)?),
            StepName::System => return self.system(progress),
            StepName::Sim => {
                let program = self.harness(sim::PROGRAM)?;
                return sim::ci(places, &program, progress).map(Report::from);
            }
            StepName::Mutants => return sim::ci_mutants(places, progress).map(Report::from),
            StepName::Chaos => {
                let program = self.harness(chaos::PROGRAM)?;
                return chaos::ci(places, &program, progress).map(Report::from);
            }
        }
        Ok(Report::default())
    }

    fn fmt(&self, progress: &mut Progress) -> Result<()> {
        let mut command = cargo::plain(self.places);
        command.args(["fmt", "--all", "--check"]);
        cargo::watch(self.places, "fmt", command, progress)?
            .require_success("not formatted (`cargo fmt --all` does it)", 60)
    }

    fn clippy(&self, progress: &mut Progress) -> Result<()> {
        let mut command = cargo::ready(self.places)?;
        command.args(["clippy", "--locked", "--workspace", "--all-targets"]);
        command.args(["--", "-D", "warnings"]);
        cargo::watch(self.places, "clippy", command, progress)?.require_success("clippy", 200)
    }

    fn docs(&self, progress: &mut Progress) -> Result<()> {
        let mut command = cargo::ready(self.places)?;
        // Not by the environment: RUSTDOCFLAGS would hide the flags of `.cargo/config.toml`, this joins them.
        command.args(["--config", r#"build.rustdocflags=["-D", "warnings"]"#]);
        command.args([
            "doc",
            "--locked",
            "--workspace",
            "--no-deps",
            "--document-private-items",
        ]);
        cargo::watch(self.places, "docs", command, progress)?.require_success("docs", 120)
    }

    fn unit(&mut self, progress: &mut Progress) -> Result<Report> {
        // Some of them try the harness against real servers.
        let server = cargo::build_server(self.places, false)?;
        self.build_tests(progress)?;
        let unit = self.tests_where(|binary| binary.package != SYSTEM_PACKAGE);
        let (args, variables) = (&self.choice.test_args, [(SERVER, OsString::from(server))]);
        let mut count = tests_run::run(self.places, &unit, args, &variables, progress)?;
        if args.is_empty() {
            count.add(tests_run::run_docs(self.places, progress)?);
        }
        Ok(Report {
            note: format!("{} tests", count.passed),
            count,
        })
    }

    fn system(&mut self, progress: &mut Progress) -> Result<Report> {
        let server = cargo::build_server(self.places, false)?;
        self.build_tests(progress)?;
        let mut variables = vec![(SERVER, OsString::from(server))];
        let mut skipped = Vec::new();
        let python = clients::ensure_python_hvac(self.places, progress);
        for (name, client) in [("HOLDFAST_PYTHON", python), ("HOLDFAST_GO", clients::go())] {
            match self.client(name, client)? {
                Ok(program) => variables.push((name, program)),
                Err(why) => skipped.push(why),
            }
        }
        for why in &skipped {
            progress.say(&format!("  – skipping a client's tests: {why}"));
        }
        let system = self.tests_where(|binary| binary.package == SYSTEM_PACKAGE);
        let args = &self.choice.test_args;
        let count = tests_run::run(self.places, &system, args, &variables, progress)?;
        let note = match skipped.is_empty() {
            true => format!("{} tests", count.passed),
            false => format!("{} tests; {}", count.passed, skipped.join("; ")),
        };
        Ok(Report { note, count })
    }

    /// CI must not pass by leaving hvac out; a person without a network may.
    fn client(&self, name: &str, client: Client) -> Result<Result<OsString, String>> {
        match client {
            Ok(program) => Ok(Ok(program.into())),
            Err(why) if name == "HOLDFAST_PYTHON" && std::env::var_os("CI").is_some() => {
                Err(anyhow!(why))
            }
            Err(why) => Ok(Err(why)),
        }
    }

    fn build_tests(&mut self, progress: &mut Progress) -> Result<()> {
        if self.built.is_none() {
            let built = tests_run::build(self.places, progress)?;
            if built.tests.is_empty() {
                bail!("cargo named no test binary");
            }
            self.built = Some(built);
        }
        Ok(())
    }

    fn tests_where(&self, wanted: impl Fn(&TestBinary) -> bool) -> Vec<&TestBinary> {
        let tests = self.built.iter().flat_map(|built| &built.tests);
        tests.filter(|binary| wanted(binary)).collect()
    }

    /// The simulator or the harness: as built with the tests if they were, for with another selection cargo would compile all
    /// that it stands on again.
    fn harness(&self, program: &str) -> Result<PathBuf> {
        let built = self
            .built
            .as_ref()
            .and_then(|built| built.programs.get(program));
        if let Some(program) = built {
            return Ok(program.clone());
        }
        cargo::build_harness(self.places, false)?;
        Ok(self.places.built(program, false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_run_in_the_order_of_their_names() {
        assert!(STEPS.is_sorted_by_key(|(step, ..)| *step));
        for (step, name, _) in STEPS {
            assert_eq!(StepName::parse(name), Ok(step));
        }
        assert!(StepName::parse("dance").unwrap_err().contains("clippy"));
    }

    #[test]
    fn a_choice_narrows_the_steps() {
        assert!(Choice::default().takes(StepName::Setup));
        let only = Choice {
            only: vec![StepName::Deny],
            ..Choice::default()
        };
        assert!(only.takes(StepName::Deny) && !only.takes(StepName::Unit));
        let from = Choice {
            from: Some(StepName::Unit),
            ..Choice::default()
        };
        assert!(from.takes(StepName::System) && !from.takes(StepName::Deny));
    }

    #[test]
    fn rows_are_aligned() {
        let short = row("✓", "fmt", Duration::from_secs(2), "");
        let long = row("✓", "rocksdb", Duration::from_secs(807), "cached");
        assert_eq!(short, "✓ fmt               2.0 s");
        assert_eq!(long, "✓ rocksdb     13 min 27 s  cached");
    }

    #[test]
    fn a_failed_step_is_an_error_that_names_it() {
        let failed = Some(("clippy", anyhow!("boom")));
        let error = close(&[], Count::default(), Duration::ZERO, failed).unwrap_err();
        assert_eq!(format!("{error:#}"), "step `clippy` failed: boom");
    }
}
