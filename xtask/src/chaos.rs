//! `cargo xtask chaos`: real processes under faults. Without words it runs what CI runs.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::num::NonZeroU16;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use signal_hook::consts::SIGINT;

use crate::cargo::{self, Wanted};
use crate::child::{self, Watched};
use crate::places::Places;
use crate::progress::Progress;
use crate::sim;
use crate::stop::Stop;

/// The harness of real processes.
pub(crate) const PROGRAM: &str = "holdfast-chaos";
/// The library that stands between a server and its disk and clock.
const SHIM: &str = "holdfast-shim";
/// The scenarios that every change must hold, once each. What this machine cannot do is named as skipped.
const CI: [&str; 4] = ["sweep", "--ci", "--seeds", "1..2"];
const CI_DEADLINE: Duration = Duration::from_secs(10 * 60);
/// Seeds of the night in which disks lie. Most losses are noticed by the nodes themselves, which then stay away.
const LYING: &str = "0..200";

/// What a night takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Night {
    /// Simulated.
    pub(crate) seeds: Range<u64>,
    /// For scenarios of real processes.
    pub(crate) minutes: NonZeroU16,
}

impl Default for Night {
    fn default() -> Self {
        Self {
            seeds: 0..20_000,
            minutes: const { NonZeroU16::new(180).unwrap() },
        }
    }
}

/// Builds and gives way to the harness, to which `args` go.
pub(crate) fn run(places: &Places, release: bool, args: &[String]) -> Result<ExitCode> {
    build(places, release)?;
    let mut command = harness(places, release);
    hand_on(&mut command, args);
    child::give_way(&mut command)
}

/// What was typed, or what CI runs; in a fresh folder of the harness's, unless another was named.
fn hand_on(harness: &mut Command, args: &[String]) {
    match args {
        [] => harness.args(CI),
        args => harness.args(args),
    };
}

/// The scenarios that every change must hold. Returns a note for the table. A build server finds the pages in the same folder
/// each time: what lay there is written over.
pub(crate) fn ci(places: &Places, program: &Path, progress: &mut Progress) -> Result<String> {
    build_tried(places, false)?;
    let out = reports(places, "ci");
    let mut command = told(places, program, false);
    command.args(CI).arg("--out").arg(&out);
    let mut note = String::new();
    let mut news = |line: &str| {
        let line = line.trim();
        if line.ends_with("scenarios skipped") || line.starts_with("leader lost") {
            note = format!("{note}{}{line}", if note.is_empty() { "" } else { "; " });
        }
        Some(line.to_owned())
    };
    let watched = Watched {
        command,
        log: places.log("chaos")?,
        deadline: CI_DEADLINE,
        news: &mut news,
    };
    let ended = child::watch(watched, progress)?;
    let page = out.join("index.html");
    ended.require_success(&format!("chaos (see {})", page.display()), 80)?;
    Ok(note)
}

fn build(places: &Places, release: bool) -> Result<()> {
    build_tried(places, release)?;
    cargo::build_harness(places, release)
}

/// Builds what the harness tries, and what it tries it with.
fn build_tried(places: &Places, release: bool) -> Result<()> {
    let wanted = |packages, libraries| Wanted {
        packages,
        libraries,
        release,
        ..Wanted::default()
    };
    cargo::build(places, &wanted(&["holdfast"], false))?;
    cargo::build(places, &wanted(&[SHIM], true))
}

/// Where pages go: beside what cargo built, never into the clone.
fn reports(places: &Places, what: &str) -> PathBuf {
    places.target.join("chaos").join(what)
}

/// Makes a folder that nothing was written to before: this one, or with `-2`, `-3` … after its name.
fn fresh(folder: &Path) -> Result<PathBuf> {
    let parent = folder.parent().unwrap_or(folder);
    fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
    let mut made = folder.to_path_buf();
    for number in 2.. {
        match fs::create_dir(&made) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            done => {
                done.with_context(|| format!("cannot create {}", made.display()))?;
                break;
            }
        }
        let mut name = folder.file_name().unwrap_or_default().to_os_string();
        name.push(format!("-{number}"));
        made.set_file_name(name);
    }
    Ok(made)
}

fn harness(places: &Places, release: bool) -> Command {
    told(places, &places.built(PROGRAM, release), release)
}

/// The harness, with the server to start, where reports go, and what a person types to start it again.
fn told(places: &Places, program: &Path, release: bool) -> Command {
    let mut command = Command::new(program);
    command
        .env("HOLDFAST_BIN", places.built("holdfast", release))
        .env("HOLDFAST_CHAOS_REPORTS", places.target.join("chaos"))
        .env("HOLDFAST_CHAOS_COMMAND", "cargo xtask chaos");
    command
}

