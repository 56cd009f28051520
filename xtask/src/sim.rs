//! `cargo xtask sim`: simulated clusters from seeds; and what CI asks of them.
//!
//! Invariant: honest seeds run on a build without seeded bugs, mutants on one of their own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::cargo::{self, Wanted};
use crate::child::{self, Watched};
use crate::places::Places;
use crate::progress::{Progress, duration};

/// The simulator.
pub(crate) const PROGRAM: &str = "holdfast-sim";
/// Seeds that each change must hold.
const SEEDS: &str = "0..300";
/// Those of them that are run a second time, in a process of their own: not those that the first began with as well.
const SEEDS_TWICE: &str = "280..300";
/// Seeds in which a mutant must be found.
const MUTANT_SEEDS: &str = "0..120";
/// Mutants hunted by one CI run; the days take turns.
const MUTANTS_A_DAY: usize = 4;
const DEADLINE: Duration = Duration::from_secs(15 * 60);

/// What the seeded bugs are hunted and tested with. One selection for both, and the one of all tests, so that cargo compiles
/// what it stands on once.
const WITH_MUTANTS: Wanted<'static> = Wanted {
    packages: &[],
    features: &["holdfast-sim/mutants", "holdfast-store/mutants"],
    libraries: false,
    tests: &["memory"],
    as_tested: &[PROGRAM],
    barely_optimised: &OPTIMISED,
    release: false,
};

/// What the workspace's manifest has optimised further than the rest, for the sake of honest seeds. A seeded bug is found in
/// a few of them, in less time than that takes.
const OPTIMISED: [&str; 6] = [
    "holdfast-access",
    "holdfast-check",
    "holdfast-consensus",
    "holdfast-engines",
    "holdfast-request",
    "holdfast-sim",
];

/// How the simulator is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Build {
    /// As developers build everything.
    Quick,
    /// Faster, after a longer build.
    Release,
    /// With the seeded bugs, which no release can contain.
    Mutants,
}

impl Build {
    /// What these words need.
    fn for_words(release: bool, words: &[String]) -> Result<Self> {
        let hunts = |word: &String| word.starts_with("--mutant") || word == "--list-mutants";
        match (release, words.iter().any(hunts)) {
            (true, true) => bail!("no release contains the seeded bugs: leave out --release"),
            (true, false) => Ok(Self::Release),
            (false, true) => Ok(Self::Mutants),
            (false, false) => Ok(Self::Quick),
        }
    }
}

/// Builds and gives way to the simulator, to which `args` go.
pub(crate) fn run(places: &Places, release: bool, args: &[String]) -> Result<ExitCode> {
    let program = build(places, Build::for_words(release, args)?)?;
    child::give_way(Command::new(program).args(args))
}

/// Builds, runs and comes back with the simulator's exit code.
pub(crate) fn part(places: &Places, args: &[&str]) -> Result<ExitCode> {
    let program = build(places, Build::Release)?;
    child::stand_in(Command::new(program).args(args))
}

/// Hunts every seeded bug; into the file go the lines that `holdfast-chaos sweep --mutants` reads.
pub(crate) fn hunt_all(places: &Places, into: fs::File) -> Result<ExitCode> {
    hunt(&build(places, Build::Mutants)?, into)
}

fn hunt(program: &Path, into: fs::File) -> Result<ExitCode> {
    let mut command = Command::new(program);
    command.args(["--mutant", "all", "--seeds", MUTANT_SEEDS, "--json"]);
    child::stand_in(command.stdout(into))
}

/// Builds the simulator; returns the program.
pub(crate) fn build(places: &Places, how: Build) -> Result<PathBuf> {
    let release = how == Build::Release;
    let built = places.built(PROGRAM, release);
    if how != Build::Mutants {
        cargo::build_harness(places, release)?;
        return Ok(built);
    }
    cargo::build(places, &WITH_MUTANTS)?;
    // The next honest build takes the place of this one.
    let kept = places.target.join("mutants");
    fs::create_dir_all(&kept).with_context(|| format!("cannot create {}", kept.display()))?;
    let kept = kept.join(PROGRAM);
    fs::copy(&built, &kept).with_context(|| format!("cannot write {}", kept.display()))?;
    Ok(kept)
}

/// What every change must hold: seeds, and determinism. Returns a note for the table.
pub(crate) fn ci(places: &Places, honest: &Path, progress: &mut Progress) -> Result<String> {
    let swept = |progress: &mut Progress, seeds| -> Result<Value> {
        let args = ["--seeds", seeds, "--traces", "--json"];
        let told = read(places, progress, honest, &args)?;
        serde_json::from_str(&told).context("the simulator printed no JSON")
    };
    let total = swept(progress, SEEDS)?;
    let same = alike(&total, &swept(progress, SEEDS_TWICE)?)?;
    let hours = total["virtual_ns"].as_u64().unwrap_or(0) / 3_600_000_000_000;
    let seeds = total["seeds"].as_u64().unwrap_or(0);
    Ok(format!("{seeds} seeds ({hours} h), {same} twice alike"))
}

/// What the seeded bugs must show: their tests, and that some of them are found. Returns a note for the table.
pub(crate) fn ci_mutants(places: &Places, progress: &mut Progress) -> Result<String> {
    let started = Instant::now();
    let program = build(places, Build::Mutants)?;
    let took = duration(started.elapsed());
    test_mutants(places, progress)?;
    let today = mutants_of_the_day(&program)?;
    for mutant in &today {
        let hunt = ["--mutant", mutant, "--seeds", MUTANT_SEEDS];
        let line = read(places, progress, &program, &hunt)?;
        progress.say(line.trim_end());
    }
    Ok(format!("killed: {} (built in {took})", today.join(" ")))
}

