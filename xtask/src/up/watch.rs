//! While the cluster runs: one line for each thing that changes, looked at once a second.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::json;

use super::Stop;
use super::files::{NodeFiles, StateDir};
use super::http::Http;
use super::nodes::Nodes;
use crate::progress::duration;

const PERIOD: Duration = Duration::from_secs(1);
/// How soon Ctrl-C is seen.
const STOP_POLL: Duration = Duration::from_millis(50);

/// What one look at the cluster showed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Seen {
    leader: Option<u64>,
    nodes: BTreeMap<u64, Condition>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    Unsealed,
    Sealed,
    /// Runs and gives no answer, or does not run.
    Silent,
}

/// Reports changes until asked to stop; an error when no node is left.
pub(crate) fn until_stopped(
    state: &StateDir,
    nodes: &mut Nodes,
    stop: &Stop,
    leader: u64,
) -> Result<()> {
    let started = Instant::now();
    let all = state
        .nodes
        .iter()
        .map(|node| (node.id, Condition::Unsealed));
    let mut before = Seen {
        leader: Some(leader),
        nodes: all.collect(),
    };
    while pause(stop) {
        let say = |event: String| println!("{:>12}  {event}", duration(started.elapsed()));
        for (id, status) in nodes.newly_ended() {
            say(format!(
                "node {id} ended ({status}); its log: {}",
                nodes.log(id).display()
            ));
            // Said already.
            before.nodes.insert(id, Condition::Silent);
        }
        if nodes.none_left() {
            bail!("no node is left");
        }
        let now = look(state);
        for event in changes(&before, &now) {
            say(event);
        }
        before = now;
    }
    Ok(())
}

/// Waits one period; false once asked to stop.
fn pause(stop: &Stop) -> bool {
    let started = Instant::now();
    while started.elapsed() < PERIOD {
        if stop.asked() {
            return false;
        }
        thread::sleep(STOP_POLL);
    }
    true
}

fn look(state: &StateDir) -> Seen {
    let mut seen = Seen::default();
    for node in &state.nodes {
        seen.nodes.insert(node.id, condition(node));
        let http = Http {
            addr: node.api,
            token: None,
        };
        let leads = http
            .get("sys/leader")
            .and_then(super::http::Answer::success);
        if leads.is_ok_and(|body| body["is_self"] == json!(true)) {
            seen.leader = Some(node.id);
        }
    }
    seen
}

fn condition(node: &NodeFiles) -> Condition {
    let http = Http {
        addr: node.api,
        token: None,
    };
    match http
        .get("sys/seal-status")
        .and_then(super::http::Answer::success)
    {
        Ok(status) if status["sealed"] == json!(false) => Condition::Unsealed,
        Ok(_) => Condition::Sealed,
        Err(_) => Condition::Silent,
    }
}

/// One sentence for each difference.
fn changes(before: &Seen, now: &Seen) -> Vec<String> {
    let mut said = Vec::new();
    for (id, condition) in &now.nodes {
        let was = before.nodes.get(id).copied().unwrap_or(Condition::Silent);
        match (was, *condition) {
            (was, now) if was == now => {}
            (_, Condition::Silent) => said.push(format!("node {id} is down")),
            (Condition::Silent, Condition::Sealed) => said.push(format!("node {id} is up, sealed")),
            (Condition::Silent, Condition::Unsealed) => said.push(format!("node {id} is up")),
            (_, Condition::Sealed) => said.push(format!("node {id} is sealed")),
            (_, Condition::Unsealed) => said.push(format!("node {id} is unsealed")),
        }
    }
    match (before.leader, now.leader) {
        (was, is) if was == is => {}
        (_, Some(id)) => said.push(format!("node {id} leads")),
        (_, None) => said.push("no node leads".to_owned()),
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(leader: Option<u64>, conditions: [Condition; 3]) -> Seen {
        Seen {
            leader,
            nodes: (1..).zip(conditions).collect(),
        }
    }

    #[test]
    fn each_change_is_one_sentence_and_no_change_is_none() {
        use Condition::{Sealed, Silent, Unsealed};
        let calm = seen(Some(1), [Unsealed; 3]);
        assert!(changes(&calm, &calm).is_empty());
        let leader_lost = seen(Some(2), [Silent, Unsealed, Unsealed]);
        assert_eq!(
            changes(&calm, &leader_lost),
            ["node 1 is down", "node 2 leads"]
        );
        let back = seen(Some(2), [Sealed, Unsealed, Unsealed]);
        assert_eq!(changes(&leader_lost, &back), ["node 1 is up, sealed"]);
        assert_eq!(
            changes(&back, &seen(Some(2), [Unsealed; 3])),
            ["node 1 is unsealed"]
        );
        assert_eq!(
            changes(&calm, &seen(None, [Unsealed; 3])),
            ["no node leads"]
        );
    }
}
