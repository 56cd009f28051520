//! Locked secret memory and process hardening; the only crate with unsafe code.
//!
//! Keys live in small slots of locked pages ([`SecretKey`], [`SecretBytes`], [`SecretBox`]): hidden from the kernel where
//! `memfd_secret` is allowed, else locked and left out of dumps, else in ordinary memory, and [`protection`] says which. A slot
//! is wiped when it is freed. Plaintext of any length goes in a [`SecretBuf`]. Root on the host still wins: this removes
//! swap, core files, `/proc` and stale heap, not the machine's owner.
//!
//! # Caller contract
//! 1. Call [`harden_process`] first thing in `main`, before reading the configuration, and report what it returns.
//! 2. Never hand a secret's address to a system call (`read`, `write`, `getrandom`): the kernel cannot touch hidden pages.
//!    Go through a buffer on the stack and wipe it; [`SecretBytes::from_bytes`] does.
//! 3. A binary that handles plaintext installs [`ZeroizingAllocator`]: it wipes what types cannot (growth of a `Vec`, buffers
//!    of libraries).

#![warn(missing_docs, clippy::undocumented_unsafe_blocks)]

mod hardening;
mod pages;
mod secret_box;
mod secret_buf;
mod secret_bytes;
mod slab;
mod zeroizing_allocator;

pub use hardening::{
    DeathSignal, Hardening, harden_process, keep_new_files_private, parent_death_signal,
    raise_nofile_limit,
};
pub use pages::Protection;
pub use secret_box::SecretBox;
pub use secret_buf::SecretBuf;
pub use secret_bytes::{SecretBytes, SecretKey};
pub use slab::protection;
pub use zeroizing_allocator::ZeroizingAllocator;
