//! The only door between the halves.
//!
//! Above it are plaintext values under plain names; below it sealed records under sealed keys. A [`Txn`] reads a consistent
//! view, remembers what it read, seals what it writes and commits as one compare-and-set of everything it touched.
//!
//! # Caller contract
//! 1. Begin a [`Txn`] from the [`Barrier`]; read and write through it; hand it to [`Barrier::commit`] once.
//! 2. On [`CommitError::Conflict`] evaluate everything afresh on a new `Txn`.
//! 3. A refusal may be told to a client only from a linearizable `Txn` (see [`Freshness`]).
//! 4. Run [`Barrier::watch`] for as long as the node lives: it forgets the keys when the cluster is sealed by hand.

mod barrier;
mod cache;
mod init;
mod keys;
mod listing;
mod name;
mod open;
mod seal;
mod stored;
mod surroundings;
#[cfg(feature = "testing")]
pub mod testing;
mod txn;
mod unseal;

pub use barrier::{Barrier, BeginError};
pub use init::{InitError, InitOptions, Initialized};
pub use name::{Child, Name};
pub use seal::{SealConfig, SealError, SealStatus};
pub use stored::Stored;
pub use surroundings::{Surroundings, SystemSurroundings};
pub use txn::{CommitError, Committed, Freshness, Txn, TxnError};
pub use unseal::UnsealError;