/// Everything that takes too long for each change. Ctrl-C ends the part that runs, which may have to heal first, and the night.
pub(crate) fn nightly(places: &Places, night: &Night) -> Result<ExitCode> {
    let stop = Stop::catch(&[SIGINT])?;
    build(places, true)?;
    let seeds = format!("{}..{}", night.seeds.start, night.seeds.end);
    let out = fresh(&reports(places, "nightly"))?;
    // Empty until the hunt: should that fail, the sweep's page says that nothing was hunted, not what was once.
    let mutants = out.join("mutants.ndjson");
    let table =
        File::create(&mutants).with_context(|| format!("cannot write {}", mutants.display()))?;
    let mut scenarios = harness(places, true);
    sweep_of_the_night(&mut scenarios, night, &out, &mutants);
    let parts: [Part<'_>; 4] = [
        Box::new(|| sim::part(places, &["--seeds", &seeds])),
        Box::new(|| sim::part(places, &["--lying-disks", "--seeds", LYING])),
        Box::new(|| sim::hunt_all(places, table)),
        Box::new(|| child::stand_in(&mut scenarios)),
    ];
    let code = one_after_the_other(parts, || stop.asked());
    println!("reports: {}", out.display());
    code
}

type Part<'a> = Box<dyn FnOnce() -> Result<ExitCode> + 'a>;

/// Each is run even when one before it failed, unless somebody asked to end.
fn one_after_the_other<'a>(
    parts: impl IntoIterator<Item = Part<'a>>,
    asked_to_end: impl Fn() -> bool,
) -> Result<ExitCode> {
    let mut told = Vec::new();
    for part in parts {
        told.push(part());
        if asked_to_end() {
            bail!("the night was interrupted");
        }
    }
    worst(told)
}

/// What a night amounts to: a violation before anything else, then what could not be done or said.
fn worst(told: Vec<Result<ExitCode>>) -> Result<ExitCode> {
    let violated = ExitCode::from(1);
    let saw = |code: &Result<ExitCode>| code.as_ref().is_ok_and(|code| *code == violated);
    if told.iter().any(saw) {
        let failed = told.iter().filter_map(|code| code.as_ref().err());
        failed.for_each(|error| eprintln!("error: {error:#}"));
        return Ok(violated);
    }
    let codes: Vec<ExitCode> = told.into_iter().collect::<Result<_>>()?;
    // As in the harness: what could not be done outweighs what could not be said.
    let ranked = [3, 2].map(ExitCode::from);
    let worst = ranked.into_iter().find(|code| codes.contains(code));
    let other = || codes.iter().find(|code| **code != ExitCode::SUCCESS);
    Ok(worst
        .or_else(|| other().copied())
        .unwrap_or(ExitCode::SUCCESS))
}

/// Every scenario, with the table of the seeded bugs that were hunted before.
fn sweep_of_the_night(harness: &mut Command, night: &Night, out: &Path, mutants: &Path) {
    harness.args(["sweep", "--budget", &format!("{}m", night.minutes)]);
    harness.arg("--out").arg(out).arg("--mutants").arg(mutants);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn a_night_goes_on_after_a_failure_and_ends_when_asked() {
        let done = &Cell::new(0);
        let part = |code: u8| -> Part<'_> {
            Box::new(move || {
                done.set(done.get() + 1);
                Ok(ExitCode::from(code))
            })
        };
        let code = one_after_the_other([part(0), part(2), part(1)], || false);
        assert_eq!((code.unwrap(), done.take()), (ExitCode::from(1), 3));
        let (broken, undecided) = (Err(anyhow::anyhow!("no disk")), Ok(ExitCode::from(2)));
        assert!(worst(vec![undecided, broken]).is_err());
        let (broken, violated) = (Err(anyhow::anyhow!("no disk")), Ok(ExitCode::from(1)));
        assert_eq!(worst(vec![broken, violated]).unwrap(), ExitCode::from(1));
        let codes = [0, 2, 0].map(|code| Ok(ExitCode::from(code)));
        assert_eq!(worst(codes.into()).unwrap(), ExitCode::from(2));
        let codes = [2, 3, 0].map(|code| Ok(ExitCode::from(code)));
        assert_eq!(worst(codes.into()).unwrap(), ExitCode::from(3));
        let code = one_after_the_other([part(0), part(0), part(0)], || done.get() == 2);
        assert!(code.is_err());
        assert_eq!(done.get(), 2);
    }

    #[test]
    fn no_night_writes_over_another() {
        let base = tempfile::tempdir().unwrap();
        let night = || fresh(&base.path().join("chaos").join("nightly")).unwrap();
        let made = [night(), night(), night()];
        let names = made.each_ref().map(|made| made.file_name().unwrap());
        assert_eq!(names, ["nightly", "nightly-2", "nightly-3"]);
        assert!(made.iter().all(|made| made.is_dir()));
    }

    #[test]
    fn without_words_the_harness_finds_a_fresh_folder() {
        let mut command = Command::new("holdfast-chaos");
        hand_on(&mut command, &[]);
        let words: Vec<_> = command.get_args().collect();
        assert_eq!(words, ["sweep", "--ci", "--seeds", "1..2"]);
    }

    #[test]
    fn the_night_shows_the_seeded_bugs_beside_the_scenarios() {
        let mut command = Command::new("holdfast-chaos");
        let night = Night::default();
        sweep_of_the_night(&mut command, &night, Path::new("/o"), Path::new("/o/m"));
        let words: Vec<_> = command
            .get_args()
            .filter_map(|word| word.to_str())
            .collect();
        assert_eq!(
            words,
            [
                "sweep",
                "--budget",
                "180m",
                "--out",
                "/o",
                "--mutants",
                "/o/m"
            ]
        );
    }
}
