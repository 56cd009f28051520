//! What stands before the clients begin: the mount, a policy, a secret to read with tokens, and every node warm.

use crate::answer::{Answer, Exchange};
use crate::door::Ask;
use crate::plan::PlanError;
use crate::target::TargetNode;
use crate::world::World;
use reqwest::Method;
use serde_json::{Value as Json, json};
use std::time::{Duration, Instant};

/// Longest time for all of it.
const DEADLINE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(100);

/// Why a workload could not begin.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The plan.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The target.
    #[error("target: {0}")]
    Target(&'static str),
    /// HTTP could not be set up, or the authority is none.
    #[error("cannot set up HTTP")]
    Http(#[source] reqwest::Error),
    /// The cluster did not do it in time.
    #[error("{step}: the last answer after {seconds} s was {last}")]
    Cluster {
        /// What was asked.
        step: &'static str,
        /// The last answer's status, or that there was none.
        last: String,
        /// How long it was tried.
        seconds: u64,
    },
}

/// Prepares the cluster; may be repeated.
pub(crate) async fn prepare(world: &World) -> Result<(), SetupError> {
    let ends = Instant::now() + DEADLINE;
    let nodes = &world.target.nodes;
    let mount = format!("sys/mounts/{}", world.target.mount);
    let body = json!({ "type": "kv", "options": { "version": "2" } });
    let mounted = |answer: &Answer| answer.status == 204 || answer.says("in use");
    must(
        world,
        nodes,
        ends,
        "mount",
        |_| post(&mount, &body),
        mounted,
    )
    .await?;
    let policy = format!("sys/policies/acl/{}", world.policy_name());
    let body = json!({ "policy": policy_text(world) });
    let written = |answer: &Answer| matches!(answer.status, 200 | 204);
    must(
        world,
        nodes,
        ends,
        "policy",
        |_| post(&policy, &body),
        written,
    )
    .await?;
    let probe = world.probe_path();
    let body = json!({ "data": { "value": world.marks.value(0, 0) } });
    must(
        world,
        nodes,
        ends,
        "probe",
        |_| post(&probe, &body),
        written,
    )
    .await?;
    for node in nodes {
        let alone = std::slice::from_ref(node);
        let read = |_| (Method::GET, probe.clone(), None);
        must(world, alone, ends, "read on every node", read, written).await?;
    }
    Ok(())
}

fn post(path: &str, body: &Json) -> (Method, String, Option<Json>) {
    (Method::POST, path.to_owned(), Some(body.clone()))
}

/// Tokens read one secret and make children of their own.
fn policy_text(world: &World) -> String {
    format!(
        "path \"{}\" {{ capabilities = [\"read\"] }}\npath \"auth/token/create\" {{ capabilities = [\"update\"] }}\n",
        world.probe_path()
    )
}

/// Asks one node after another until one does it.
async fn must(
    world: &World,
    nodes: &[TargetNode],
    ends: Instant,
    step: &'static str,
    ask: impl Fn(()) -> (Method, String, Option<Json>),
    done: impl Fn(&Answer) -> bool,
) -> Result<(), SetupError> {
    let mut last = "none".to_owned();
    for node in nodes.iter().cycle() {
        let (method, path, body) = ask(());
        let mut ask = Ask::new(method, path, Some(&world.target.root_token));
        ask.body = body;
        match world.door.exchange(&node.url, ask).await {
            Exchange::Answered(answer) if done(&answer) => return Ok(()),
            Exchange::Answered(answer) => last = answer.status.to_string(),
            Exchange::NotSent => "no connection".clone_into(&mut last),
            Exchange::Lost => "none".clone_into(&mut last),
        }
        if Instant::now() >= ends {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    let seconds = DEADLINE.as_secs();
    Err(SetupError::Cluster {
        step,
        last,
        seconds,
    })
}
