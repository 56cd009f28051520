//! Opening a data directory.
//!
//! ```text
//! <data>/LOCK        held while a process has the directory open
//! <data>/store-id    format and identity; written last when a directory is made
//! <data>/watermark   what the log has promised
//! <data>/log/        RocksDB
//! <data>/state/      `current` and one numbered RocksDB directory per generation
//! <data>/snapshots/  complete and incoming snapshots
//! ```
//! Directories are made 0700 and the files named here 0600; what RocksDB makes lies inside such directories.

use crate::disk::Disk;
use crate::fault::Faults;
use crate::files;
use crate::local::Local;
use crate::log::{self, LogStore};
use crate::options::Options;
use crate::snapshot::Shelf;
use crate::state::{StateStore, open_state};
use crate::watermark::{Found, Mark, Watermark};
use holdfast_types::StoreId;
use std::io;
use std::path::Path;
use std::sync::Arc;

const IDENTITY_FILE: &str = "store-id";
const IDENTITY_HEAD: &str = "holdfast data directory, format 1\n";

/// An open data directory.
pub struct Stores {
    /// The log.
    pub log: Arc<LogStore>,
    /// The state.
    pub state: Arc<StateStore>,
    /// Identity of this directory, random, made when it was first opened.
    pub store_id: StoreId,
    /// No vote, entry or state was ever saved here.
    pub pristine: bool,
    /// Why this node must not vote; every write is then refused.
    pub quarantine: Option<Quarantine>,
}

/// The directory has lost something that was promised durable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this node's data directory has lost acknowledged data ({what}); it must not vote again. \
     Remove this node from the cluster, empty the directory and add it again under a new node id"
)]
pub struct Quarantine {
    /// What is missing, for operators.
    pub what: String,
}

/// Why a data directory cannot be opened.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Others can reach it, or it is not ours.
    #[error("{path} must be owned by this user and closed to others; run: {remedy}")]
    Permissions {
        /// The file or directory.
        path: String,
        /// The command that repairs it.
        remedy: String,
    },
    /// Another process has it open.
    #[error("the data directory is in use by another process")]
    InUse,
    /// It holds something else, or was written by a newer version.
    #[error("this is not a data directory of this version: {0}")]
    Foreign(String),
    /// It cannot be read back. The node must be replaced.
    #[error(
        "the data directory is corrupt: {0}. Remove this node from the cluster, empty the \
         directory and add it again under a new node id"
    )]
    Corrupt(String),
    /// The operating system refused.
    #[error("opening the data directory: {0}")]
    Io(String),
}

impl From<io::Error> for OpenError {
    fn from(error: io::Error) -> Self {
        Self::Io(error.to_string())
    }
}

/// Opens a data directory, making it when it is empty. Blocks on the disk.
///
/// # Errors
/// When it is foreign, corrupt, in use, or open to others. A directory that lost data opens, in quarantine.
pub fn open(dir: &Path, options: &Options) -> Result<Stores, OpenError> {
    let disk: Arc<dyn Disk> = Arc::new(Local::new(options));
    open_on(&disk, dir, options)
}

/// Opens a data directory of any disk.
pub(crate) fn open_on(
    disk: &Arc<dyn Disk>,
    dir: &Path,
    options: &Options,
) -> Result<Stores, OpenError> {
    disk.make_or_check_dir(dir)?;
    let lock = disk.lock(&dir.join("LOCK"))?;
    let identity = read_identity(&**disk, dir)?;
    if identity.is_none() {
        check_unused(&**disk, dir)?;
    }
    let store_id = match identity {
        Some(store_id) => store_id,
        None => disk.new_store_id()?,
    };
    for part in ["log", "state", "snapshots"] {
        disk.make_or_check_dir(&dir.join(part))?;
    }
    let faults = Arc::new(Faults::new(lock));
    let found = find_watermark(&**disk, &dir.join("watermark"), identity, store_id)?;
    let recovered = log::recover(disk, &dir.join("log"), options, found, &faults)?;
    let root = dir.join("state");
    let applier = open_state(disk, &root, identity.is_none())?;
    let purged = recovered.log.bounds().purged.map(|purged| purged.index);
    let applied = &applier.applied;
    let applied_index = applied.log_id.as_ref().map(|_| applied.position.index);
    let quarantine = recovered
        .quarantine
        .or_else(|| behind(applied_index, purged));
    let pristine = recovered.pristine && applied_index.is_none() && quarantine.is_none();
    let shelf = Shelf::open(disk, &dir.join("snapshots"))?;
    let state = StateStore::new(disk, &root, &faults, applier, shelf);
    if identity.is_none() {
        write_identity(&**disk, dir, store_id)?;
    }
    if let Some(why) = &quarantine {
        tracing::error!(%why, "quarantined");
        faults.refuse(why);
    }
    Ok(Stores {
        log: Arc::new(recovered.log),
        state: Arc::new(state),
        store_id,
        pristine,
        quarantine,
    })
}

fn find_watermark(
    disk: &dyn Disk,
    path: &Path,
    identity: Option<StoreId>,
    store_id: StoreId,
) -> Result<Found, OpenError> {
    if identity.is_none() {
        let made = Watermark::create(disk, path, store_id)?;
        return Ok(Found::Mark(made, Mark::default()));
    }
    disk.check_private(path)?;
    Ok(Watermark::load(disk, path, store_id)?)
}

/// The log no longer has the entries that the state would need.
fn behind(applied: Option<u64>, purged: Option<u64>) -> Option<Quarantine> {
    let purged = purged?;
    let what = match applied {
        Some(applied) if applied >= purged => return None,
        Some(applied) => format!("the state ends at entry {applied}"),
        None => "the state is empty".to_owned(),
    };
    Some(Quarantine {
        what: format!("{what} and the log begins after entry {purged}"),
    })
}

fn read_identity(disk: &dyn Disk, dir: &Path) -> Result<Option<StoreId>, OpenError> {
    let path = dir.join(IDENTITY_FILE);
    disk.check_private(&path)?;
    let Some(content) = files::read_if_there(disk, &path)? else {
        return Ok(None);
    };
    std::str::from_utf8(&content)
        .ok()
        .and_then(|text| text.strip_prefix(IDENTITY_HEAD)?.trim_end().parse().ok())
        .map(Some)
        .ok_or_else(|| OpenError::Foreign("store-id has an unknown format".to_owned()))
}

fn write_identity(disk: &dyn Disk, dir: &Path, store_id: StoreId) -> io::Result<()> {
    let content = format!("{IDENTITY_HEAD}{store_id}\n");
    files::replace_file(disk, &dir.join(IDENTITY_FILE), content.as_bytes())
}

/// A directory without identity is empty, or was being made when the process died.
fn check_unused(disk: &dyn Disk, dir: &Path) -> Result<(), OpenError> {
    const OURS: [&str; 6] = [
        "LOCK",
        "log",
        "state",
        "snapshots",
        "watermark",
        "store-id.new",
    ];
    for entry in disk.list(dir)? {
        if !OURS.contains(&entry.name.as_str()) {
            let text = "it holds other files and no store-id".to_owned();
            return Err(OpenError::Foreign(text));
        }
    }
    // Its parts may exist, but nothing was ever written through them: the watermark would say so.
    if Watermark::has_promised(disk, &dir.join("watermark"))? {
        let text = "its store-id is missing but it was in use".to_owned();
        return Err(OpenError::Foreign(text));
    }
    Ok(())
}
