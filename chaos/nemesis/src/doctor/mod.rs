//! What works on this machine: every fault is really tried, on a child and a disk made for it.

mod bench;
mod tries;

use crate::nemesis::NemesisError;
use bench::Bench;
use std::fmt::Write as _;

/// Whether a fault works here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ability {
    /// The fault, as scenarios name it; `disk-image` is what faults of whole disks are made on.
    pub name: &'static str,
    /// Whether it was installed, seen to bite and healed.
    pub works: bool,
    /// What was seen, or why it does not work.
    pub why: String,
    /// What it takes of a machine.
    pub needs: &'static str,
}

type Try = fn(&mut Bench) -> Result<String, NemesisError>;

/// Every fault, what it takes, and how it is tried.
const TRIES: &[(&str, &str, Try)] = &[
    ("kill", "nothing", tries::kill),
    ("pause", "nothing", tries::pause),
    ("freeze", "root, control groups", tries::freeze),
    ("cpu-starved", "root, cpu control group", tries::starve),
    ("memory-pressure", "nothing", tries::memory),
    ("fd-exhaustion", "nothing", tries::descriptors),
    ("disk-image", ROOT_DISK, tries::disk_image),
    (
        "power-cut",
        "root, loop devices, the shim",
        tries::power_cut,
    ),
    ("full-disk", ROOT_DISK, tries::full),
    ("hung-disk", ROOT_DISK, tries::hung),
    ("rolled-back-disk", ROOT_DISK, tries::roll_back),
    ("wiped-disk", "nothing", tries::wipe),
    ("bit-flip", "nothing", tries::damage),
    ("slow-disk", SHIM, tries::slow_sync),
    ("io-error", SHIM, tries::io_error),
    ("no-space", SHIM, tries::no_space),
    ("torn-write", SHIM, tries::torn_write),
    ("lying-sync", SHIM, tries::lying_sync),
    ("clock-jump", SHIM, tries::clock_jump),
    ("clock-drift", SHIM, tries::clock_drift),
];
const ROOT_DISK: &str = "root, loop devices, e2fsprogs, util-linux";
const SHIM: &str = "the shim, and a program that is linked to libc dynamically";

/// The names of what is tried, without trying it.
pub fn tried() -> impl Iterator<Item = &'static str> {
    TRIES.iter().map(|(name, ..)| *name)
}

/// Tries every fault, on processes and disks of its own, and puts them away. It takes a few seconds.
#[must_use]
pub fn doctor() -> Vec<Ability> {
    let mut bench = Bench::new();
    TRIES
        .iter()
        .map(|(name, needs, attempt)| {
            let seen = match &mut bench {
                Ok(bench) => attempt(bench).map_err(|error| in_words(&error)),
                Err(error) => Err(in_words(error)),
            };
            Ability {
                name,
                works: seen.is_ok(),
                why: seen.unwrap_or_else(|why| why),
                needs,
            }
        })
        .collect()
}

/// An error and what caused it.
fn in_words(error: &NemesisError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(source) = cause {
        // Writing to a string does not fail.
        let _never = write!(text, ": {source}");
        cause = source.source();
    }
    text
}
