//! Opening a data directory.

use crate::log::LogStore;
use crate::options::Options;
use crate::state::StateStore;
use holdfast_types::StoreId;
use std::path::Path;
use std::sync::Arc;

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
    #[error("{path} must be reachable by its owner only; run: {remedy}")]
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
        "the data directory is corrupt: {0}. Remove this node from the cluster, empty the directory and add it again under a new node id"
    )]
    Corrupt(String),
    /// The operating system refused.
    #[error("opening the data directory: {0}")]
    Io(String),
}

/// Opens a data directory, making it when it is empty.
///
/// # Errors
/// When it is foreign, corrupt, in use, or open to others. A directory that lost data opens, in quarantine.
pub fn open(dir: &Path, options: &Options) -> Result<Stores, OpenError> {
    let _ = options;
    Err(OpenError::Io(format!("{} is not built yet", dir.display())))
}
