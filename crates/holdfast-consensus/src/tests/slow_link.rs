//! Links that carry little.

use super::cluster::{Cluster, eventually};
use holdfast_transport::{Channel, Passage, Verdict};
use holdfast_types::NodeId;
use std::time::Duration;

/// Bytes per second: in the time that an append is waited for it carries 24 KiB.
const RATE: f64 = 80.0 * 1024.0;

/// What it missed is more than the link carries in the time that an append is waited for. Sent in one piece it was sent again
/// from its start for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_behind_a_slow_link_catches_up() {
    let cluster = Cluster::memory(3).up().await;
    let leader = cluster.leader().await;
    let behind = 1 + leader % 3;
    cluster.memory_net().isolate(NodeId(behind));
    for i in 0..1_000 {
        cluster.put(leader, &format!("k{i}"), i).await;
    }
    cluster.memory_net().heal();
    let slow = move |passage: &Passage| {
        let log = passage.channel == Some(Channel::Log) && !passage.answer;
        if log && passage.to == NodeId(behind) {
            #[expect(clippy::cast_precision_loss, reason = "sizes of messages are small")]
            let seconds = passage.size as f64 / RATE;
            return Verdict::Delay(Duration::from_secs_f64(seconds));
        }
        Verdict::Deliver
    };
    cluster.memory_net().filter(slow);
    eventually("the follower has what it missed", async || {
        cluster.local(behind, "k999") == Some(999)
    })
    .await;
    cluster.down().await;
}
