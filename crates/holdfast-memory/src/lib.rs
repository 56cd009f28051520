//! Locked secret memory and process hardening; the only crate with unsafe code.
//!
//! Keys live in pages that the kernel neither swaps nor dumps ([`SecretKey`]); the process is closed to debuggers of the
//! same user ([`harden_process`]); freed heap memory is wiped ([`WipingAllocator`]). Root on the host still wins: this
//! removes swap, core files, `/proc` and stale heap, not the machine's owner.

mod alloc;
mod key;
mod pages;
mod process;

pub use alloc::WipingAllocator;
pub use key::SecretKey;
pub use pages::Protection;
pub use process::{Hardening, die_with_parent, harden_process, key_protection, raise_open_files};
