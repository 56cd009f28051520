//! `--root-token`: the cluster's root token is replaced by the one asked for.

use super::bring_up::client;
use super::layout::Layout;
use super::state::State;
use anyhow::Context;
use holdfast_client::Token;
use serde_json::json;

/// Makes the token that was asked for, keeps it, and revokes the one before it.
pub(super) async fn settle(
    layout: &Layout,
    state: &mut State,
    wanted: Option<&str>,
) -> anyhow::Result<()> {
    let Some(wanted) = wanted.filter(|wanted| Some(*wanted) != state.root_token.as_deref()) else {
        return Ok(());
    };
    let before = state
        .root_token
        .as_deref()
        .context("there is no root token to make another with")?;
    let root = client(layout, 0)?.with_token(Token::new(before));
    let settings =
        json!({ "id": wanted, "policies": ["root"], "no_parent": true, "display_name": "root" });
    root.token_auth()
        .create(settings)
        .await
        .context("--root-token")?;
    state.root_token = Some(wanted.to_owned());
    state
        .write(&layout.record)
        .with_context(|| format!("keeping the root token in {}", layout.record.display()))?;
    root.token_auth()
        .revoke_self()
        .await
        .context("revoking the root token of before")
}
