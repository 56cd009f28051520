//! Applying commands: clock, dedupe, compare-and-set, digest.
//!
//! Invariants, each checked by `tests/model.rs`: the digest is that of a full scan; the same log gives the same rows however
//! it is cut into batches; a transaction has one outcome for as long as it is remembered; the clock never goes back; a
//! refused transaction leaves no row but its remembered outcome.

use crate::batch::{Batch, Table};
use crate::command::{Command, Malformed, Outcome, Put, Transaction, Write};
use crate::dedupe;
use crate::digest::Digest;
use crate::form;
use crate::port::StorageFault;
use crate::row::{encode_row, split_row};
use crate::scalars::{CheckpointMark, Scalars};
use holdfast_mutant::Mutant;
use holdfast_types::RecordHeader;

/// The machine's scalars in memory; the rows stay in the table.
pub struct Machine {
    scalars: Scalars,
}

impl Machine {
    /// Reads the scalars of a table; of an empty one, those of a new cluster.
    ///
    /// # Errors
    /// When the disk fails or the scalars are corrupt.
    pub fn load(table: &impl Table) -> Result<Self, StorageFault> {
        let scalars = match table.get(&Scalars::key())? {
            Some(row) => Scalars::decode(split_row(&row)?.1)?,
            None => Scalars::new(Digest::empty()),
        };
        Ok(Self { scalars })
    }

    /// Applies the entry at `index`, after those before it. What it changes goes into `batch`, on top of what is there.
    ///
    /// # Errors
    /// When the disk fails, a row is corrupt, or entries come out of order. The machine must not be used afterwards.
    pub fn apply(
        &mut self,
        table: &impl Table,
        batch: &mut Batch,
        index: u64,
        command: &Command,
    ) -> Result<Outcome, StorageFault> {
        let last = self.scalars.last_index;
        if index <= last {
            return Err(StorageFault(format!(
                "entry {index} was to be applied after entry {last}"
            )));
        }
        self.scalars.last_index = index;
        self.scalars.time_ms = self.scalars.time_ms.max(command.proposed_at_ms());
        match command {
            Command::Transaction(txn) => self.transact(table, batch, index, txn),
            Command::Tick { .. } => Ok(Outcome::Applied { index }),
            Command::Checkpoint { .. } => {
                self.scalars.note_checkpoint();
                Ok(Outcome::Applied { index })
            }
        }
    }

    /// Puts the scalars into the batch. Called once, before the batch is written.
    pub fn save(&self, batch: &mut Batch) {
        if self.scalars.last_index > 0 {
            let row = encode_row(self.scalars.last_index, &self.scalars.encode());
            batch.put(Scalars::key(), row);
        }
    }

    /// The clock, milliseconds since the Unix epoch.
    #[must_use]
    pub const fn time_ms(&self) -> u64 {
        self.scalars.time_ms
    }

    /// Index of the last command applied; 0 before the first.
    #[must_use]
    pub const fn last_index(&self) -> u64 {
        self.scalars.last_index
    }

    /// The digest of all record and system rows.
    #[must_use]
    pub const fn digest(&self) -> &Digest {
        &self.scalars.digest
    }

    /// A hash over digest, clock and counters: equal on healthy nodes at equal indexes.
    #[must_use]
    pub fn summary(&self) -> [u8; 32] {
        self.scalars.summary()
    }

    /// The latest checkpoints, oldest first, at most [`crate::CHECKPOINTS_KEPT`].
    #[must_use]
    pub fn checkpoints(&self) -> &[CheckpointMark] {
        &self.scalars.checkpoints
    }

