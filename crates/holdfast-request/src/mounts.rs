//! The mount table: one record for each mount, under its path, so that finding one costs one read and no table is ever
//! too large for a record.
//!
//! A mount never lies within another. Every change also writes the table's generation, so that two changes that could
//! break this rule together conflict.

use holdfast_barrier::{Name, Stored, Txn, TxnError};
use holdfast_contract::{EngineKind, MountView, Refusal};
use holdfast_types::limits::{PATH_SEGMENTS_MAX, TXN_ASSERTS_MAX};
use holdfast_types::{CanonPath, Class, MountId, NamespaceId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Default and longest lease of the system, seconds: 768 hours.
pub(crate) const SYSTEM_LEASE_S: u64 = 768 * 3600;
/// Deepest path a mount may have.
const MOUNT_SEGMENTS_MAX: usize = 16;
const _: () = assert!(MOUNT_SEGMENTS_MAX < PATH_SEGMENTS_MAX);
/// Most mounts of a namespace: all are listed in one transaction.
const MOUNTS_MAX: usize = 2_000;
const _: () = assert!(
    MOUNTS_MAX * 2 <= TXN_ASSERTS_MAX,
    "all mounts fit a transaction"
);

/// One mount of an engine.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct MountEntry {
    pub(crate) id: MountId,
    /// With a trailing slash.
    pub(crate) path: String,
    /// Name of the engine's kind.
    pub(crate) kind: String,
    /// Version among kinds of one name; empty when there is one only.
    pub(crate) version: String,
    pub(crate) accessor: String,
    pub(crate) description: String,
    pub(crate) options: Vec<(String, String)>,
    /// 0 = the system's.
    pub(crate) default_lease_s: u64,
    /// 0 = the system's.
    pub(crate) max_lease_s: u64,
    /// `unauth`, `hidden` or empty.
    pub(crate) listing_visibility: String,
    pub(crate) created_ms: u64,
    /// Comes with the product and can be neither moved nor removed.
    pub(crate) builtin: bool,
}

impl Stored for MountEntry {
    const VERSION: u8 = 1;
}

#[derive(Serialize, Deserialize)]
struct Generation(u64);

impl Stored for Generation {
    const VERSION: u8 = 1;
}

impl MountEntry {
    /// A new mount with the defaults.
    pub(crate) fn new(txn: &Txn, path: &str, kind: &EngineKind) -> Self {
        let mut id = [0; 16];
        txn.fill_random(&mut id);
        let mut tail = [0; 4];
        txn.fill_random(&mut tail);
        let options = if kind.version.is_empty() {
            Vec::new()
        } else {
            vec![("version".to_owned(), kind.version.to_owned())]
        };
        Self {
            id: MountId(id),
            path: format!("{path}/"),
            kind: kind.name.to_owned(),
            version: kind.version.to_owned(),
            accessor: format!("{}_{}", kind.name, hex::encode(tail)),
            description: String::new(),
            options,
            default_lease_s: 0,
            max_lease_s: 0,
            listing_visibility: String::new(),
            created_ms: txn.stamp_ms(),
            builtin: false,
        }
    }

    /// The engine behind it.
    pub(crate) fn engine(&self) -> Option<&'static EngineKind> {
        holdfast_engines::find(&self.kind, &self.version)
    }

    /// As handlers see it.
    pub(crate) fn view(&self) -> MountView {
        let or_system = |seconds: u64| {
            if seconds == 0 {
                SYSTEM_LEASE_S
            } else {
                seconds
            }
        };
        MountView {
            id: self.id,
            path: self.path.clone(),
            options: self.options.clone(),
            default_lease_s: or_system(self.default_lease_s),
            max_lease_s: or_system(self.max_lease_s),
        }
    }
}

fn table(namespace: NamespaceId) -> Name {
    Name::new(namespace, Class::Mount).with("logical")
}

fn generation(namespace: NamespaceId) -> Name {
    Name::new(namespace, Class::Mount).with("generation")
}

fn entry_name(namespace: NamespaceId, path: &str) -> Name {
    table(namespace).with_all(path.split('/').filter(|segment| !segment.is_empty()))
}

