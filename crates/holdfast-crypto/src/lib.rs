//! Sealed records, key ring, name cipher and Shamir shares. Pure: no clock, no IO, randomness is passed in.
//!
//! ```text
//! shares → seal key → root key → key ring {terms} → one record key for each namespace (HKDF)
//!                              └ separate random keys: names, token HMAC, audit, batch tokens, cursors
//! ```
//!
//! # Caller contract
//! 1. Pass a generator that nobody can predict and that fails loudly; nothing here falls back to a weaker one.
//! 2. Seal a record under the stored key it will stand at; it opens nowhere else.
//! 3. Check every share against its [`ShareSet`] before counting it.

#![warn(missing_docs)]

mod codec;
mod field;
mod keyring;
mod name;
mod padding;
mod record;
mod shamir;
mod share;
mod share_set;
mod wrap;

pub use keyring::{Keyring, KeyringError, TermState};
pub use name::{NameCipher, NameError, ParentIv};
pub use record::{OpenError, RecordContext, SealError, open_record, seal_record};
pub use shamir::{CombineError, SplitError, combine, split};
pub use share::{Share, ShareFormError};
pub use share_set::{ShareCheck, ShareSet};
pub use wrap::{UnwrapError, WrapContext, unwrap_bytes, unwrap_key, wrap_bytes, wrap_key};
