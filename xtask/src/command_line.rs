//! What was typed after `cargo xtask`, parsed into a `Task`. Written by hand: a parser crate would double the
//! time that a newcomer waits for the first line of output.

use std::path::PathBuf;

use crate::chaos::Night;
use crate::ci::{Choice, StepName};

pub(crate) const USAGE: &str = "\
Developer commands of Holdfast

Usage: cargo xtask <COMMAND>

  up                   Three nodes on this machine, unsealed, until Ctrl-C; run again, it finds them
      --state-dir DIR    where keys, data and logs are (default: ~/.local/state/holdfast/up)
      --binary FILE      run this `holdfast` instead of building one
  setup                Install what this machine lacks (says what and why)
  build [--release]    Build the `holdfast` binary
  test                 Everything that CI runs; same as `ci`
  ci                   fmt, tidy, clippy, deny, unit tests, docs, whole-system tests, simulation, chaos
      --only STEP        run this step only (may be given more than once)
      --from STEP        run this step and those after it
      --list             name the steps
      -- ARGS            hand ARGS to the test binaries, e.g. a filter
  tidy                 Check the repository's own rules (seconds)
  rocksdb              Build RocksDB once into the cache, print where it is
  sim [ARGS]           Simulated clusters from seeds: --seeds A..B --jobs N, --replay SEED, --mutant all
      --release          builds longer, then runs twice as fast
  chaos [ARGS]         Real processes under faults; without ARGS what CI runs, `list` shows what there is
      --release          builds longer; the server is as users have it
      --nightly          everything that takes hours: 20 000 seeds, lying disks, all mutants, all
                         scenarios;
                         a shorter or another night: --seeds A..B, --minutes N for scenarios
  bench [-- ARGS]      Build in release mode and run the benchmarks beside etcd
  help                 This text

Environment:
  HOLDFAST_CACHE       where downloads and built products go (default: ~/.cache/holdfast)
  CARGO_TARGET_DIR     where cargo builds (default: inside the cache, shared by all clones)";

/// One thing to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Task {
    Help,
    Setup,
    Rocksdb,
    Build {
        release: bool,
    },
    Ci(Choice),
    Tidy,
    Bench {
        args: Vec<String>,
    },
    Sim {
        release: bool,
        args: Vec<String>,
    },
    Chaos {
        release: bool,
        args: Vec<String>,
    },
    Nightly(Night),
    Up {
        state_dir: Option<PathBuf>,
        binary: Option<PathBuf>,
    },
}

/// What this program ends with when it is the one that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OwnCodes {
    /// What was typed cannot be.
    pub(crate) mistyped: u8,
    /// It could not be done.
    pub(crate) failed: u8,
}

/// Simulator and harness use 1 and 2 for what they saw, and 3 for what could not be done: their builds do the same.
pub(crate) fn own_codes(command: Option<&str>) -> OwnCodes {
    let (mistyped, failed) = match command {
        Some("sim" | "chaos") => (3, 3),
        _ => (2, 1),
    };
    OwnCodes { mistyped, failed }
}

/// Parses the words after `cargo xtask`; the error is one sentence for the person who typed them.
pub(crate) fn parse(args: impl Iterator<Item = String>) -> Result<Task, String> {
    let mut args = args;
    let Some(command) = args.next() else {
        return Ok(Task::Help);
    };
    let mut words: Vec<String> = args.collect();
    let after = match words.iter().position(|word| word == "--") {
        Some(at) => words.split_off(at).split_off(1),
        None => Vec::new(),
    };
    // What these two are asked goes to programs with a help of their own.
    match command.as_str() {
        "sim" => {
            words.extend(after);
            let release = take_flag(&mut words, "--release");
            let args = words;
            return Ok(Task::Sim { release, args });
        }
        "chaos" if take_flag(&mut words, "--nightly") => {
            words.extend(after);
            return parse_night(words).map(Task::Nightly);
        }
        "chaos" => {
            words.extend(after);
            let release = take_flag(&mut words, "--release");
            let args = words;
            return Ok(Task::Chaos { release, args });
        }
        _ => {}
    }
    if words.iter().any(|word| word == "--help" || word == "-h") {
        return Ok(Task::Help);
    }
    let task = match command.as_str() {
        "help" | "--help" | "-h" => return Ok(Task::Help),
        "test" | "ci" => return parse_ci(words, after).map(Task::Ci),
        "bench" => {
            words.extend(after);
            return Ok(Task::Bench { args: words });
        }
        "build" => {
            let release = take_flag(&mut words, "--release");
            Task::Build { release }
        }
        "up" => Task::Up {
            state_dir: take_value(&mut words, "--state-dir", "a path")?.map(PathBuf::from),
            binary: take_value(&mut words, "--binary", "a path")?.map(PathBuf::from),
        },
        "setup" => Task::Setup,
        "rocksdb" => Task::Rocksdb,
        "tidy" => Task::Tidy,
        other => return Err(format!("there is no command `{other}`")),
    };
    match words.first().or(after.first()) {
        Some(extra) => Err(format!("`{command}` does not take `{extra}`")),
        None => Ok(task),
    }
}

