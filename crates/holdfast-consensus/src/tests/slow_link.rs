//! Links that carry little.

use super::cluster::{Cluster, SOON, eventually, key};
use holdfast_machine::{Command, Put, Replica as _, Transaction, Write};
use holdfast_transport::{Channel, Passage, Verdict};
use holdfast_types::{NodeId, TxnId};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Bytes per second: in the time that a small append is waited for it carries 24 KiB.
const RATE: f64 = 80.0 * 1024.0;
/// What one append carries on such a link at most, with its envelope.
const APPEND_MAX: usize = 68 * 1024;

/// What it missed is more than the link carries in the time that an append is waited for. Sent in one piece it was sent again
/// from its start for ever. One entry cannot be cut: it is waited for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_behind_a_slow_link_catches_up() {
    let cluster = Cluster::memory(3).up().await;
    let leader = cluster.leader().await;
    let behind = 1 + leader % 3;
    cluster.memory_net().isolate(NodeId(behind));
    for i in 0..200 {
        let missed = large(&format!("k{i}"), 1_000, i);
        let done = cluster.node(leader).propose(missed, SOON).await;
        done.expect("the others have it");
    }
    cluster.memory_net().heal();
    let (sent, largest) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let seen = (Arc::clone(&sent), Arc::clone(&largest));
    let slow = move |passage: &Passage| {
        let log = passage.channel == Some(Channel::Log) && !passage.answer;
        if log && passage.to == NodeId(behind) {
            seen.0.fetch_add(passage.size, Ordering::Relaxed);
            seen.1.fetch_max(passage.size, Ordering::Relaxed);
            #[expect(clippy::cast_precision_loss, reason = "sizes of messages are small")]
            let seconds = passage.size as f64 / RATE;
            return Verdict::Delay(Duration::from_secs_f64(seconds));
        }
        Verdict::Deliver
    };
    cluster.memory_net().filter(slow);
    let has = async |name: &str| {
        let view = cluster.node(behind).view().unwrap();
        view.get(&key(name)).unwrap().is_some()
    };
    eventually("the follower has what it missed", async || {
        has("k199").await
    })
    .await;
    let (sent, most) = (&sent, largest.load(Ordering::Relaxed));
    assert!(sent.load(Ordering::Relaxed) > APPEND_MAX, "there was more");
    assert!(most < APPEND_MAX, "{most} bytes at once");

    let large = large("large", 100_000, 200);
    let done = cluster.node(leader).propose(large, SOON).await;
    done.expect("the others have it");
    eventually("one large entry gets through", async || has("large").await).await;
    assert!(largest.load(Ordering::Relaxed) > 100_000);
    cluster.down().await;
}

fn large(name: &str, bytes: usize, number: u8) -> Command {
    Command::Transaction(Transaction {
        txn_id: TxnId([number; 16]),
        proposed_at_ms: 0,
        asserts: Vec::new(),
        writes: vec![Write::Put(Put {
            key: key(name),
            replaces: 0,
            value: vec![0; bytes],
        })],
    })
}
