//! A disk that fails where nobody waits for it.

use super::cluster::{Cluster, SOON, eventually};
use crate::start::Consensus;
use holdfast_store::memory::MemoryDisk;
use holdfast_types::StoreId;

/// The committed mark is written and answered to nobody. A node whose log failed there could neither vote nor write, and would
/// not know it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_fails_unanswered_ends_the_node() {
    let mut cluster = Cluster::memory(1);
    let disk = MemoryDisk::new(StoreId([7; 16]));
    let options = holdfast_store::Options::default();
    let stores = disk.open(&options, |task| drop(tokio::spawn(task)));
    let mut options = cluster.options(1).await;
    options.stores = stores.unwrap();
    let node = Consensus::start(options).await.unwrap();
    cluster.nodes.insert(1, node);
    cluster.put(1, "a", 1).await;
    eventually("nothing is left to write", async || {
        crate::records::of(&cluster.node(1).inner, 1).is_ok_and(|record| record.is_some())
    })
    .await;
    disk.fail_write(0);
    let log = &cluster.node(1).inner.log;
    let committed = log.committed();
    log.save_committed(committed).expect("it is queued");
    let why = tokio::time::timeout(SOON, cluster.node(1).fatal()).await;
    let why = why.expect("it asks to be ended");
    // Not by a later write that somebody did wait for.
    assert!(why.starts_with("storage failed: writing the log"), "{why}");
    cluster.down().await;
}