    fn transact(
        &mut self,
        table: &impl Table,
        batch: &mut Batch,
        index: u64,
        txn: &Transaction,
    ) -> Result<Outcome, StorageFault> {
        if let Some(outcome) = dedupe::recall(table, batch, txn.txn_id)?
            && !Mutant::DedupeForgotten.lives()
        {
            return Ok(outcome);
        }
        let forgotten = dedupe::to_forget(table, batch, self.scalars.txn_count)?;
        let outcome = match judge(table, batch, txn)? {
            Verdict::Refused(outcome) => outcome,
            Verdict::Stands(replaced) => {
                let index = index - by_hash_order(txn);
                for (write, old) in txn.writes.iter().zip(replaced) {
                    self.write(batch, index, write, old.as_deref());
                }
                Outcome::Applied { index }
            }
        };
        let count = self.scalars.txn_count;
        dedupe::remember(batch, index, count, txn.txn_id, &outcome, forgotten);
        self.scalars.txn_count += 1;
        Ok(outcome)
    }

    fn write(&mut self, batch: &mut Batch, index: u64, write: &Write, old: Option<&[u8]>) {
        if let Some(old) = old {
            self.scalars.digest.subtract(write.key(), old);
        }
        match write {
            Write::Put(put) => {
                let row = encode_row(index, &put.value);
                self.scalars.digest.add(&put.key, &row);
                batch.put(put.key.clone(), row);
            }
            Write::Delete(delete) => batch.delete(delete.key.clone()),
        }
    }
}

/// A seeded bug: differs from node to node, as the order of a hash table does. Nothing without it.
fn by_hash_order(txn: &Transaction) -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    let odd = || RandomState::new().hash_one(txn.txn_id.0).is_multiple_of(64);
    u64::from(Mutant::ApplyByHashOrder.lives() && odd())
}

enum Verdict {
    Refused(Outcome),
    /// The stored bytes that each write replaces.
    Stands(Vec<Option<Vec<u8>>>),
}

/// Form first, then asserts, then writes: the order decides which refusal is given and is part of the format.
fn judge(table: &impl Table, batch: &Batch, txn: &Transaction) -> Result<Verdict, StorageFault> {
    if let Err(malformed) = form::check(txn) {
        return Ok(Verdict::Refused(Outcome::Malformed(malformed)));
    }
    for (key, written_at) in &txn.asserts {
        let row = batch.read_through(table, key)?;
        let stands = written_at_of(row.as_deref())? == *written_at;
        if !stands && !Mutant::RevisionUnchecked.lives() {
            return Ok(conflict(key));
        }
    }
    let mut replaced = Vec::with_capacity(txn.writes.len());
    for write in &txn.writes {
        let row = batch.read_through(table, write.key())?;
        let stands = written_at_of(row.as_deref())? == write.replaces();
        if !stands && !Mutant::RevisionUnchecked.lives() {
            return Ok(conflict(write.key()));
        }
        replaced.push(row);
    }
    for (write, old) in txn.writes.iter().zip(&replaced) {
        if let Write::Put(put) = write
            && !follows(put, old.as_deref())?
            && !Mutant::RevisionUnchecked.lives()
        {
            return Ok(Verdict::Refused(Outcome::Malformed(Malformed::Record)));
        }
    }
    Ok(Verdict::Stands(replaced))
}

fn conflict(key: &[u8]) -> Verdict {
    Verdict::Refused(Outcome::Conflict { key: key.to_vec() })
}

fn written_at_of(row: Option<&[u8]>) -> Result<u64, StorageFault> {
    row.map_or(Ok(0), |row| Ok(split_row(row)?.0))
}

/// Whether a record's revision is the one after the record it replaces; 1 where there was none.
fn follows(put: &Put, old: Option<&[u8]>) -> Result<bool, StorageFault> {
    if !form::is_record(&put.key) {
        return Ok(true);
    }
    let before = match old {
        Some(row) => revision(split_row(row)?.1)
            .ok_or_else(|| StorageFault("a stored record has no header".to_owned()))?,
        None => 0,
    };
    Ok(before.checked_add(1).is_some() && revision(&put.value) == before.checked_add(1))
}

fn revision(record: &[u8]) -> Option<u64> {
    RecordHeader::parse(record).ok().map(|head| head.revision)
}
