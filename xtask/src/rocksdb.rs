//! RocksDB's C++ is compiled once per toolchain and kept in the cache; every build after that links it.
//!
//! Invariants: a cached archive was checked and then moved into place in one rename, so a directory that
//! exists is whole; its name says all that decides its contents; two commands at once build it once.

use std::collections::BTreeSet;
use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::child::{self, Watched};
use crate::places::Places;
use crate::progress::{Ending, Progress};
use crate::{cargo, setup};

const SYS_CRATE: &str = "librocksdb-sys";
const ARCHIVE: &str = "librocksdb.a";
/// Ten minutes on two idle cores; a loaded laptop may take several times that.
const BUILD_DEADLINE: Duration = Duration::from_secs(2 * 60 * 60);
/// How often finished object files are counted.
const COUNT_INTERVAL: Duration = Duration::from_secs(1);
/// Far below the real size (45 MB): tells a truncated archive, not a slimmer version.
const ARCHIVE_BYTES_MIN: usize = 10_000_000;
/// Symbols that a right archive has: the C interface, checkpoints, and LZ4 compression compiled in.
const SYMBOLS: [&str; 3] = [
    "rocksdb_open",
    "rocksdb_checkpoint_create",
    "LZ4_compress_fast_continue",
];

/// The directory that holds the static archive; builds it if the cache has none.
pub(crate) fn ensure(places: &Places) -> Result<PathBuf> {
    if let Some(own) = env::var_os("ROCKSDB_LIB_DIR").map(PathBuf::from) {
        ensure!(
            own.join(ARCHIVE).is_file(),
            "ROCKSDB_LIB_DIR is set, but {} has no {ARCHIVE}: unset it to use the cache",
            own.display()
        );
        return Ok(own);
    }
    let home = places.cache.join("rocksdb").join(key(places)?);
    let library = home.join("lib");
    if library.join(ARCHIVE).is_file() {
        return Ok(library);
    }
    let parent = home.parent().expect("the key was joined to a directory");
    fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
    let lock = File::create(parent.join("lock")).context("cannot create RocksDB's lock file")?;
    if lock.try_lock().is_err() {
        println!("  another command is building RocksDB; waiting for it");
        lock.lock().context("cannot lock RocksDB's cache")?;
    }
    // The one that held the lock may have built it.
    if !library.join(ARCHIVE).is_file() {
        build_into(places, &home)?;
    }
    Ok(library)
}

fn build_into(places: &Places, home: &Path) -> Result<()> {
    println!(
        "  RocksDB is compiled once, then kept in {}",
        home.display()
    );
    let work = places.cache.join("rocksdb").join("build");
    let mut command = cargo::plain(places);
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("ROCKSDB_") {
            command.env_remove(name);
        }
    }
    command
        .args([
            "build",
            "--locked",
            "--release",
            "--package",
            SYS_CRATE,
            "--target-dir",
        ])
        .arg(&work)
        // Debug information would make the archive ten times larger.
        .env("CARGO_PROFILE_RELEASE_DEBUG", "false");
    let total = sources_count(&places.root)?;
    let mut counted = Instant::now();
    let mut done = 0;
    let objects = work.clone();
    let mut news = |_: &str| None;
    let mut progress = Progress::start("compiling RocksDB (about 10 minutes on 2 cores)");
    let log = places.log("rocksdb")?;
    let watched = Watched {
        command,
        log,
        deadline: BUILD_DEADLINE,
        news: &mut news,
    };
    let ended = child::watch_with(watched, &mut progress, &mut || {
        if counted.elapsed() >= COUNT_INTERVAL {
            counted = Instant::now();
            done = out_folder(&objects).map_or(0, |out| count_objects(&out));
        }
        match total {
            Some(total) => Some(format!("{done}/{total} files")),
            None => Some(format!("{done} files")),
        }
    })?;
    progress.end(
        if ended.success {
            Ending::Done
        } else {
            Ending::Failed
        },
        "",
    );
    ended.require_success("compiling RocksDB", 60)?;

    let out = out_folder(&work).context("RocksDB was built, but its output is not found")?;
    install(&out.join(ARCHIVE), home)?;
    fs::remove_dir_all(&work).with_context(|| format!("cannot remove {}", work.display()))
}

