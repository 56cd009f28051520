//! Faults of a process, and how a process is recognised.

mod cgroup;
mod descriptors;
mod freeze;
mod kill;
mod limits;
mod memory;
mod pause;
mod starve;
mod stat;

pub use descriptors::ExhaustDescriptors;
pub use freeze::Freeze;
pub use kill::Kill;
pub use memory::LimitMemory;
pub use pause::Pause;
pub use starve::StarveCpu;
pub use stat::Process;

pub(crate) use cgroup::sweep;
