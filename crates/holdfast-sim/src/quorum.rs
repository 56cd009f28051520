//! What is committed lies on the disks of a quorum, synced, at the moment anybody knows it to be committed.

use crate::ledger;
use crate::node::Node;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

/// The first of these entries that too few disks hold. A cluster never has more than one member more or less than it was
/// made with, an odd number, and of one fewer a quorum is as large.
pub(crate) fn missed(
    nodes: &BTreeMap<u64, Node>,
    size: u64,
    committed: &[(u64, [u8; 32])],
) -> Option<String> {
    let lied = |node: &Node| node.lied.load(Ordering::Relaxed);
    if nodes.values().any(lied) {
        // A disk that lies holds less than its node was told.
        return None;
    }
    let quorum = size / 2 + 1;
    committed.iter().find_map(|(index, hash)| {
        let holders = nodes.values().filter(|node| holds(node, *index, hash));
        let holders: Vec<u64> = holders.map(|node| node.id).collect();
        let few = (holders.len() as u64) < quorum;
        few.then(|| {
            format!(
                "entry {index} is committed, and of {size} disks only those of {holders:?} hold it"
            )
        })
    })
}

/// Whether it would be there after a crash, in the log or in what a checkpoint of the state made superfluous.
fn holds(node: &Node, index: u64, hash: &[u8; 32]) -> bool {
    let log = node.disk.durable_log_within(index..index + 1);
    let purged = log.purged.is_some_and(|purged| purged.index >= index);
    let mut entries = log.entries.iter();
    purged || entries.any(|(_, bytes)| ledger::hash(bytes) == *hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::NodeClock;
    use holdfast_store::memory::Lies;
    use std::sync::Arc;
    use tokio::time::Instant;

    fn empty(id: u64) -> (u64, Node) {
        let clock = Arc::new(NodeClock::new(Instant::now()));
        (id, Node::new(1, id, Vec::new(), clock))
    }

    #[test]
    fn an_entry_that_lies_nowhere_is_not_committed() {
        let nodes: BTreeMap<u64, Node> = (1..=3).map(empty).collect();
        let found = missed(&nodes, 3, &[(7, [0; 32])]);
        assert!(found.is_some_and(|what| what.contains("entry 7 is committed")));
        assert_eq!(missed(&nodes, 3, &[]), None);
        nodes[&2].lie(Lies {
            log: true,
            watermark: false,
        });
        assert_eq!(missed(&nodes, 3, &[(7, [0; 32])]), None);
    }
}