/// Checks an archive and moves it into the cache in one step.
fn install(archive: &Path, home: &Path) -> Result<()> {
    verify(archive)?;
    let parent = home.parent().context("the cache entry has no parent")?;
    let partial = parent.join(format!("partial-{}", std::process::id()));
    let library = partial.join("lib");
    fs::create_dir_all(&library).with_context(|| format!("cannot create {}", library.display()))?;
    fs::copy(archive, library.join(ARCHIVE))
        .with_context(|| format!("cannot copy {}", archive.display()))?;
    if home.exists() {
        fs::remove_dir_all(home).with_context(|| format!("cannot replace {}", home.display()))?;
    }
    fs::rename(&partial, home).with_context(|| format!("cannot move into {}", home.display()))
}

fn verify(archive: &Path) -> Result<()> {
    let bytes = fs::read(archive).with_context(|| format!("cannot read {}", archive.display()))?;
    let whole = bytes.starts_with(b"!<arch>\n") && bytes.len() >= ARCHIVE_BYTES_MIN;
    if !whole {
        bail!(
            "{} is not a whole archive ({} bytes)",
            archive.display(),
            bytes.len()
        );
    }
    for symbol in SYMBOLS {
        let found = bytes
            .windows(symbol.len())
            .any(|window| window == symbol.as_bytes());
        ensure!(found, "{} lacks `{symbol}`", archive.display());
    }
    Ok(())
}

/// Names all that decides what is in the archive: version, features, target, compiler, flags.
fn key(places: &Places) -> Result<String> {
    let compiler = setup::compiler().context("no C++ compiler")?;
    let kind = match setup::first_line(&compiler, &["--version"])?.contains("clang") {
        true => "clang",
        false => "gcc",
    };
    let version = setup::first_line(&compiler, &["-dumpfullversion", "-dumpversion"])?;
    let target = setup::first_line(&compiler, &["-dumpmachine"])?;
    let lock =
        fs::read_to_string(places.root.join("Cargo.lock")).context("cannot read Cargo.lock")?;
    let sys = locked_version(&lock, SYS_CRATE).context("Cargo.lock has no librocksdb-sys")?;
    let manifest =
        fs::read_to_string(places.root.join("Cargo.toml")).context("cannot read Cargo.toml")?;
    let features = features(&manifest).context("Cargo.toml has no features for rocksdb")?;
    let mut key = format!("{sys}-{features}-{target}-{kind}-{version}");
    let flags = cxx_flags(|name| env::var(name).ok());
    if !flags.is_empty() {
        key = format!("{key}-flags-{}", flags.join("-"));
    }
    let safe = |char: char| char.is_ascii_alphanumeric() || "-_.+=".contains(char);
    Ok(key
        .chars()
        .map(|char| if safe(char) { char } else { '_' })
        .take(200)
        .collect())
}

/// The flags that reach the C++ compiler: its own, and those of Rust's that name a processor.
fn cxx_flags(var: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let cxx = ["CXXFLAGS", "ROCKSDB_CXX_STD"].into_iter().filter_map(&var);
    let rust = ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"]
        .into_iter()
        .filter_map(&var);
    let rust =
        rust.filter(|flags| flags.contains("target-cpu") || flags.contains("target-feature"));
    cxx.chain(rust).filter(|flags| !flags.is_empty()).collect()
}

/// The version that the lock file gives a package.
fn locked_version<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name);
    lines
        .nth(1)?
        .strip_prefix("version = \"")?
        .strip_suffix('"')
}

/// RocksDB's features in the workspace's manifest, sorted: `bindgen-runtime+lz4`.
fn features(manifest: &str) -> Option<String> {
    let line = manifest
        .lines()
        .find(|line| line.starts_with("rocksdb = "))?;
    let (_, list) = line.split_once("features = [")?;
    let (list, _) = list.split_once(']')?;
    let sorted: BTreeSet<&str> = list
        .split(',')
        .map(|feature| feature.trim().trim_matches('"'))
        .collect();
    Some(sorted.into_iter().collect::<Vec<_>>().join("+"))
}

