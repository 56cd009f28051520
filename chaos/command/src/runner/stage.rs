//! Where a run happens: the folder, the links between nodes, and the cluster.

use super::plan::Setting;
use crate::cluster::{Cluster, Draft};
use crate::scenario::ClusterShape;
use anyhow::Context;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Everything that runs. Dropped, it is gone.
pub(crate) struct Stage {
    // Order matters when it is dropped: processes end before their folder goes.
    pub(crate) cluster: Cluster,
    folder: PathBuf,
    _temporary: Option<TempDir>,
}

impl Stage {
    /// Makes the folder, the links and the configured cluster; nothing is started.
    pub(crate) fn set(shape: ClusterShape, setting: &Setting) -> anyhow::Result<Self> {
        let temporary = tempfile::Builder::new()
            .prefix("holdfast-chaos-")
            .tempdir()
            .context("making a temporary folder")?;
        let (folder, temporary) = if setting.keep {
            (temporary.keep(), None)
        } else {
            (temporary.path().to_owned(), Some(temporary))
        };
        let draft = Draft::new(&folder, shape)?;
        let listens: Vec<(u64, std::net::SocketAddr)> = draft
            .places()
            .iter()
            .map(|place| (place.id, place.peer_listen))
            .collect();
        let advertised = |id: u64| {
            listens
                .iter()
                .find_map(|(node, at)| (*node == id).then_some(*at))
                .expect("every node has a place")
        };
        let (places, ca_pem) = draft.configure(&setting.binary, advertised)?;
        Ok(Self {
            cluster: Cluster::new(places, &setting.binary, ca_pem)?,
            folder,
            _temporary: temporary,
        })
    }

    /// Where everything lies.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }
}
