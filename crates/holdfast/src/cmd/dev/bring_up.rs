//! From started processes to a cluster that serves: answers, keys, unsealed nodes, the first mount.
//!
//! Every step waits for a condition, gives up at a deadline with the last reason, and ends at once when a server ends.

use super::layout::Layout;
use super::nodes::Nodes;
use super::state::State;
use anyhow::{Context, bail};
use holdfast_client::{CallError, Client, Token};
use serde_json::json;
use std::time::{Duration, Instant};

/// Longest time for one step.
const STEP_MAX: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(10);
const CALL_MAX: Duration = Duration::from_secs(5);

/// A client of one node, without a token.
pub(super) fn client(layout: &Layout, index: usize) -> anyhow::Result<Client> {
    let node = layout.nodes.get(index).context("there is no such node")?;
    let mut builder = Client::builder()
        .addr(&node.api)
        .attempts(1)
        .timeout(CALL_MAX);
    if let Some(ca) = &layout.ca_cert {
        builder = builder.ca_cert(ca.as_bytes());
    }
    Ok(builder.build()?)
}

/// Waits until every node answers.
pub(super) async fn await_answers(layout: &Layout, nodes: &mut Nodes) -> anyhow::Result<()> {
    for (index, node) in layout.nodes.iter().enumerate() {
        let client = client(layout, index)?;
        let what = format!("node {} to answer", node.id);
        until(&what, nodes, async || client.sys().seal_status().await).await?;
    }
    Ok(())
}

/// Initialises a new cluster (one share) and unseals every node.
pub(super) async fn open(
    layout: &Layout,
    state: &mut State,
    nodes: &mut Nodes,
) -> anyhow::Result<()> {
    let first = client(layout, 0)?;
    let initialized = until("a leader", nodes, async || {
        first.sys().is_initialized().await
    })
    .await?;
    if !initialized {
        let made = until("a leader", nodes, async || first.sys().init(1, 1).await).await?;
        state.unseal_keys = made.keys.iter().map(|key| key.to_string()).collect();
        state.root_token = Some(made.root_token.expose().to_owned());
        state
            .write(&layout.record)
            .with_context(|| format!("keeping the keys in {}", layout.record.display()))?;
    }
    let Some(share) = state.unseal_keys.first() else {
        bail!(
            "this cluster was initialised by someone else and its keys are not in {}: run with --sealed and unseal it",
            layout.record.display()
        );
    };
    for (index, node) in layout.nodes.iter().enumerate() {
        let client = client(layout, index)?;
        until(
            &format!("node {} to be unsealed", node.id),
            nodes,
            async || {
                let status = client.sys().seal_status().await?;
                let status = if status.initialized && status.sealed {
                    client.sys().unseal(share).await?
                } else {
                    status
                };
                if status.sealed {
                    Err(CallError::Malformed("still sealed"))
                } else {
                    Ok(())
                }
            },
        )
        .await?;
    }
    Ok(())
}

/// Mounts `secret/` as KV version 2 in a new cluster.
pub(super) async fn mount(layout: &Layout, state: &State, nodes: &mut Nodes) -> anyhow::Result<()> {
    let token = state
        .root_token
        .as_deref()
        .context("there is no root token")?;
    let client = client(layout, 0)?.with_token(Token::new(token));
    until("the mount secret/", nodes, async || {
        if client.sys().mounts().await?.contains_key("secret/") {
            return Ok(());
        }
        let settings = json!({ "type": "kv", "options": { "version": "2" }, "description": "key/value secrets" });
        client.sys().enable("secret", settings).await
    })
    .await
}

/// Tries until it works, a server ends, the server refuses for good, or time is up.
async fn until<T>(
    what: &str,
    nodes: &mut Nodes,
    mut attempt: impl AsyncFnMut() -> Result<T, CallError>,
) -> anyhow::Result<T> {
    let deadline = Instant::now() + STEP_MAX;
    loop {
        let error = match attempt().await {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        if let Some(ended) = nodes.newly_ended().first() {
            bail!("{ended}\n{}", ended.tail());
        }
        let for_good = error
            .status()
            .is_some_and(|status| (400..500).contains(&status) && status != 429 && status != 412);
        if for_good || Instant::now() > deadline {
            return Err(error).with_context(|| format!("waiting for {what}"));
        }
        tokio::time::sleep(POLL).await;
    }
}
