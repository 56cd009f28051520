//! Other people's clients, which the whole-system tests drive against Holdfast: hvac (Python) and Vault's Go
//! client. Only tests need them, so nothing else installs them.
//!
//! What is found is told to the tests by `HOLDFAST_PYTHON` and `HOLDFAST_GO`; a test of a client that is not
//! there is skipped by name, never in silence.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::child::{self, Watched};
use crate::packages::{self, Missing};
use crate::places::{Places, on_path};
use crate::progress::Progress;
use crate::setup;

/// hvac and what it needs, pinned: a new release must not turn CI red.
const HVAC_VERSION: &str = "2.4.0";
const PIP_DEADLINE: Duration = Duration::from_secs(10 * 60);
const VENV: Missing = Missing {
    package: "python3-venv",
    why: "a private Python for the tests with the hvac client",
};
/// The oldest Go whose toolchain can build a current Vault client; Debian 12's is older.
const GO_MINOR_MIN: u32 = 23;

/// A client's interpreter or tool, or why there is none.
pub(crate) type Client = std::result::Result<PathBuf, String>;

/// A Python that can `import hvac`, made once in the cache.
pub(crate) fn ensure_python_hvac(places: &Places, progress: &mut Progress) -> Client {
    python_hvac(places, progress).map_err(|error| format!("no hvac client: {error:#}"))
}

/// A Go new enough for Vault's client, if the machine has one.
pub(crate) fn go() -> Client {
    let go = on_path("go").ok_or("no Go on this machine")?;
    let version =
        setup::first_line(&go, &["env", "GOVERSION"]).map_err(|error| error.to_string())?;
    match go_minor(&version) {
        Some(minor) if minor >= GO_MINOR_MIN => Ok(go),
        _ => Err(format!("{version} is older than go1.{GO_MINOR_MIN}")),
    }
}

fn go_minor(version: &str) -> Option<u32> {
    version
        .strip_prefix("go1.")?
        .split(['.', 'r', 'b', ' '])
        .next()?
        .parse()
        .ok()
}

fn python_hvac(places: &Places, progress: &mut Progress) -> Result<PathBuf> {
    let home = places
        .cache
        .join("python")
        .join(format!("hvac-{HVAC_VERSION}"));
    let python = home.join("bin").join("python");
    if imports_hvac(&python) {
        return Ok(python);
    }
    let venv = |progress: &mut Progress| {
        let mut command = Command::new("python3");
        command.args(["-m", "venv", "--clear"]).arg(&home);
        step(places, command, progress).map(|ended| ended.success)
    };
    if !venv(progress).unwrap_or(false) {
        packages::install(places, &[VENV])?;
        anyhow::ensure!(venv(progress)?, "python3 -m venv does not work");
    }
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--no-input", "--quiet"]);
    pip.arg(format!("hvac=={HVAC_VERSION}"));
    step(places, pip, progress)?.require_success("pip install hvac", 20)?;
    anyhow::ensure!(
        imports_hvac(&python),
        "hvac was installed but cannot be imported"
    );
    Ok(python)
}

fn imports_hvac(python: &PathBuf) -> bool {
    let mut command = Command::new(python);
    command.args(["-c", "import hvac"]).stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn step(places: &Places, command: Command, progress: &mut Progress) -> Result<child::Ended> {
    let log = places
        .log("python")
        .context("no log for the Python client")?;
    let mut news = |_: &str| Some("hvac client".to_owned());
    child::watch(
        Watched {
            command,
            log,
            deadline: PIP_DEADLINE,
            news: &mut news,
        },
        progress,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_versions_are_read() {
        assert_eq!(go_minor("go1.26.8"), Some(26));
        assert_eq!(go_minor("go1.23"), Some(23));
        assert_eq!(go_minor("go1.24rc1"), Some(24));
        assert_eq!(go_minor("devel go1.27-abc"), None);
    }
}
