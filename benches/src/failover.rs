//! Start, idle memory, and how long a killed leader is missed.

use crate::report::{Process, progress};
use holdfast_tests::{Cluster, until};
use serde_json::json;
use std::time::{Duration, Instant};

/// Kills the leader again and again; gives process figures and the milliseconds from each kill to the first acknowledged
/// write through a survivor.
pub(crate) async fn measure(kills: usize) -> anyhow::Result<(Process, Vec<f64>)> {
    let mut cluster = Cluster::ready(3).await;
    let mut idle_mib: f64 = 0.0;
    for node in &cluster.nodes {
        idle_mib = idle_mib.max(resident_mib(node.pid())?);
    }
    let (mut starts, mut gaps) = (Vec::new(), Vec::new());
    for round in 0..kills {
        let leader = cluster.leader().await;
        let survivors: Vec<_> = cluster
            .followers()
            .await
            .into_iter()
            .map(|id| cluster.root(id))
            .collect();
        let killed = Instant::now();
        cluster.node(leader).kill();
        let path = format!("secret/data/failover/{round}");
        until(
            "the first acknowledged write",
            Duration::from_secs(30),
            || {
                let (survivor, path) = (survivors[round % survivors.len()].clone(), path.clone());
                async move {
                    match survivor
                        .try_send("POST", &path, Some(json!({ "data": { "n": 1 } })))
                        .await
                    {
                        Ok(answer) if answer.status == 200 => Ok(()),
                        Ok(answer) => Err(answer.text),
                        Err(error) => Err(error.to_string()),
                    }
                }
            },
        )
        .await;
        gaps.push(killed.elapsed().as_secs_f64() * 1000.0);
        let started = Instant::now();
        cluster.start(leader).await;
        starts.push(started.elapsed().as_secs_f64() * 1000.0);
        cluster.unseal(leader).await;
        progress(&format!("leader kill {} of {kills} measured", round + 1));
    }
    starts.sort_unstable_by(f64::total_cmp);
    let start_ms = starts.get(starts.len() / 2).copied().unwrap_or_default();
    Ok((Process { idle_mib, start_ms }, gaps))
}

fn resident_mib(pid: u32) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: f64 = line
        .and_then(|line| line.split_whitespace().next())
        .unwrap_or("0")
        .parse()?;
    Ok(kib / 1024.0)
}
