//! The scenarios that come with the command: compiled in, so that the binary alone can run them.

use super::{Scenario, ScenarioError};
use crate::called;
use std::path::{Path, PathBuf};

macro_rules! shipped {
    ($($name:literal),* $(,)?) => {
        /// Name and text of each.
        const SHIPPED: &[(&str, &str)] = &[
            $(($name, include_str!(concat!("../../../scenarios/", $name, ".toml"))),)*
        ];
    };
}

shipped![
    "leader-kill",
    "leader-pause",
    "power-cut-all",
    "partition-mix",
    "follower-kill",
    "minority-kill",
    "follower-pause",
    "rolling-restart",
    "kill-all",
    "freeze",
    "cpu-starved",
    "memory-pressure",
    "fd-exhaustion",
    "flaky-network",
    "majority-ring",
    "swizzle",
    "seven-nodes",
    "region-loss",
    "region-brownout",
    "full-disk",
    "hung-disk",
    "slow-disk",
    "io-error",
    "no-space",
    "torn-write",
    "bit-flip-log",
    "bit-flip-state",
    "bit-flip-manifest",
    "rolled-back-disk",
    "rolled-back-leader",
    "wiped-disk",
    "wiped-leader",
    "wiped-in-restart",
    "lying-fsync-control",
    "clock-jump",
    "clock-drift",
    "seal-unseal-storm",
    "token-storm",
];

/// Why a scenario was not found or not taken.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// Neither a name that is known nor a file that is there.
    #[error(
        "no scenario `{0}`: `{command} list scenarios` shows those that come with it, or give a file",
        command = called::name()
    )]
    Unknown(String),
    /// The file cannot be read.
    #[error("cannot read the scenario {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It was refused.
    #[error("scenario {name}")]
    Refused {
        /// Which.
        name: String,
        /// Why.
        source: ScenarioError,
    },
}

fn read(name: &str, text: &str) -> Result<Scenario, FindError> {
    Scenario::parse(text).map_err(|source| FindError::Refused {
        name: name.to_owned(),
        source,
    })
}

/// Every scenario that comes with the command.
///
/// # Errors
/// When one is refused.
pub fn all() -> Result<Vec<Scenario>, FindError> {
    SHIPPED
        .iter()
        .map(|(name, text)| read(name, text))
        .collect()
}

/// A scenario by name, or by the path of a file.
///
/// # Errors
/// When there is none, or it is refused.
pub fn find(name_or_path: &str) -> Result<Scenario, FindError> {
    if let Some((name, text)) = SHIPPED.iter().find(|(name, _)| *name == name_or_path) {
        return read(name, text);
    }
    let path = Path::new(name_or_path);
    if !path.exists() {
        return Err(FindError::Unknown(name_or_path.to_owned()));
    }
    let text = std::fs::read_to_string(path).map_err(|source| FindError::Read {
        path: path.to_owned(),
        source,
    })?;
    read(name_or_path, &text)
}
