//! Loaded before libc into a faulted process (`LD_PRELOAD`): its disk calls and its wall clock become what the harness says.
//!
//! Calls pass through untouched unless the control page (`layout`) has an active part for them. No call here allocates or
//! locks: it may be made in a signal handler, or within an allocator. Nobody links this crate: it would strike the harness.
//!
//! A process that is started with `HOLDFAST_SHIM_CUT` is no program to be faulted: it cuts the power of disks and ends.

#![cfg(all(target_os = "linux", target_pointer_width = "64"))]
#![expect(
    unsafe_code,
    reason = "it stands in for libc's functions, which are unsafe by nature"
)]
#![warn(missing_docs, clippy::undocumented_unsafe_blocks)]

mod clock;
mod cut;
mod files;
mod layout;
mod page;
mod rules;
mod start;
