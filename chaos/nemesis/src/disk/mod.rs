//! Disks of nodes: a file system of its own for each, in an image, and what may happen to it.

mod damage;
mod fill;
mod hang;
mod lie;
mod node_disk;
mod power;
mod registry;
mod snapshot;
mod tools;
mod wipe;

pub use damage::{DamageFile, DataFile};
pub use fill::FillDisk;
pub use hang::HangDisk;
pub use lie::LieOnSync;
pub use node_disk::NodeDisk;
pub use power::CutPower;
pub use snapshot::{RollBack, Snapshot};
pub use wipe::WipeDisk;

pub(crate) use registry::sweep;