/// How many object files there will be, from the source list in cargo's copy of the crate.
fn sources_count(root: &Path) -> Result<Option<usize>> {
    let lock = fs::read_to_string(root.join("Cargo.lock")).context("cannot read Cargo.lock")?;
    let home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo")));
    let (Some(version), Some(home)) = (locked_version(&lock, SYS_CRATE), home) else {
        return Ok(None);
    };
    let Ok(registries) = fs::read_dir(home.join("registry").join("src")) else {
        return Ok(None);
    };
    let list = format!("{SYS_CRATE}-{version}/rocksdb_lib_sources.txt");
    Ok(registries
        .flatten()
        .find_map(|registry| fs::read_to_string(registry.path().join(&list)).ok())
        .map(|sources| {
            sources
                .lines()
                .filter(|line| !line.trim().is_empty())
                .count()
        }))
}

/// The build script's output folder: of several, the one written last.
fn out_folder(work: &Path) -> Option<PathBuf> {
    let folders = fs::read_dir(work.join("release").join("build")).ok()?;
    folders
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(SYS_CRATE))
        .map(|entry| entry.path().join("out"))
        .filter(|out| out.is_dir())
        .max_by_key(|out| fs::metadata(out).and_then(|out| out.modified()).ok())
}

fn count_objects(out: &Path) -> usize {
    let Ok(entries) = fs::read_dir(out) else {
        return 0;
    };
    entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().ends_with(".o"))
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_one_after_the_name() {
        let lock = "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n\n[[package]]\n\
                    name = \"librocksdb-sys\"\nversion = \"0.19.0+11.8.1\"\n";
        assert_eq!(locked_version(lock, SYS_CRATE), Some("0.19.0+11.8.1"));
        assert_eq!(locked_version(lock, "librocksdb"), None);
    }

    #[test]
    fn features_are_part_of_the_key_in_any_order() {
        let one = "rocksdb = { version = \"1\", features = [\"lz4\", \"bindgen-runtime\"] }";
        let two = "rocksdb = { version = \"1\", features = [\"bindgen-runtime\",\"lz4\"] }";
        assert_eq!(features(one).unwrap(), "bindgen-runtime+lz4");
        assert_eq!(features(one), features(two));
    }

    #[test]
    fn only_flags_that_reach_the_compiler_are_part_of_the_key() {
        let rust =
            |flags: &'static str| move |name: &str| (name == "RUSTFLAGS").then(|| flags.to_owned());
        assert!(cxx_flags(rust("-D warnings")).is_empty());
        assert_eq!(cxx_flags(rust("-C target-cpu=x86-64-v2")).len(), 1);
        assert_eq!(
            cxx_flags(|name| (name == "CXXFLAGS").then(|| "-O2".to_owned())),
            ["-O2"]
        );
    }

    #[test]
    fn a_truncated_or_foreign_archive_is_not_installed() {
        let folder = tempfile::tempdir().unwrap();
        let archive = folder.path().join(ARCHIVE);
        let home = folder.path().join("key");
        let mut bytes = b"!<arch>\n".to_vec();
        fs::write(&archive, &bytes).unwrap();
        assert!(
            install(&archive, &home)
                .unwrap_err()
                .to_string()
                .contains("whole")
        );
        bytes.resize(ARCHIVE_BYTES_MIN, 0);
        fs::write(&archive, &bytes).unwrap();
        assert!(
            install(&archive, &home)
                .unwrap_err()
                .to_string()
                .contains("rocksdb_open")
        );
        assert!(!home.exists());
        bytes.extend(SYMBOLS.join("\0").as_bytes());
        fs::write(&archive, &bytes).unwrap();
        install(&archive, &home).unwrap();
        assert!(home.join("lib").join(ARCHIVE).is_file());
    }

    #[test]
    fn objects_are_counted_in_the_newest_output() {
        let work = tempfile::tempdir().unwrap();
        assert_eq!(out_folder(work.path()), None);
        let out = work.path().join("release/build/librocksdb-sys-1/out");
        fs::create_dir_all(&out).unwrap();
        for file in ["a.o", "b.o", "bindings.rs"] {
            fs::write(out.join(file), "").unwrap();
        }
        assert_eq!(count_objects(&out_folder(work.path()).unwrap()), 2);
    }
}
