//! Load on a three-node Holdfast cluster: KV v2, 256-byte values, linearizable reads, clients spread over all nodes.

use crate::load;
use crate::report::{CLIENTS, Phases, progress};
use holdfast_tests::Cluster;
use serde_json::json;
use std::time::Duration;

/// Names that are written and read.
const KEYS: u64 = 2_000;

pub(crate) async fn measure(span: Duration) -> anyhow::Result<Phases> {
    let cluster = Cluster::ready_with_tls(3).await;
    let nodes: Vec<_> = (1..=3).map(|id| cluster.root(id)).collect();
    let value = "x".repeat(256);
    for key in 0..KEYS {
        let path = format!("secret/data/bench/{key}");
        let sent = nodes[0].try_send("POST", &path, Some(json!({ "data": { "v": value } })));
        anyhow::ensure!(sent.await?.status == 200, "the first write of key {key}");
    }
    let mut phases = Phases::new();
    for clients in CLIENTS {
        let (to, value) = (nodes.clone(), value.clone());
        let writes = load::run(clients, span, move |client, n| {
            let (node, value) = (to[client % to.len()].clone(), value.clone());
            async move {
                let path = format!("secret/data/bench/{}", n % KEYS);
                let sent = node
                    .try_send("POST", &path, Some(json!({ "data": { "v": value } })))
                    .await;
                sent.is_ok_and(|answer| answer.status == 200)
            }
        });
        phases.insert(("write", clients), writes.await);
        let to = nodes.clone();
        let reads = load::run(clients, span, move |client, n| {
            let node = to[client % to.len()].clone();
            async move {
                let sent = node
                    .try_send("GET", &format!("secret/data/bench/{}", n % KEYS), None)
                    .await;
                sent.is_ok_and(|answer| answer.status == 200)
            }
        });
        phases.insert(("read", clients), reads.await);
        progress(&format!("holdfast, {clients} clients measured"));
    }
    Ok(phases)
}
