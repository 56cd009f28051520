//! Faults for real processes on one machine: each is installed, seen to bite, and healed.
//!
//! [`Grounds`] are claimed first: a directory whose files faults may damage. [`Grounds::target`] gives what faults strike, and
//! refuses processes that this program did not start. A [`NodeDisk`] gives a node a file system of its own; a [`ShimControl`]
//! gives its process a shim, by the environment that it is started with. Then a [`Nemesis`] strikes; its contract is there.
//!
//! Nothing outlives its harness by much: every fault ends after the life that it was given, is healed when it is dropped, and a
//! watch process heals when this program is gone. [`sweep`] puts away what even that left.

#![warn(missing_docs)]

mod disk;
mod doctor;
mod grounds;
mod nemesis;
mod process;
mod shim;
mod target;
mod wait;
mod watch;

pub use disk::{
    CutPower, DamageFile, DataFile, FillDisk, HangDisk, LieOnSync, NodeDisk, RollBack, Snapshot,
    WipeDisk,
};
pub use doctor::{Ability, doctor, tried};
pub use grounds::Grounds;
pub use nemesis::{Demand, Evidence, Nemesis, NemesisError};
pub use process::{ExhaustDescriptors, Freeze, Kill, LimitMemory, Pause, Process, StarveCpu};
pub use shim::{BendClock, Calls, Effect, FaultFiles, ShimControl, find_shim};
pub use target::Target;

/// Puts away what programs left that died hard: mounted disks, their images, control groups. Says what it removed. To be
/// called at the start of a run.
#[must_use]
pub fn sweep() -> Vec<String> {
    let mut removed = disk::sweep();
    removed.extend(process::sweep());
    removed
}
