//! The replicated state machine over sealed records.
//!
//! # Caller contract
//! 1. Commands come from the log, in log order, each once: `apply` is told the index it stands at.
//! 2. `apply` writes nothing by itself. The caller makes the returned batch durable together with the applied position.
//! 3. A [`StorageFault`] stops the node; every other refusal is an [`Outcome`].
//! 4. What is answered to a client is the outcome of the entry that was committed, never of one that was only proposed.

mod command;
mod port;
mod row;

pub use command::{Command, Delete, Found, Key, Malformed, Outcome, Put, Transaction, Write};
pub use port::{
    BoxFuture, MemberStatus, Position, ProposeError, Replica, ReplicaStatus, Role, StorageFault,
    Unavailable, View,
};
pub use row::{Row, Space, SystemKey};