/// The mount that a path lies in, and the rest of the path.
pub(crate) fn find(
    txn: &mut Txn,
    namespace: NamespaceId,
    path: &CanonPath,
) -> Result<Option<(Arc<MountEntry>, CanonPath)>, TxnError> {
    let mut prefix = String::new();
    for segment in path.segments().take(MOUNT_SEGMENTS_MAX) {
        if !prefix.is_empty() {
            prefix.push('/');
        }
        prefix.push_str(segment);
        if let Some(entry) = txn.load::<MountEntry>(&entry_name(namespace, &prefix))? {
            let rest = path
                .strip_prefix(&prefix)
                .ok_or(TxnError::Corrupt("mount"))?;
            return Ok(Some((entry, rest)));
        }
    }
    Ok(None)
}

/// The mount at exactly this path.
pub(crate) fn at(
    txn: &mut Txn,
    namespace: NamespaceId,
    path: &str,
) -> Result<Option<Arc<MountEntry>>, TxnError> {
    txn.load(&entry_name(namespace, path))
}

/// All mounts, by path.
pub(crate) fn all(txn: &mut Txn, namespace: NamespaceId) -> Result<Vec<Arc<MountEntry>>, TxnError> {
    let mut entries = Vec::new();
    for path in txn.walk(&table(namespace), usize::MAX)? {
        entries.extend(at(txn, namespace, &path)?);
    }
    Ok(entries)
}

/// Adds a mount.
pub(crate) fn add(
    txn: &mut Txn,
    namespace: NamespaceId,
    entry: &MountEntry,
) -> Result<(), Refusal> {
    let path = entry.path.trim_end_matches('/');
    let canon = CanonPath::parse(path).map_err(|why| Refusal::field("path", &why.to_string()))?;
    if canon.segments().count() > MOUNT_SEGMENTS_MAX {
        return Err(Refusal::field("path", "has too many segments for a mount"));
    }
    if let Some((taken, _)) = find(txn, namespace, &canon)? {
        return Err(Refusal::Invalid(format!(
            "path is already in use at {}",
            taken.path
        )));
    }
    if txn.count_below(&entry_name(namespace, path), 1)? > 0 {
        return Err(Refusal::Invalid(format!(
            "existing mount at {}/ or below it",
            canon.as_str()
        )));
    }
    if txn.count_below(&table(namespace), MOUNTS_MAX)? >= MOUNTS_MAX {
        return Err(Refusal::Invalid(format!(
            "there are {MOUNTS_MAX} mounts, which is the most there can be"
        )));
    }
    touch(txn, namespace)?;
    txn.store(&entry_name(namespace, path), entry)?;
    Ok(())
}

/// Replaces a mount's settings.
pub(crate) fn replace(
    txn: &mut Txn,
    namespace: NamespaceId,
    entry: &MountEntry,
) -> Result<(), TxnError> {
    txn.store(&entry_name(namespace, &entry.path), entry)
}

/// Removes a mount. Its data is swept afterwards, see [`sweep`].
pub(crate) fn remove(
    txn: &mut Txn,
    namespace: NamespaceId,
    entry: &MountEntry,
) -> Result<(), TxnError> {
    touch(txn, namespace)?;
    txn.delete(&entry_name(namespace, &entry.path))?;
    txn.store(&sweep_name(namespace, entry.id), &Sweep { id: entry.id })
}

fn touch(txn: &mut Txn, namespace: NamespaceId) -> Result<(), TxnError> {
    let name = generation(namespace);
    let count = txn
        .load::<Generation>(&name)?
        .map_or(0, |generation| generation.0);
    txn.store(&name, &Generation(count + 1))
}

/// Data of a removed mount that is still to be deleted.
#[derive(Serialize, Deserialize)]
struct Sweep {
    id: MountId,
}

impl Stored for Sweep {
    const VERSION: u8 = 1;
}

/// Records deleted by one sweeping transaction.
const SWEEP_ROWS: usize = 1_000;

fn sweep_name(namespace: NamespaceId, id: MountId) -> Name {
    Name::new(namespace, Class::Config)
        .with("sweep")
        .with(id.to_string())
}

/// One step of deleting what removed mounts left. Returns whether there was anything to do.
pub(crate) fn sweep(txn: &mut Txn, namespace: NamespaceId) -> Result<bool, TxnError> {
    let waiting = txn.some_below(&Name::new(namespace, Class::Config).with("sweep"), 1)?;
    let Some(first) = waiting.first() else {
        return Ok(false);
    };
    let Ok(id) = first.parse::<MountId>() else {
        return Err(TxnError::Corrupt("sweep"));
    };
    let data = Name::new(namespace, Class::Engine).with(id.to_string());
    if txn.delete_below(&data, SWEEP_ROWS)? < SWEEP_ROWS {
        txn.delete(&sweep_name(namespace, id))?;
    }
    Ok(true)
}
