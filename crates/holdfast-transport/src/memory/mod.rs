//! The in-memory twin: the same contract inside one process, over links that a test can cut, delay and make lossy.
//!
//! Deterministic under tokio's paused clock on one thread: nothing here reads a clock or a random number, and what is lost is
//! decided by counters or by the test's own filter.

mod frames;
mod links;
mod transport;

pub use links::{Passage, Verdict};
pub use transport::MemoryTransport;

use crate::settings::Settings;
use holdfast_types::NodeId;
use links::Links;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use transport::Node;

/// A network inside one process. Clones share it.
#[derive(Clone)]
pub struct MemoryNetwork {
    hub: Arc<Hub>,
}

/// What all nodes of a network share.
struct Hub {
    settings: Settings,
    nodes: Mutex<BTreeMap<NodeId, Arc<Node>>>,
    links: Mutex<Links>,
}

impl Default for MemoryNetwork {
    fn default() -> Self {
        Self::new(Settings::default())
    }
}

impl MemoryNetwork {
    /// An empty network with whole links and no delay.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            hub: Arc::new(Hub {
                settings,
                nodes: Mutex::default(),
                links: Mutex::default(),
            }),
        }
    }

    /// Brings a node up. An earlier transport of the same node is cut off as if its process had died.
    #[must_use]
    pub fn join(&self, id: NodeId) -> Arc<MemoryTransport> {
        let node = Arc::new(Node::new(id, self.hub.settings.clone()));
        let earlier = self.hub.nodes.lock().insert(id, node.clone());
        if let Some(earlier) = earlier {
            earlier.die();
        }
        Arc::new(MemoryTransport::new(node, self.hub.clone()))
    }

    /// Ends a node as a crash would: its handlers stop where they are, its peers are not told.
    pub fn crash(&self, id: NodeId) {
        let node = self.hub.nodes.lock().remove(&id);
        if let Some(node) = node {
            node.die();
        }
    }

    /// Loses everything that goes from one node to another, until healed. Calls over it end in their timeout, also when only
    /// the way back is cut.
    pub fn cut(&self, from: NodeId, to: NodeId) {
        self.hub.links.lock().link(from, to).cut = true;
    }

    /// Cuts both directions between two nodes.
    pub fn cut_both(&self, a: NodeId, b: NodeId) {
        self.cut(a, b);
        self.cut(b, a);
    }

    /// Cuts a node off from every node that has joined.
    pub fn isolate(&self, node: NodeId) {
        let others: Vec<NodeId> = self.hub.nodes.lock().keys().copied().collect();
        for other in others {
            if other != node {
                self.cut_both(node, other);
            }
        }
    }

    /// Delays everything that goes from one node to another.
    pub fn delay(&self, from: NodeId, to: NodeId, delay: Duration) {
        self.hub.links.lock().link(from, to).delay = delay;
    }

    /// Loses every n-th message or frame from one node to another (1: all, 0: none).
    pub fn lose_every(&self, from: NodeId, to: NodeId, n: u32) {
        self.hub.links.lock().link(from, to).lose_every = n;
    }

    /// Asks `filter` about everything that passes, after the links' own rules. A simulator decides here from its seed.
    pub fn filter(&self, filter: impl Fn(&Passage) -> Verdict + Send + 'static) {
        self.hub.links.lock().filter = Some(Box::new(filter));
    }

    /// Makes every link whole, immediate and lossless again and takes the filter away.
    pub fn heal(&self) {
        *self.hub.links.lock() = Links::default();
    }

    /// Makes the two directions between two nodes whole, immediate and lossless again.
    pub fn heal_between(&self, a: NodeId, b: NodeId) {
        self.hub.links.lock().reset(a, b);
    }
}
