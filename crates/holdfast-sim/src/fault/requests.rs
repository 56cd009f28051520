//! What is asked of a node in the background while things go wrong: to seal, to hand over, to open.

use crate::ask::{Ask, ask, refused};
use crate::cluster::Cluster;
use holdfast_check::{Action, Outcome, Seen};
use holdfast_contract::Operation;
use std::time::Duration;

/// Asks a node to seal the cluster, in the background.
pub(super) fn seal(cluster: Cluster, id: u64, fault: usize) {
    tokio::spawn(async move {
        let entry = cluster.open_entry(0, id, Action::Seal);
        let root = cluster.keys.lock().root.clone();
        let request = Ask::new(Operation::Write, "sys/seal", Some(&root));
        let outcome = match cluster.door(id) {
            None => Outcome::Unavailable,
            Some(door) => match ask(&door, request).await.map(|answer| answer.result) {
                Some(Ok(_)) => Outcome::Ok(Seen::default()),
                Some(Err(refusal)) => refused(&refusal, true),
                None => Outcome::Unknown,
            },
        };
        if matches!(outcome, Outcome::Ok(_)) {
            cluster.bitten.lock().insert(fault);
        }
        cluster.close_entry(entry, outcome);
    });
}

pub(super) fn step_down(cluster: Cluster, id: u64, fault: usize) {
    tokio::spawn(async move {
        let root = cluster.keys.lock().root.clone();
        let request = Ask::new(Operation::Write, "sys/step-down", Some(&root));
        let Some(door) = cluster.door(id) else {
            return;
        };
        let answer = ask(&door, request).await;
        if answer.is_some_and(|answer| answer.result.is_ok()) {
            cluster.bitten.lock().insert(fault);
        }
    });
}

/// Opens a node as soon as it can be opened.
pub(crate) async fn open(cluster: Cluster, id: u64) {
    for _ in 0..20 {
        if cluster.door(id).is_none() || cluster.unseal(id).await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}
