//! `renew`, `renew-self` and `renew-accessor`.

use super::token_create::bounds;
use super::{caller, given, named, own, shown};
use crate::token::{Alive, renew};
use holdfast_contract::{Call, Context, Refusal, Reply};

pub(super) fn own_token(ctx: &mut Context<'_>, call: &Call) -> Result<Reply, Refusal> {
    let own = own(ctx)?;
    let token = caller(ctx)?.token.as_str();
    run(ctx, call, &own, token)
}

pub(super) fn given_token(ctx: &mut Context<'_>, call: &Call) -> Result<Reply, Refusal> {
    let token = call.fields.text("token").unwrap_or_default();
    if *caller(ctx)?.token == token {
        return own_token(ctx, call);
    }
    let alive = given(ctx, token)?.ok_or(Refusal::Denied)?;
    run(ctx, call, &alive, token)
}

pub(super) fn named_token(ctx: &mut Context<'_>, call: &Call) -> Result<Reply, Refusal> {
    let alive = named(ctx, call)?;
    run(ctx, call, &alive, "")
}

fn run(ctx: &mut Context<'_>, call: &Call, alive: &Alive, token: &str) -> Result<Reply, Refusal> {
    let increment = call.fields.duration("increment").unwrap_or_default();
    let (record, warnings) = renew(ctx.txn, ctx.namespace, alive, increment, bounds(ctx))?;
    let auth = shown::auth(token, &record, ctx.stamp_ms());
    Ok(Reply {
        auth: Some(auth),
        warnings,
        ..Reply::none()
    })
}
