//! `cargo deny`: banned crates, licences, sources; advisories when their database can be reached.
//!
//! The tool is installed once into the cache, at one version, so that a new release of it cannot turn CI red.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::cargo;
use crate::child::{self, Watched};
use crate::places::Places;
use crate::progress::Progress;

const VERSION: &str = "0.20.2";
/// Fetching the advisory database takes seconds where it is reachable and for ever where it is not.
const ADVISORIES_DEADLINE: Duration = Duration::from_secs(60);

/// Checks; the returned note says what was left out.
pub(crate) fn run(places: &Places, progress: &mut Progress) -> Result<String> {
    let tool = installed(places, progress)?;
    let check = |what: &[&str]| {
        let mut command = cargo::plain(places);
        // The tool finds the registry's index through cargo's own directories.
        let cargo = command.get_program().to_owned();
        let mut deny = Command::new(&tool);
        deny.current_dir(&places.root).env("CARGO", cargo);
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => deny.env(name, value),
                None => deny.env_remove(name),
            };
        }
        command = deny;
        command
            .args(["--locked", "check", "--hide-inclusion-graph"])
            .args(what);
        command
    };
    cargo::watch(
        places,
        "deny",
        check(&["bans", "licenses", "sources"]),
        progress,
    )?
    .require_success("cargo deny", 120)?;

    let mut news = |_: &str| Some("advisories".to_owned());
    let watched = Watched {
        command: check(&["advisories"]),
        log: places.log("deny-advisories")?,
        deadline: ADVISORIES_DEADLINE,
        news: &mut news,
    };
    let ended = child::watch(watched, progress)?;
    let unreachable = ended.how.contains("killed")
        || ended
            .tail
            .iter()
            .any(|line| line.contains("failed to fetch advisory database"));
    if !ended.success && unreachable {
        return Ok("advisories not checked: their database is not reachable".to_owned());
    }
    ended.require_success("cargo deny check advisories", 120)?;
    Ok(String::new())
}

/// The tool in the cache, installed on first use.
fn installed(places: &Places, progress: &mut Progress) -> Result<PathBuf> {
    let home = places
        .cache
        .join("tools")
        .join(format!("cargo-deny-{VERSION}"));
    let tool = home.join("bin").join("cargo-deny");
    if tool.is_file() {
        return Ok(tool);
    }
    progress.say(&format!(
        "  installing cargo-deny {VERSION}, once, into {}",
        home.display()
    ));
    let work = places.cache.join("tools").join("build");
    let mut command = cargo::plain(places);
    command
        .args([
            "install",
            "--locked",
            "--debug",
            "--version",
            VERSION,
            "--root",
        ])
        .arg(&home)
        .arg("--target-dir")
        .arg(&work)
        .arg("cargo-deny")
        // Nobody debugs it: half the time and a tenth of the space.
        .env("CARGO_PROFILE_DEV_DEBUG", "false");
    cargo::watch(places, "deny-install", command, progress)?
        .require_success("installing cargo-deny", 60)?;
    std::fs::remove_dir_all(&work).with_context(|| format!("cannot remove {}", work.display()))?;
    Ok(tool)
}
