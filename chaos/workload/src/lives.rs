//! Which life of each node's process it is, as whoever starts the processes knows.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Lives of all nodes, shared by all clones. Each begins with 1.
///
/// The order that keeps samples honest: end the process and see it ended, [`bump`](Self::bump), then start the next.
#[derive(Clone, Debug)]
pub struct Lives(Arc<BTreeMap<u64, AtomicU64>>);

impl Lives {
    /// First lives of these nodes.
    #[must_use]
    pub fn new(nodes: impl IntoIterator<Item = u64>) -> Self {
        Self(Arc::new(
            nodes
                .into_iter()
                .map(|id| (id, AtomicU64::new(1)))
                .collect(),
        ))
    }

    /// A node's next life begins. Gives its number; 0 for a node that is not known.
    pub fn bump(&self, node: u64) -> u64 {
        self.0
            .get(&node)
            .map_or(0, |life| life.fetch_add(1, Ordering::SeqCst) + 1)
    }

    /// A node's present life; 0 for a node that is not known.
    #[must_use]
    pub fn of(&self, node: u64) -> u64 {
        self.0
            .get(&node)
            .map_or(0, |life| life.load(Ordering::SeqCst))
    }
}
