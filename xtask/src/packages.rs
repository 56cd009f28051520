//! Debian packages: installed by name, with what is missing and why said first.
//!
//! Invariant: never asks a question and never waits on standard input; who may not install gets the command
//! to type.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::child::{self, Watched};
use crate::places::{Places, on_path};
use crate::progress::{Ending, Progress};

/// One mirror that does not answer must not hold a newcomer for ever.
const APT_DEADLINE: Duration = Duration::from_secs(20 * 60);

/// A Debian package that is missing, and what needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Missing {
    pub(crate) package: &'static str,
    pub(crate) why: &'static str,
}

/// Installs the packages, or says how to.
pub(crate) fn install(places: &Places, missing: &[Missing]) -> Result<()> {
    if missing.is_empty() {
        return Ok(());
    }
    println!("This machine lacks:");
    for Missing { package, why } in missing {
        println!("  {package:<16} {why}");
    }
    let names: Vec<&str> = missing.iter().map(|missing| missing.package).collect();
    let names = names.join(" ");
    if on_path("apt-get").is_none() {
        bail!("no apt-get here: install what provides these Debian packages: {names}");
    }
    let Some(prefix) = privilege() else {
        bail!(
            "type this, then try again:\n  sudo apt-get install -y --no-install-recommends {names}"
        );
    };
    let mut progress = Progress::start(format!("installing {names}"));
    update_lists(places, prefix, &mut progress)?;
    let arguments = format!("install -y --no-install-recommends {names}");
    apt(places, prefix, &arguments, &mut progress)?;
    progress.end(Ending::Done, "");
    Ok(())
}

/// `apt-get update`: a fresh machine's package lists are empty or old.
pub(crate) fn update_lists(
    places: &Places,
    prefix: &[&str],
    progress: &mut Progress,
) -> Result<()> {
    apt(places, prefix, "update", progress)
}

/// What to put before a command that only root may run; `None` if there is no way without a question.
pub(crate) fn privilege() -> Option<&'static [&'static str]> {
    if fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0) {
        return Some(&[]);
    }
    let mut sudo = Command::new("sudo");
    sudo.args(["-n", "true"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null());
    sudo.status()
        .is_ok_and(|status| status.success())
        .then_some(&["sudo", "-n"])
}

fn apt(places: &Places, prefix: &[&str], arguments: &str, progress: &mut Progress) -> Result<()> {
    let line = [
        prefix,
        &["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"],
    ]
    .concat();
    let (program, rest) = line
        .split_first()
        .expect("the line has at least env and apt-get");
    let mut command = Command::new(program);
    command.args(rest).args(arguments.split(' '));
    let mut news = |line: &str| Some(line.trim().to_owned());
    let log = places.log("apt-get")?;
    let watched = Watched {
        command,
        log,
        deadline: APT_DEADLINE,
        news: &mut news,
    };
    child::watch(watched, progress)?.require_success(&format!("apt-get {arguments}"), 30)
}
