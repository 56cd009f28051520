//! Sealed records, key ring, name cipher and Shamir shares; randomness is passed in.
//!
//! No clock, no IO, no generator of its own: everything is a function of its arguments. Keys are
//! [`SecretKey`](holdfast_memory::SecretKey)s in locked memory; plaintext comes back in buffers that are wiped.
//!
//! # Caller contract
//! 1. The generator passed in is the operating system's, and its failure ends the process: there is no weaker source.
//! 2. A record is opened with the term of its own header: `record_key(header.term, namespace)`.
//! 3. A term is retired only after a full pass found no record under it: [`Keyring::retire`] erases its key for good.
//! 4. [`combine`] gives *a* key for any shares. Check each with [`ShareSet::check`] first; [`unwrap_key`] has the last word.

#![warn(missing_docs)]

mod codec;
mod gf256;
mod keyring;
mod name;
mod padding;
mod record;
mod ring_key;
mod shamir;
mod share;
mod share_set;
mod siv;
#[cfg(test)]
mod test_rng;
mod wrap;

pub use keyring::{AddNamespaceError, Keyring, RecordKeyError, RetireError, RotateError};
pub use name::{NameCipher, NameError, ParentIv};
pub use record::{OpenError, RecordContext, SealError, open_record, seal_record};
pub use ring_key::{KEYRING_BYTES_MAX, KeyringDecodeError, TermInfo, TermState};
pub use shamir::{CombineError, SplitError, combine, split};
pub use share::{Share, ShareTextError};
pub use share_set::{ShareCheck, ShareSet};
pub use wrap::{UnwrapError, WrapContext, unwrap_bytes, unwrap_key, wrap_bytes, wrap_key};
