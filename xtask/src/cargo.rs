//! How cargo is run: with the cached RocksDB, the shared target directory, and a progress line.
//!
//! Invariant: a nested cargo sees the environment that a person's own shell gives it. What `cargo run` adds
//! (`CARGO_PKG_NAME` …) is taken away, since build scripts that watch those would run again each time.

use std::env;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use crate::child::{self, Ended, Watched};
use crate::places::Places;
use crate::progress::{Ending, Progress};
use crate::{rocksdb, setup};

/// A cargo that takes longer hangs: the longest, a build of everything from nothing, is a quarter of it.
pub(crate) const CARGO_DEADLINE: Duration = Duration::from_secs(60 * 60);

/// Variables that `cargo run` sets for us and that are not meant for a nested cargo.
const OWN_PREFIXES: [&str; 6] = [
    "CARGO_PKG_",
    "CARGO_MANIFEST_",
    "CARGO_BIN_",
    "CARGO_CRATE_",
    "CARGO_PRIMARY_",
    "CARGO_RUSTC_",
];

/// Cargo in the clone, without RocksDB's place: for what compiles no crate of ours.
pub(crate) fn plain(places: &Places) -> Command {
    let mut command = Command::new(
        env::var_os("CARGO")
            .filter(|cargo| !cargo.is_empty())
            .unwrap_or("cargo".into()),
    );
    command
        .current_dir(&places.root)
        .env("CARGO_TARGET_DIR", &places.target);
    for (name, _) in env::vars_os() {
        if OWN_PREFIXES
            .iter()
            .any(|prefix| name.to_string_lossy().starts_with(prefix))
        {
            command.env_remove(&name);
        }
    }
    if env::var_os("CI").is_some() {
        // A fresh clone compiles each crate once: bookkeeping for the next time costs and is thrown away.
        command.env("CARGO_INCREMENTAL", "0");
    }
    let colour = io::stdout().is_terminal() && env::var_os("NO_COLOR").is_none();
    command
        .env("CARGO_TERM_COLOR", if colour { "always" } else { "never" })
        .env("CARGO_TERM_PROGRESS_WHEN", "always")
        .env("CARGO_TERM_PROGRESS_WIDTH", "100");
    command
}

/// Cargo with everything that compiling the workspace needs. Installs and builds what is not there yet.
pub(crate) fn ready(places: &Places) -> Result<Command> {
    setup::ensure(places)?;
    let library = rocksdb::ensure(places)?;
    let mut command = plain(places);
    command
        .env("ROCKSDB_STATIC", "1")
        .env("ROCKSDB_LIB_DIR", library);
    Ok(command)
}

/// Runs cargo under a progress line.
pub(crate) fn watch(
    places: &Places,
    name: &str,
    command: Command,
    progress: &mut Progress,
) -> Result<Ended> {
    let log = places.log(name)?;
    let mut news = |line: &str| child::progress_bar(line);
    let watched = Watched {
        command,
        log,
        deadline: CARGO_DEADLINE,
        news: &mut news,
    };
    child::watch(watched, progress)
}

/// What cargo is to build: the programs of packages, or a library.
#[derive(Clone, Copy, Default)]
pub(crate) struct Wanted<'a> {
    pub(crate) packages: &'a [&'a str],
    pub(crate) features: &'a [&'a str],
    /// The packages' libraries, not their programs.
    pub(crate) libraries: bool,
    /// Integration tests as well. Cargo then takes what tests depend on into account, so that building and testing share all crates.
    pub(crate) tests: &'a [&'a str],
    /// The programs by these names, with the workspace's features: what its tests are built on serves these as well.
    pub(crate) as_tested: &'a [&'a str],
    /// These as every other package, whatever the workspace's manifest says of them.
    pub(crate) barely_optimised: &'a [&'a str],
    pub(crate) release: bool,
}

impl Wanted<'_> {
    /// The words of `cargo build`, or of `cargo test`, which compiles with the same selection.
    pub(crate) fn words(&self, verb: &str) -> Vec<String> {
        let what = match (self.as_tested, self.libraries) {
            ([], true) => "--lib",
            ([], false) => "--bins",
            _ => "--workspace",
        };
        let mut words = vec![verb, "--locked", what];
        words.extend(self.as_tested.iter().flat_map(|name| ["--bin", *name]));
        words.extend(self.packages.iter().flat_map(|name| ["--package", *name]));
        words.extend(self.features.iter().flat_map(|name| ["--features", *name]));
        words.extend(self.tests.iter().flat_map(|name| ["--test", *name]));
        words.extend(self.release.then_some("--release"));
        let mut words: Vec<String> = words.into_iter().map(str::to_owned).collect();
        for name in self.barely_optimised {
            let level = format!("profile.dev.package.{name}.opt-level=1");
            words.extend(["--config".to_owned(), level]);
        }
        words
    }

    fn title(&self) -> String {
        let with: String = self
            .features
            .iter()
            .map(|name| format!(" with {name}"))
            .collect();
        let how = if self.release { ", optimised" } else { "" };
        let what = [self.packages, self.as_tested].concat().join(" and ");
        format!("building {what}{with}{how}")
    }
}

/// Builds it, under a progress line.
pub(crate) fn build(places: &Places, wanted: &Wanted<'_>) -> Result<()> {
    let mut command = ready(places)?;
    command.args(wanted.words("build"));
    let mut progress = Progress::start(wanted.title());
    let ended = watch(places, "build", command, &mut progress)?;
    progress.end(
        if ended.success {
            Ending::Done
        } else {
            Ending::Failed
        },
        "",
    );
    ended.require_success("cargo build", 80)
}

/// The programs that try the product. Built together, so that what both stand on is compiled once.
const HARNESS: [&str; 2] = ["holdfast-sim", "holdfast-chaos"];

/// Builds the simulator and the harness of real processes.
pub(crate) fn build_harness(places: &Places, release: bool) -> Result<()> {
    let wanted = Wanted {
        packages: &HARNESS,
        release,
        ..Wanted::default()
    };
    build(places, &wanted)
}

/// Builds the server as every user of it does; returns the binary.
pub(crate) fn build_server(places: &Places, release: bool) -> Result<PathBuf> {
    let wanted = Wanted {
        packages: &["holdfast"],
        release,
        ..Wanted::default()
    };
    build(places, &wanted)?;
    let binary = places.built("holdfast", release);
    println!("  {}", binary.display());
    Ok(binary)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_is_what_cargo_is_told() {
        let plain = Wanted {
            packages: &["a", "b"],
            ..Wanted::default()
        };
        let told = "build --locked --bins --package a --package b";
        assert_eq!(plain.words("build").join(" "), told);
        assert_eq!(plain.title(), "building a and b");
        let all = Wanted {
            packages: &["a"],
            features: &["mutants"],
            libraries: true,
            tests: &["memory"],
            release: true,
            ..Wanted::default()
        };
        let told = "build --locked --lib --package a --features mutants --test memory --release";
        assert_eq!(all.words("build").join(" "), told);
        assert_eq!(all.title(), "building a with mutants, optimised");
        let tested = Wanted {
            as_tested: &["a"],
            features: &["a/mutants"],
            barely_optimised: &["b"],
            ..Wanted::default()
        };
        let told = "test --locked --workspace --bin a --features a/mutants \
                    --config profile.dev.package.b.opt-level=1";
        assert_eq!(tested.words("test").join(" "), told);
        assert_eq!(tested.title(), "building a with a/mutants");
    }
}
