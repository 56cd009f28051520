//! Faults by a library that is loaded before libc: on disk calls, live and file by file, and on the wall clock.

mod clock;
mod control;
mod files;
mod library;

// The shim and the harness must agree on every word, and neither may link the other.
#[path = "../../../shim/src/layout.rs"]
mod layout;

pub use clock::BendClock;
pub use control::ShimControl;
pub use files::{Calls, Effect, FaultFiles};
pub use library::find_shim;
