//! `holdfast status`: the seal and the leader as one node sees them.

use crate::cli::EXIT_REFUSED;
use crate::failure::Failure;
use crate::session::Session;
use holdfast_client::Request;
use serde_json::{Map, Value as Json};
use std::process::ExitCode;

/// What is shown of the seal, in order, with its label.
const SEAL: [(&str, &str); 10] = [
    ("type", "Seal type"),
    ("initialized", "Initialized"),
    ("sealed", "Sealed"),
    ("n", "Shares"),
    ("t", "Threshold"),
    ("progress", "Shares given"),
    ("version", "Version"),
    ("storage_type", "Storage"),
    ("cluster_name", "Cluster name"),
    ("cluster_id", "Cluster id"),
];
const LEADER: [(&str, &str); 4] = [
    ("leader_address", "Leader"),
    ("is_self", "This node leads"),
    ("raft_committed_index", "Committed index"),
    ("raft_applied_index", "Applied index"),
];

pub(crate) async fn run(at: &Session) -> Result<ExitCode, Failure> {
    let seal = at
        .call(Request::get("sys/seal-status"))
        .await?
        .body
        .unwrap_or_default();
    let sealed = seal.get("sealed").and_then(Json::as_bool).unwrap_or(true);
    if at.out.is_json() {
        at.out.json(&seal)?;
    } else {
        let mut shown = Map::new();
        select(&mut shown, &seal, &SEAL);
        // Who leads is a courtesy: the seal's state is told without it too.
        if let Ok(leader) = at.client.call(Request::get("sys/leader")).await {
            select(&mut shown, &leader.body.unwrap_or_default(), &LEADER);
        }
        at.out.pairs(&shown)?;
    }
    Ok(if sealed {
        ExitCode::from(EXIT_REFUSED)
    } else {
        ExitCode::SUCCESS
    })
}

/// The members of `from` that have something to say, under their labels.
pub(crate) fn select(shown: &mut Map<String, Json>, from: &Json, labels: &[(&str, &str)]) {
    for (name, label) in labels {
        match from.get(name) {
            None | Some(Json::Null) => {}
            Some(Json::String(text)) if text.is_empty() => {}
            Some(value) => {
                shown.insert((*label).to_owned(), value.clone());
            }
        }
    }
}
