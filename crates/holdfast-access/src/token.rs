//! Tokens: making, judging, renewing and ending them.
//!
//! ```text
//! Token      keyed hash of the token             → TokenRecord
//! Accessor   the accessor                        → AccessorRecord (whose token)
//! TokenChild keyed hash of the parent, of a child → nothing
//! Expiry     moment, "token", keyed hash          → nothing (holdfast-lease)
//! ```
//! The four change together in one transaction. A token lives while its record says so *and* all its ancestors live: one
//! mark on the record at the root of a tree ends the whole tree at once, and the records below are cleared afterwards.

mod authenticate;
mod child;
mod create;
mod expire;
mod keys;
mod lifetime;
mod record;
mod renew;
mod revoke;
mod text;

pub use authenticate::{Alive, authenticate, judge};
pub use child::{ChildPolicies, child_policies};
pub use create::{Created, NewToken, create, create_root_token, create_root_token_as};
pub use expire::expire_due;
pub use keys::token_key;
pub use lifetime::{Asked, Bounds, Lifetime};
pub use record::{Expiry, State, TokenRecord};
pub use renew::renew;
pub use revoke::{Revoked, revoke, revoke_orphan, revoke_step};

pub(crate) use keys::{accessors, by_accessor, load};
pub(crate) use text::PREFIX;

#[cfg(test)]
mod tests;
