//! A node as faults see it. Only [`crate::Grounds`] makes one.

use crate::disk::NodeDisk;
use crate::nemesis::NemesisError;
use crate::process::Process;
use crate::shim::ShimControl;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A node that faults may strike: its process, while it runs, its data, its disk and its shim, if it has them.
#[derive(Clone)]
pub struct Target {
    node: u64,
    process: Option<Process>,
    data_dir: PathBuf,
    disk: Option<Arc<NodeDisk>>,
    shim: Option<Arc<ShimControl>>,
}

impl Target {
    pub(crate) const fn new(node: u64, process: Option<Process>, data_dir: PathBuf) -> Self {
        Self {
            node,
            process,
            data_dir,
            disk: None,
            shim: None,
        }
    }

    /// With the disk that its data directory is on.
    #[must_use]
    pub fn with_disk(mut self, disk: Arc<NodeDisk>) -> Self {
        self.disk = Some(disk);
        self
    }

    /// With the shim that its process was started under.
    #[must_use]
    pub fn with_shim(mut self, shim: Arc<ShimControl>) -> Self {
        self.shim = Some(shim);
        self
    }

    /// The node's number.
    #[must_use]
    pub const fn node(&self) -> u64 {
        self.node
    }

    /// Where its data is.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Its process, which runs.
    pub(crate) fn process(&self) -> Result<Process, NemesisError> {
        self.process
            .filter(Process::runs)
            .ok_or(NemesisError::Lacks {
                node: self.node,
                lacks: "running process",
            })
    }

    /// The process of each target.
    pub(crate) fn processes(targets: &[Self]) -> Result<Vec<(u64, Process)>, NemesisError> {
        targets
            .iter()
            .map(|target| Ok((target.node, target.process()?)))
            .collect()
    }

    /// Refuses while the process runs.
    pub(crate) fn is_down(&self) -> Result<(), NemesisError> {
        match self.process {
            Some(process) if process.runs() => Err(NemesisError::StillRuns { node: self.node }),
            _ => Ok(()),
        }
    }

    pub(crate) fn disk(&self) -> Result<&Arc<NodeDisk>, NemesisError> {
        self.disk.as_ref().ok_or(NemesisError::Lacks {
            node: self.node,
            lacks: "disk of its own",
        })
    }

    /// The disk of each target.
    pub(crate) fn disks(targets: &[Self]) -> Result<Vec<(u64, Arc<NodeDisk>)>, NemesisError> {
        targets
            .iter()
            .map(|target| Ok((target.node, Arc::clone(target.disk()?))))
            .collect()
    }

    pub(crate) fn shim(&self) -> Result<&Arc<ShimControl>, NemesisError> {
        self.shim.as_ref().ok_or(NemesisError::Lacks {
            node: self.node,
            lacks: "shim",
        })
    }
}
