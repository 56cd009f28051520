//! The replicated state machine over sealed records.
//!
//! # Caller contract
//! 1. Commands come from the log, in log order, each once: [`Machine::apply`] is told the index it stands at.
//! 2. `apply` writes nothing by itself. The caller calls [`Machine::save`] and writes the whole [`Batch`] atomically,
//!    together with the applied position, before it begins the next batch.
//! 3. A [`StorageFault`] stops the node; every other refusal is an [`Outcome`].
//! 4. What is answered to a client is the outcome of the entry that was committed, never of one that was only proposed.

mod batch;
mod codec;
mod command;
mod dedupe;
mod digest;
mod form;
mod machine;
mod port;
mod row;
mod scalars;
#[cfg(feature = "testing")]
pub mod testing;

pub use batch::{Batch, Table};
pub use codec::CodecError;
pub use command::{Command, Delete, Found, Key, Malformed, Outcome, Put, Transaction, Write};
pub use digest::{Digest, recompute};
pub use form::VALUE_BYTES_MAX;
pub use machine::Machine;
pub use port::{
    BoxFuture, MemberStatus, Position, ProposeError, Replica, ReplicaStatus, Role, StorageFault,
    Unavailable, View,
};
pub use row::{Row, Space, SystemKey};
pub use scalars::{CHECKPOINTS_KEPT, CheckpointMark};
