//! `cargo xtask bench`: builds in release mode and runs the benchmarks, beside etcd from Debian's packages.
//!
//! etcd is unpacked into the cache instead of installed: installing its package would start a service on the
//! machine of whoever measures.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::cargo::{self, Wanted};
use crate::child::{self, Watched};
use crate::packages;
use crate::places::{Places, on_path};
use crate::progress::{Ending, Progress};

const PACKAGES: [&str; 2] = ["etcd-server", "etcd-client"];
const BINARIES: [&str; 2] = ["etcd", "etcdctl"];
const DOWNLOAD_DEADLINE: Duration = Duration::from_secs(10 * 60);

/// Builds and runs; `args` go to the benchmark program.
pub(crate) fn run(places: &Places, args: &[String]) -> Result<()> {
    let wanted = Wanted {
        packages: &["holdfast", "holdfast-benches"],
        release: true,
        ..Wanted::default()
    };
    cargo::build(places, &wanted)?;
    let path = match etcd(places) {
        Ok(folder) => with_first(folder)?,
        Err(error) => {
            println!("– etcd will not be measured: {error:#}");
            env::var_os("PATH").unwrap_or_default()
        }
    };
    let status = Command::new(places.built("holdfast-benches", true))
        .args(args)
        .current_dir(&places.root)
        .env("PATH", path)
        .env("HOLDFAST_BIN", places.built("holdfast", true))
        .status()
        .context("cannot run holdfast-benches")?;
    if !status.success() {
        bail!("holdfast-benches: {status}");
    }
    Ok(())
}

/// The folder that holds etcd's programs; `None` when they are on the `PATH` as it is.
fn etcd(places: &Places) -> Result<Option<PathBuf>> {
    if BINARIES.iter().all(|binary| on_path(binary).is_some()) {
        return Ok(None);
    }
    let home = places.cache.join("tools").join("etcd");
    let folder = home.join("usr").join("bin");
    if BINARIES.iter().all(|binary| folder.join(binary).is_file()) {
        return Ok(Some(folder));
    }
    let mut progress = Progress::start("fetching etcd (Debian's packages, not installed)");
    let done = unpack(places, &home, &mut progress);
    progress.end(
        if done.is_ok() {
            Ending::Done
        } else {
            Ending::Failed
        },
        "",
    );
    done.map(|()| Some(folder))
}

fn unpack(places: &Places, home: &Path, progress: &mut Progress) -> Result<()> {
    fs::create_dir_all(home).with_context(|| format!("cannot create {}", home.display()))?;
    let download = |progress: &mut Progress| {
        let mut command = Command::new("apt-get");
        command.arg("download").args(PACKAGES).current_dir(home);
        watched(places, command, progress)
    };
    if !download(progress)?.success {
        // A fresh machine has no package lists yet.
        let prefix = packages::privilege().context("run `sudo apt-get update`, then try again")?;
        packages::update_lists(places, prefix, progress)?;
        download(progress)?.require_success("apt-get download", 20)?;
    }
    for entry in fs::read_dir(home)?.flatten() {
        if entry
            .path()
            .extension()
            .is_some_and(|extension| extension == "deb")
        {
            let mut command = Command::new("dpkg-deb");
            command.arg("--extract").arg(entry.path()).arg(home);
            watched(places, command, progress)?.require_success("dpkg-deb", 20)?;
            fs::remove_file(entry.path()).context("cannot remove a package after unpacking it")?;
        }
    }
    Ok(())
}

fn watched(places: &Places, command: Command, progress: &mut Progress) -> Result<child::Ended> {
    let mut news = |line: &str| Some(line.to_owned());
    let log = places.log("etcd")?;
    child::watch(
        Watched {
            command,
            log,
            deadline: DOWNLOAD_DEADLINE,
            news: &mut news,
        },
        progress,
    )
}

fn with_first(folder: Option<PathBuf>) -> Result<OsString> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = folder.into_iter().chain(env::split_paths(&path));
    env::join_paths(folders).context("a folder on PATH has a colon in its name")
}
