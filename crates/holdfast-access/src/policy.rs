//! Policies: what their text says, and where they are kept.

mod builtin;
mod capability;
mod constraints;
mod grammar;
mod name;
mod pattern;
mod store;
mod syntax;

pub use capability::{Capability, CapabilitySet};
pub use constraints::Inputs;
pub use grammar::{Policy, PolicyError, Rule, parse};
pub use name::PolicyName;
pub use pattern::Pattern;
pub use store::{StoredPolicy, delete, list, load, store};

pub(crate) use constraints::Constraints;
pub(crate) use pattern::Rank;
pub(crate) use store::write_default;
