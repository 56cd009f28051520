//! Applying committed entries: one batch per call, with rows, scalars, applied position and membership together, so
//! that a crash leaves the state at the end of some call, never inside one.
//!
//! The store's own rows lie under byte 0, which is no machine space:
//! ```text
//! 0 ‖ "applied"     index (8, big endian) ‖ the caller's log id
//! 0 ‖ "membership"  the caller's membership
//! 0 ‖ "format"      1
//! ```

use super::generation::Generation;
use crate::disk::{Edits, StateTable};
use crate::failpoint::step;
use bytes::Bytes;
use holdfast_machine::{Batch, Command, Machine, Outcome, Position, StorageFault, Table};
use std::sync::Arc;

const APPLIED: &[u8] = b"\0applied";
const MEMBERSHIP: &[u8] = b"\0membership";
const FORMAT_KEY: &[u8] = b"\0format";
const FORMAT: &[u8] = b"1";

/// One committed entry.
pub struct ApplyEntry {
    /// Its index.
    pub index: u64,
    /// The caller's log id, stored as the applied one.
    pub log_id: Bytes,
    /// What it does.
    pub payload: Payload,
}

/// What an entry does to the state.
pub enum Payload {
    /// Nothing but move the applied position.
    Blank,
    /// Stores the caller's membership.
    Membership(Bytes),
    /// A command to the machine.
    Command(Command),
}

/// How far the state has come.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Applied {
    /// The caller's log id of the last entry applied.
    pub log_id: Option<Bytes>,
    /// The caller's last membership applied.
    pub membership: Option<Bytes>,
    /// Index and clock.
    pub position: Position,
}

/// The newest rows of a table.
struct Latest<'a>(&'a dyn StateTable);

impl Table for Latest<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageFault> {
        self.0.get(key)
    }
}

/// The one writer of the state: what is in memory beside the rows.
pub(crate) struct Applier {
    pub(crate) generation: Arc<Generation>,
    pub(crate) machine: Machine,
    pub(crate) applied: Applied,
}

impl Applier {
    /// Reads where a generation stands; a new one is given its format.
    pub(crate) fn load(generation: Generation) -> Result<Self, StorageFault> {
        let table = Latest(&*generation.table);
        match table.get(FORMAT_KEY)?.as_deref() {
            Some(FORMAT) => {}
            Some(_) => {
                let text = "the state was written by another version".to_owned();
                return Err(StorageFault(text));
            }
            None => {
                step("write the state");
                let fill = &mut |batch: &mut dyn Edits| batch.put(FORMAT_KEY, FORMAT);
                generation.table.write(fill)?;
            }
        }
        let machine = Machine::load(&table)?;
        let applied = load_applied(&table, &machine)?;
        Ok(Self {
            machine,
            applied,
            generation: Arc::new(generation),
        })
    }

    /// Applies entries and writes them.
    pub(crate) fn apply(
        &mut self,
        entries: Vec<ApplyEntry>,
    ) -> Result<Vec<Option<Outcome>>, StorageFault> {
        let mut rows = Batch::new();
        let mut outcomes = Vec::with_capacity(entries.len());
        let mut moved = self.applied.clone();
        for entry in entries {
            if moved.log_id.is_some() && entry.index != moved.position.index + 1 {
                return Err(StorageFault(format!(
                    "entry {} was to be applied after entry {}",
                    entry.index, moved.position.index
                )));
            }
            moved.position.index = entry.index;
            moved.log_id = Some(entry.log_id);
            outcomes.push(match entry.payload {
                Payload::Blank => None,
                Payload::Membership(membership) => {
                    moved.membership = Some(membership);
                    None
                }
                Payload::Command(command) => {
                    let table = Latest(&*self.generation.table);
                    let applied = self.machine.apply(&table, &mut rows, entry.index, &command);
                    Some(applied?)
                }
            });
        }
        self.machine.save(&mut rows);
        moved.position.time_ms = self.machine.time_ms();
        step("write the state");
        let fill = &mut |batch: &mut dyn Edits| collect(batch, &rows, &moved);
        self.generation.table.write(fill)?;
        self.applied = moved;
        Ok(outcomes)
    }
}

fn collect(batch: &mut dyn Edits, rows: &Batch, applied: &Applied) {
    for (key, row) in rows.iter() {
        match row {
            Some(row) => batch.put(key, row),
            None => batch.delete(key),
        }
    }
    if let Some(log_id) = &applied.log_id {
        let mut value = applied.position.index.to_be_bytes().to_vec();
        value.extend_from_slice(log_id);
        batch.put(APPLIED, &value);
    }
    if let Some(membership) = &applied.membership {
        batch.put(MEMBERSHIP, membership);
    }
}

fn load_applied(table: &impl Table, machine: &Machine) -> Result<Applied, StorageFault> {
    let mut applied = Applied {
        membership: table.get(MEMBERSHIP)?.map(Bytes::from),
        ..Applied::default()
    };
    applied.position.time_ms = machine.time_ms();
    if let Some(value) = table.get(APPLIED)? {
        let (index, log_id) = value
            .split_first_chunk::<8>()
            .ok_or_else(|| StorageFault("the applied position is corrupt".to_owned()))?;
        applied.position.index = u64::from_be_bytes(*index);
        applied.log_id = Some(Bytes::copy_from_slice(log_id));
    }
    if applied.position.index < machine.last_index() {
        let text = "the applied position is behind the machine's".to_owned();
        return Err(StorageFault(text));
    }
    Ok(applied)
}