/// How many seeds of the second run had the same trace as in the first: all of them, or this fails.
fn alike(first: &Value, second: &Value) -> Result<usize> {
    let traces = |run: &Value| run["traces"].as_array().cloned().unwrap_or_default();
    let (first, again) = (traces(first), traces(second));
    if let Some(other) = again.iter().find(|trace| !first.contains(trace)) {
        bail!("another process gave another trace for the same seed: {other}");
    }
    if again.is_empty() || second["seeds"].as_u64() != u64::try_from(again.len()).ok() {
        bail!("the simulator did not name a trace of each seed");
    }
    Ok(again.len())
}

/// Runs the tests that need the seeded bugs: those of the workspace are built without.
fn test_mutants(places: &Places, progress: &mut Progress) -> Result<()> {
    let mut command = cargo::ready(places)?;
    command.args(WITH_MUTANTS.words("test"));
    cargo::watch(places, "mutant-tests", command, progress)?
        .require_success("the tests of the seeded bugs", 80)
}

/// Some of all mutants; another day, others.
fn mutants_of_the_day(program: &Path) -> Result<Vec<String>> {
    let listed = Command::new(program)
        .arg("--list-mutants")
        .output()
        .context("cannot list the mutants")?;
    let all: Vec<String> = String::from_utf8_lossy(&listed.stdout)
        .lines()
        .map(str::to_owned)
        .collect();
    if all.len() < MUTANTS_A_DAY {
        bail!("the simulator lists only {} mutants", all.len());
    }
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let day = usize::try_from(since.as_secs() / 86_400).unwrap_or(0);
    Ok(turn(&all, day))
}

fn turn(all: &[String], day: usize) -> Vec<String> {
    let from = day * MUTANTS_A_DAY;
    (from..from + MUTANTS_A_DAY)
        .map(|at| all[at % all.len()].clone())
        .collect()
}

/// What a run prints, under a progress line.
fn read(places: &Places, progress: &mut Progress, program: &Path, args: &[&str]) -> Result<String> {
    let printed = places.log("sim-output")?;
    let file = fs::File::create(&printed)
        .with_context(|| format!("cannot write {}", printed.display()))?;
    let mut command = Command::new(program);
    command.args(args).current_dir(&places.root);
    let mut news = |line: &str| Some(line.trim().to_owned());
    let watched = Watched {
        command,
        log: places.log("sim")?,
        deadline: DEADLINE,
        news: &mut news,
    };
    let ended = child::watch_apart(watched, file.into(), progress)?;
    let text = fs::read_to_string(&printed)
        .with_context(|| format!("cannot read {}", printed.display()))?;
    if !ended.success {
        println!("{text}");
    }
    ended.require_success(&format!("{PROGRAM} {}", args.join(" ")), 60)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_hunt_prints_stands_in_the_file_and_its_code_is_told() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("simulator");
        fs::write(
            &program,
            "#!/bin/sh\necho \"$*\"\necho progress >&2\nexit 1\n",
        )
        .unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
        let file = folder.path().join("mutants.ndjson");
        let code = hunt(&program, fs::File::create(&file).unwrap()).unwrap();
        assert_eq!(code, ExitCode::from(1));
        let written = fs::read_to_string(&file).unwrap();
        assert_eq!(written, "--mutant all --seeds 0..120 --json\n");
    }

    #[test]
    fn seeded_bugs_are_built_without_what_only_many_seeds_repay() {
        let manifest = include_str!("../../Cargo.toml");
        let further: Vec<&str> = manifest
            .lines()
            .filter_map(|line| line.strip_suffix(".opt-level = 2"))
            .collect();
        assert_eq!(further, OPTIMISED);
    }

    #[test]
    fn seeded_bugs_are_never_built_into_a_release() {
        let build = |release, line: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            Build::for_words(release, &words).ok()
        };
        assert_eq!(build(false, "--seeds 0..9"), Some(Build::Quick));
        assert_eq!(build(true, "--seeds 0..9"), Some(Build::Release));
        for hunt in ["--mutant all", "--mutant=nonce-reused", "--list-mutants"] {
            assert_eq!(build(false, hunt), Some(Build::Mutants));
            assert_eq!(build(true, hunt), None);
        }
    }

    #[test]
    fn a_trace_that_differs_or_is_missing_is_a_failure() {
        use serde_json::json;
        let run = |traces: &[(u64, &str)]| {
            let traces = traces.iter();
            let traces = traces.map(|(seed, trace)| json!({ "seed": seed, "trace": trace }));
            let traces: Vec<_> = traces.collect();
            json!({ "seeds": traces.len(), "traces": traces })
        };
        let first = run(&[(0, "a"), (1, "b"), (2, "c")]);
        assert_eq!(alike(&first, &run(&[(0, "a"), (1, "b")])).unwrap(), 2);
        let error = alike(&first, &run(&[(0, "a"), (1, "c")])).unwrap_err();
        assert!(error.to_string().contains(r#""seed":1"#), "{error}");
        assert!(alike(&first, &run(&[(3, "d")])).is_err());
        let mut lacking = run(&[(0, "a")]);
        lacking["seeds"] = json!(2);
        assert!(alike(&first, &lacking).is_err());
        assert!(alike(&first, &json!({})).is_err());
    }

    #[test]
    fn the_days_take_turns_until_all_were_hunted() {
        let all: Vec<String> = (0..14).map(|at| at.to_string()).collect();
        let mut seen: Vec<String> = (0..7).flat_map(|day| turn(&all, day)).collect();
        assert_eq!(seen.len(), 28);
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 14);
    }
}
