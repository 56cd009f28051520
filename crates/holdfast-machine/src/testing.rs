//! In-memory twins for tests: a table, and a replica of one node with knobs to make it misbehave.

mod replica;
mod table;

pub use replica::MemoryReplica;
pub use table::MemoryTable;
