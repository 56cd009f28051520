//! One request's transaction: what it read, what it writes.

use crate::cache::Cached;
use crate::keys::{KeyPath, seal_name};
use crate::listing::PAGE;
use crate::name::Name;
use crate::open::OpenKeys;
use crate::stored::{self, Stored};
use crate::surroundings::{Entropy, Surroundings};
use holdfast_crypto::RecordContext;
use holdfast_machine::{Delete, Key, Put, Row, StorageFault, SystemKey, Transaction, View, Write};
use holdfast_mutant::Mutant;
use holdfast_types::limits::{
    RECORD_PLAINTEXT_BYTES_MAX, TXN_ASSERTS_MAX, TXN_BYTES_MAX, TXN_WRITES_MAX,
};
use holdfast_types::{Class, NamespaceId, RECORD_OVERHEAD, RecordHeader, TxnId};
use std::collections::BTreeMap;
use std::sync::Arc;
use zeroize::Zeroizing;

/// How fresh a read must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Everything acknowledged before the request arrived is seen.
    Linearizable,
    /// At least this index is seen (read your writes).
    AtLeast(u64),
    /// At most this many milliseconds old.
    BoundedMs(u64),
    /// Whatever this node has.
    Stale,
}

/// Why a transaction cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TxnError {
    /// The keys are gone.
    #[error("Vault is sealed")]
    Sealed,
    /// The disk failed.
    #[error(transparent)]
    Storage(#[from] StorageFault),
    /// A record does not open under its own name: tampering, or a fault of this software.
    #[error("a stored {0} does not open")]
    Corrupt(&'static str),
    /// Over a limit.
    #[error("{0} is too large")]
    TooLarge(&'static str),
}

/// Where a commit landed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Index at which it was applied; for a transaction without writes, the index it read at.
    pub index: u64,
}

/// Why a commit was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// Something it read has changed: evaluate afresh.
    #[error("the state changed meanwhile")]
    Conflict,
    /// Not committed and never will be.
    #[error("{0}")]
    Unavailable(String),
    /// It may or may not have been committed.
    #[error("the outcome of the write is unknown: {0}")]
    Unknown(String),
    /// The transaction itself is wrong.
    #[error(transparent)]
    Txn(#[from] TxnError),
}

struct Pending {
    class: Class,
    namespace: NamespaceId,
    /// Index at which the replaced row was written, 0 = absent.
    replaces: u64,
    /// Revision of the replaced record, 0 = absent.
    revision: u64,
    /// `None` removes.
    plaintext: Option<Zeroizing<Vec<u8>>>,
}

/// A consistent view with everything that was read and is to be written.
///
/// Reads see the transaction's own writes. Dropping it changes nothing.
pub struct Txn {
    pub(crate) view: Box<dyn View>,
    pub(crate) keys: Arc<OpenKeys>,
    asserts: BTreeMap<Key, u64>,
    writes: BTreeMap<Key, Pending>,
    linearizable: bool,
    /// How old the view was at most when it was taken, milliseconds, if the node could tell.
    age_ms: Option<u64>,
    wall_ms: u64,
}

/// How far a node's clock may stand from the machine's in what it writes, milliseconds.
const STAMP_AHEAD_MS_MAX: u64 = 2_000;

impl Txn {
    pub(crate) fn new(
        view: Box<dyn View>,
        keys: Arc<OpenKeys>,
        linearizable: bool,
        age_ms: Option<u64>,
        wall_ms: u64,
    ) -> Self {
        Self {
            view,
            keys,
            asserts: BTreeMap::new(),
            writes: BTreeMap::new(),
            linearizable,
            age_ms,
            wall_ms,
        }
    }

    /// How old the view was at most when this began, milliseconds; `None` when the node could not tell.
    #[must_use]
    pub const fn age_ms(&self) -> Option<u64> {
        self.age_ms
    }

    /// Whether everything acknowledged before it began is seen, so that a refusal may be told.
    #[must_use]
    pub const fn is_linearizable(&self) -> bool {
        self.linearizable
    }

    /// Index of the last entry seen.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.view.position().index
    }

    /// The machine's clock, milliseconds since the Unix epoch.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.view.position().time_ms
    }

    /// The time to write into what is made now: this node's clock, held to within two seconds after the machine's.
    #[must_use]
    pub fn stamp_ms(&self) -> u64 {
        let now = self.now_ms();
        self.wall_ms
            .clamp(now, now.saturating_add(STAMP_AHEAD_MS_MAX))
    }

    /// Whether anything is to be written.
    #[must_use]
    pub fn has_writes(&self) -> bool {
        !self.writes.is_empty()
    }

    /// Forgets what was to be written; what was read stays asserted.
    pub fn discard_writes(&mut self) {
        for (key, pending) in std::mem::take(&mut self.writes) {
            self.asserts.insert(key, pending.replaces);
        }
    }

    /// HMAC-SHA-256 under the cluster's token key: how tokens and accessors are named in the state.
    #[must_use]
    pub fn token_hmac(&self, message: &[u8]) -> [u8; 32] {
        self.keys.keyring.token_hmac(message)
    }

    /// Fills the buffer with bytes nobody can predict.
    pub fn fill_random(&self, buffer: &mut [u8]) {
        self.keys.surroundings.fill(buffer);
    }

    /// The plaintext of a record.
    ///
    /// # Errors
    /// When the disk fails or the record does not open.
    pub fn get(&mut self, name: &Name) -> Result<Option<Zeroizing<Vec<u8>>>, TxnError> {
        let path = self.seal_name(name)?;
        if let Some(pending) = self.writes.get(&path.key) {
            return Ok(pending.plaintext.clone());
        }
        let row = self.read_row(&path.key)?;
        row.map(|row| self.open(name.namespace, name.class, &path.key, &row))
            .transpose()
    }

    /// A typed value; kept decoded while the row stays as it is.
    ///
    /// # Errors
    /// When the disk fails, or the record does not open or decode.
    pub fn load<T: Stored>(&mut self, name: &Name) -> Result<Option<Arc<T>>, TxnError> {
        let path = self.seal_name(name)?;
        if let Some(pending) = self.writes.get(&path.key) {
            let decoded = pending
                .plaintext
                .as_ref()
                .map(|bytes| stored::decode::<T>(bytes));
            return decoded
                .map(|value| value.map(Arc::new).ok_or(TxnError::Corrupt("value")))
                .transpose();
        }
        let row = self.read_row(&path.key)?;
        if Mutant::RightsUnasserted.lives() {
            self.asserts.remove(&path.key);
        }
        let Some(row) = row else {
            return Ok(None);
        };
        if let Some(hit) = self.keys.cache.get::<T>(&path.key, row.written_at) {
            return Ok(Some(hit));
        }
        let plain = self.open(name.namespace, name.class, &path.key, &row)?;
        let value = Arc::new(stored::decode::<T>(&plain).ok_or(TxnError::Corrupt("value"))?);
        let cached = Cached::new(row.written_at, plain.len(), Arc::clone(&value));
        self.keys.cache.put(path.key, cached);
        Ok(Some(value))
    }

    /// Creates or replaces a record.
    ///
    /// # Errors
    /// When the value or the transaction is too large, or the disk fails.
    pub fn put(&mut self, name: &Name, plaintext: Zeroizing<Vec<u8>>) -> Result<(), TxnError> {
        if plaintext.len() > RECORD_PLAINTEXT_BYTES_MAX {
            return Err(TxnError::TooLarge("value"));
        }
        self.write(name, Some(plaintext))
    }

    /// Creates or replaces a typed value.
    ///
    /// # Errors
    /// As [`Txn::put`].
    pub fn store<T: Stored>(&mut self, name: &Name, value: &T) -> Result<(), TxnError> {
        self.put(name, stored::encode(value))
    }

    /// Removes a record; does nothing when it is absent.
    ///
    /// # Errors
    /// When the transaction is too large, or the disk fails.
    pub fn delete(&mut self, name: &Name) -> Result<(), TxnError> {
        self.write(name, None)
    }

    /// Whether a record stands at the name. Cheaper than [`Txn::get`]: nothing is opened.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn contains(&mut self, name: &Name) -> Result<bool, TxnError> {
        let path = self.seal_name(name)?;
        if let Some(pending) = self.writes.get(&path.key) {
            return Ok(pending.plaintext.is_some());
        }
        Ok(self.read_row(&path.key)?.is_some())
    }

    /// Removes up to `limit` records at and below a name, unopened. Returns how many; fewer than `limit` means none are left.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn delete_below(&mut self, name: &Name, limit: usize) -> Result<usize, TxnError> {
        let path = self.seal_name(name)?;
        let mut count = 0;
        let mut from = path.key.clone();
        // By pages: rows come with their values, which may be large.
        while count < limit {
            let page = (limit - count).min(PAGE);
            let rows = self.view.scan(&path.key, &from, page)?;
            let found = rows.len();
            for (key, row) in rows {
                from.clone_from(&key);
                self.remove_row(name, key, &row)?;
            }
            from.push(0);
            count += found;
            if found < page {
                break;
            }
        }
        Ok(count)
    }

    fn remove_row(&mut self, name: &Name, key: Key, row: &Row) -> Result<(), TxnError> {
        if let Some(pending) = self.writes.get_mut(&key) {
            pending.plaintext = None;
            return Ok(());
        }
        if self.writes.len() >= TXN_WRITES_MAX {
            return Err(TxnError::TooLarge("transaction"));
        }
        self.asserts.remove(&key);
        let pending = self.pending(name, row.written_at, revision_of(row)?, None);
        self.writes.insert(key, pending);
        Ok(())
    }

    pub(crate) fn seal_name(&self, name: &Name) -> Result<KeyPath, TxnError> {
        seal_name(self.keys.name_cipher(name.namespace)?, name)
    }

    /// Reads a row and asserts that it stays as it is.
    fn read_row(&mut self, key: &[u8]) -> Result<Option<Row>, TxnError> {
        let row = self.view.get(key)?;
        let written_at = row.as_ref().map_or(0, |row| row.written_at);
        if !self.writes.contains_key(key) && !self.asserts.contains_key(key) {
            if self.asserts.len() >= TXN_ASSERTS_MAX {
                return Err(TxnError::TooLarge("transaction"));
            }
            self.asserts.insert(key.to_vec(), written_at);
        }
        Ok(row)
    }

    fn open(
        &self,
        namespace: NamespaceId,
        class: Class,
        key: &[u8],
        row: &Row,
    ) -> Result<Zeroizing<Vec<u8>>, TxnError> {
        let header = RecordHeader::parse(&row.value).map_err(|_| TxnError::Corrupt("record"))?;
        let record_key = self.keys.keyring.record_key(header.term, namespace);
        let record_key = record_key.map_err(|_| TxnError::Corrupt("record"))?;
        let context = RecordContext {
            cluster: self.keys.cluster,
            namespace,
            class,
            key,
        };
        holdfast_crypto::open_record(&record_key, &context, &row.value)
            .map_err(|_| TxnError::Corrupt("record"))
    }

    fn write(
        &mut self,
        name: &Name,
        plaintext: Option<Zeroizing<Vec<u8>>>,
    ) -> Result<(), TxnError> {
        let path = self.seal_name(name)?;
        if let Some(pending) = self.writes.get_mut(&path.key) {
            pending.plaintext = plaintext;
            return Ok(());
        }
        if self.writes.len() >= TXN_WRITES_MAX {
            return Err(TxnError::TooLarge("transaction"));
        }
        let row = self.read_row(&path.key)?;
        if row.is_none() && plaintext.is_none() {
            return Ok(());
        }
        self.asserts.remove(&path.key);
        let revision = row.as_ref().map_or(Ok(0), revision_of)?;
        let replaces = row.map_or(0, |row| row.written_at);
        let pending = self.pending(name, replaces, revision, plaintext);
        self.writes.insert(path.key, pending);
        Ok(())
    }

    fn pending(
        &self,
        name: &Name,
        replaces: u64,
        revision: u64,
        plaintext: Option<Zeroizing<Vec<u8>>>,
    ) -> Pending {
        Pending {
            class: name.class,
            namespace: name.namespace,
            replaces,
            revision,
            plaintext,
        }
    }

    /// Seals everything into what the log carries. `None` when there is nothing to write.
    pub(crate) fn seal(&self) -> Result<Option<Transaction>, TxnError> {
        if self.writes.is_empty() {
            return Ok(None);
        }
        let mut asserts: Vec<(Key, u64)> = self
            .asserts
            .iter()
            .map(|(key, written_at)| (key.clone(), *written_at))
            .collect();
        // A manual seal must stop every write that was evaluated before it.
        asserts.push((SystemKey::SealEpoch.to_bytes(), self.keys.epoch_written_at));
        let mut bytes = 0;
        let mut writes = Vec::with_capacity(self.writes.len());
        for (key, pending) in &self.writes {
            let Some(write) = self.seal_write(key, pending)? else {
                continue;
            };
            bytes += key.len()
                + if let Write::Put(put) = &write {
                    put.value.len()
                } else {
                    0
                };
            writes.push(write);
        }
        if bytes > TXN_BYTES_MAX - TXN_BYTES_MAX / 8 {
            return Err(TxnError::TooLarge("transaction"));
        }
        let mut txn_id = [0; 16];
        self.fill_random(&mut txn_id);
        Ok(Some(Transaction {
            txn_id: TxnId(txn_id),
            proposed_at_ms: 0,
            asserts,
            writes,
        }))
    }

    fn seal_write(&self, key: &[u8], pending: &Pending) -> Result<Option<Write>, TxnError> {
        let replaces = pending.replaces;
        let Some(plaintext) = &pending.plaintext else {
            // Made and removed within this transaction: nothing stands there to remove.
            let delete = (replaces != 0).then(|| {
                Write::Delete(Delete {
                    key: key.to_vec(),
                    replaces,
                })
            });
            return Ok(delete);
        };
        debug_assert!(plaintext.len() + RECORD_OVERHEAD < TXN_BYTES_MAX);
        let term = self.keys.keyring.active_term();
        let record_key = self.keys.keyring.record_key(term, pending.namespace);
        let record_key = record_key.map_err(|_| TxnError::Sealed)?;
        let context = RecordContext {
            cluster: self.keys.cluster,
            namespace: pending.namespace,
            class: pending.class,
            key,
        };
        let revision = pending.revision + 1;
        let counted = Counted(self.view.position().index);
        let mut entropy = if Mutant::NonceReused.lives() {
            Entropy(&counted)
        } else {
            Entropy(&*self.keys.surroundings)
        };
        let value = holdfast_crypto::seal_record(
            &record_key,
            &context,
            term,
            revision,
            plaintext,
            &mut entropy,
        )
        .map_err(|_| TxnError::TooLarge("value"))?;
        Ok(Some(Write::Put(Put {
            key: key.to_vec(),
            replaces,
            value,
        })))
    }
}

/// A seeded bug: "entropy" made from where the view stands.
struct Counted(u64);

impl Surroundings for Counted {
    fn wall_ms(&self) -> u64 {
        0
    }

    fn fill(&self, buffer: &mut [u8]) {
        let count = self.0.to_le_bytes();
        for (byte, count) in buffer.iter_mut().zip(count.iter().cycle()) {
            *byte = *count;
        }
    }
}

fn revision_of(row: &Row) -> Result<u64, TxnError> {
    RecordHeader::parse(&row.value)
        .map(|header| header.revision)
        .map_err(|_| TxnError::Corrupt("record"))
}
