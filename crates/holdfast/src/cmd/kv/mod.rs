//! `holdfast kv`: secrets in a KV mount of either version. The mount is asked for its version before each command, so that paths
//! are written the same way for both.

mod located;
mod metadata;
mod read;
mod write;

use crate::failure::Failure;
use crate::session::Session;
use clap::{Args, Subcommand};

#[derive(Subcommand)]
pub(crate) enum Kv {
    Get(read::Get),
    Put(write::Put),
    Patch(write::Patch),
    Delete(write::Delete),
    Undelete(write::Undelete),
    Destroy(write::Destroy),
    List(read::List),
    /// What is known about a secret beside its value (version 2).
    #[command(subcommand)]
    Metadata(metadata::Metadata),
}

/// Which secret.
#[derive(Args)]
pub(crate) struct Place {
    /// Path with the mount, such as secret/app/db; without it when --mount is given.
    path: String,
    /// The mount, when the path is written without it.
    #[arg(long, value_name = "MOUNT")]
    mount: Option<String>,
}

impl Kv {
    pub(crate) async fn run(self, at: &Session) -> Result<(), Failure> {
        match self {
            Self::Get(command) => command.run(at).await,
            Self::Put(command) => command.run(at).await,
            Self::Patch(command) => command.run(at).await,
            Self::Delete(command) => command.run(at).await,
            Self::Undelete(command) => command.run(at).await,
            Self::Destroy(command) => command.run(at).await,
            Self::List(command) => command.run(at).await,
            Self::Metadata(command) => command.run(at).await,
        }
    }
}
