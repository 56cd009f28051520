//! `revoke`, `revoke-self`, `revoke-orphan` and `revoke-accessor`.
//!
//! The answer waits for the mark, not for the records: what does not fit into the transaction is cleared by the leader.

use super::{caller, named};
use crate::token::{revoke, revoke_orphan, token_key};
use holdfast_contract::{Call, Context, Refusal, Reply};

pub(super) fn own_token(ctx: &mut Context<'_>, _: &Call) -> Result<Reply, Refusal> {
    let key = caller(ctx)?.token_key.clone();
    end(ctx, &key)
}

/// A token that does not exist is as ended as it can be.
pub(super) fn given_token(ctx: &mut Context<'_>, call: &Call) -> Result<Reply, Refusal> {
    let key = given_key(ctx, call);
    end(ctx, &key)
}

pub(super) fn given_alone(ctx: &mut Context<'_>, call: &Call) -> Result<Reply, Refusal> {
    let key = given_key(ctx, call);
    let _rest_is_scheduled = revoke_orphan(ctx.txn, ctx.namespace, ctx.mount.id, &key)?;
    Ok(Reply::none())
}

pub(super) fn named_token(ctx: &mut Context<'_>, call: &Call) -> Result<Reply, Refusal> {
    let key = named(ctx, call)?.key;
    end(ctx, &key)
}

fn given_key(ctx: &Context<'_>, call: &Call) -> String {
    token_key(ctx.txn, call.fields.text("token").unwrap_or_default())
}

fn end(ctx: &mut Context<'_>, key: &str) -> Result<Reply, Refusal> {
    let _rest_is_scheduled = revoke(ctx.txn, ctx.namespace, ctx.mount.id, key)?;
    Ok(Reply::none())
}