fn parse_ci(words: Vec<String>, test_args: Vec<String>) -> Result<Choice, String> {
    let mut choice = Choice {
        test_args,
        ..Choice::default()
    };
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let mut step = || {
            let name = words
                .next()
                .ok_or_else(|| format!("`{word}` needs the name of a step"))?;
            StepName::parse(&name)
        };
        match word.as_str() {
            "--only" => choice.only.push(step()?),
            "--from" => choice.from = Some(step()?),
            "--list" => choice.list = true,
            other => return Err(format!("`ci` does not take `{other}`")),
        }
    }
    Ok(choice)
}

fn take_flag(words: &mut Vec<String>, flag: &str) -> bool {
    let before = words.len();
    words.retain(|word| word != flag);
    words.len() != before
}

/// What stands after the flag.
fn take_value(words: &mut Vec<String>, flag: &str, what: &str) -> Result<Option<String>, String> {
    let Some(at) = words.iter().position(|word| word == flag) else {
        return Ok(None);
    };
    if at + 1 == words.len() {
        return Err(format!("`{flag}` needs {what}"));
    }
    Ok(words.drain(at..=at + 1).next_back())
}

/// Both are read here, so that a slip is told at once and not after hours of the other.
fn parse_night(mut words: Vec<String>) -> Result<Night, String> {
    let mut night = Night::default();
    let what = "seeds as A..B, A below B";
    if let Some(seeds) = take_value(&mut words, "--seeds", what)? {
        let ends = seeds.split_once("..");
        let range = ends.and_then(|(from, to)| Some(from.parse().ok()?..to.parse().ok()?));
        let range = range.filter(|range: &std::ops::Range<u64>| !range.is_empty());
        night.seeds = range.ok_or_else(|| format!("`--seeds` needs {what}"))?;
    }
    let what = "a number of minutes, 1 to 65535";
    if let Some(minutes) = take_value(&mut words, "--minutes", what)? {
        let minutes = minutes.parse();
        night.minutes = minutes.map_err(|_| format!("`--minutes` needs {what}"))?;
    }
    match words.first() {
        Some(extra) => Err(format!("`chaos --nightly` does not take `{extra}`")),
        None => Ok(night),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(line: &str) -> Result<Task, String> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn every_command_of_the_usage_text_is_known() {
        for line in [
            "setup",
            "build",
            "build --release",
            "test",
            "ci",
            "tidy",
            "rocksdb",
            "bench",
            "up",
            "sim --seeds 0..9",
            "sim --release --seeds 0..9",
            "chaos --release run leader-kill",
            "chaos --nightly",
            "chaos --nightly --minutes 9 --seeds 5..9",
            "up --state-dir /s --binary /b",
        ] {
            assert!(typed(line).is_ok_and(|task| task != Task::Help), "{line}");
            assert!(USAGE.contains(line.split(' ').next().unwrap()), "{line}");
        }
        assert_eq!(typed(""), Ok(Task::Help));
        assert_eq!(typed("ci --help"), Ok(Task::Help));
    }

    #[test]
    fn steps_and_test_arguments_are_told_apart() {
        let Ok(Task::Ci(choice)) = typed("ci --only unit --only docs -- --nocapture kv") else {
            panic!("not a ci task");
        };
        assert_eq!(choice.only, [StepName::Unit, StepName::Docs]);
        assert_eq!(choice.test_args, ["--nocapture", "kv"]);
    }

    #[test]
    fn a_night_is_as_long_as_was_asked() {
        assert_eq!(
            typed("chaos --nightly"),
            Ok(Task::Nightly(Night::default()))
        );
        let short = Night {
            seeds: 5..9,
            minutes: 7.try_into().unwrap(),
        };
        let line = "chaos --minutes 7 --nightly --seeds 5..9";
        assert_eq!(typed(line), Ok(Task::Nightly(short)));
        for wrong in [
            "--seeds 9..5",
            "--seeds 5",
            "--seeds",
            "--minutes 1h",
            "--minutes 0",
            "run",
        ] {
            let refused = typed(&format!("chaos --nightly {wrong}")).unwrap_err();
            let named = wrong.split(' ').next().unwrap();
            assert!(refused.contains(named), "{refused}");
        }
        let chaos = typed("chaos sweep --seeds 1..2");
        assert!(matches!(chaos, Ok(Task::Chaos { release: false, args }) if args.len() == 3));
        let chaos = typed("chaos run leader-kill --release");
        assert!(matches!(chaos, Ok(Task::Chaos { release: true, args }) if args.len() == 2));
    }

    #[test]
    fn who_reads_the_harness_codes_cannot_mistake_a_failed_build_for_a_verdict() {
        for command in ["sim", "chaos"] {
            let codes = own_codes(Some(command));
            assert_eq!((codes.mistyped, codes.failed), (3, 3), "{command}");
        }
        let codes = own_codes(Some("up"));
        assert_eq!((codes.mistyped, codes.failed), (2, 1));
    }

    #[test]
    fn what_is_not_understood_is_refused_by_name() {
        assert!(typed("dance").unwrap_err().contains("dance"));
        assert!(typed("ci --only dance").unwrap_err().contains("dance"));
        assert!(typed("up --state-dir").unwrap_err().contains("--state-dir"));
        assert!(typed("up now").unwrap_err().contains("now"));
        assert!(typed("ci --only").unwrap_err().contains("--only"));
        assert!(typed("build --fast").unwrap_err().contains("--fast"));
        assert!(typed("tidy -- x").unwrap_err().contains('x'));
    }
}
