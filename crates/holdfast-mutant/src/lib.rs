//! Seeded bugs, by which the harness proves that it can see.
//!
//! A crate of its own, so that what they are not sown in is the same program with them and without, and is compiled once.

mod mutant;

pub use mutant::Mutant;
#[cfg(feature = "mutants")]
pub use mutant::release;
