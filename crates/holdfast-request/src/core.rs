//! The pipeline's parts, put together once for each node.

use crate::metrics::Metrics;
use holdfast_barrier::Barrier;
use std::sync::Arc;

/// What a node says of itself.
#[derive(Clone, Debug)]
pub struct NodeInfo {
    /// Strict SemVer; clients gate features on it.
    pub version: String,
    /// Shown name of the cluster, used when it is initialised.
    pub cluster_name: String,
}

/// The request pipeline of one node.
pub struct Core {
    barrier: Arc<Barrier>,
    info: NodeInfo,
    metrics: Metrics,
}

impl Core {
    /// A pipeline over a barrier.
    #[must_use]
    pub fn new(barrier: Arc<Barrier>, info: NodeInfo) -> Self {
        Self {
            barrier,
            info,
            metrics: Metrics::new(),
        }
    }

    /// The barrier below.
    #[must_use]
    pub fn barrier(&self) -> &Barrier {
        &self.barrier
    }

    pub(crate) fn shared_barrier(&self) -> Arc<Barrier> {
        Arc::clone(&self.barrier)
    }

    pub(crate) const fn info(&self) -> &NodeInfo {
        &self.info
    }

    pub(crate) const fn metrics(&self) -> &Metrics {
        &self.metrics
    }
}
