//! `lookup`, `lookup-self` and `lookup-accessor`.

use super::{caller, given, named, own, shown};
use holdfast_contract::{Call, Context, Refusal, Reply};

pub(super) fn own_token(ctx: &mut Context<'_>, _: &Call) -> Result<Reply, Refusal> {
    let own = own(ctx)?;
    let token = &caller(ctx)?.token;
    Ok(Reply::data(shown::lookup(
        token,
        &own.record,
        ctx.stamp_ms(),
    )))
}

pub(super) fn given_token(ctx: &mut Context<'_>, call: &Call) -> Result<Reply, Refusal> {
    let Some(token) = call.fields.text("token").filter(|token| !token.is_empty()) else {
        return own_token(ctx, call);
    };
    if *caller(ctx)?.token == token {
        return own_token(ctx, call);
    }
    let alive = given(ctx, token)?.ok_or(Refusal::Denied)?;
    Ok(Reply::data(shown::lookup(
        token,
        &alive.record,
        ctx.stamp_ms(),
    )))
}

pub(super) fn named_token(ctx: &mut Context<'_>, call: &Call) -> Result<Reply, Refusal> {
    let alive = named(ctx, call)?;
    Ok(Reply::data(shown::lookup(
        "",
        &alive.record,
        ctx.stamp_ms(),
    )))
}
