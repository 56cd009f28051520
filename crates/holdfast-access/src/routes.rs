//! The routes of tokens and policies.

mod capabilities;
mod policies;
mod shown;
mod token_create;
mod token_lookup;
mod token_renew;
mod token_revoke;
mod tokens;

pub use policies::POLICY_ROUTES;
pub use tokens::TOKEN_ROUTES;

use crate::token::{Alive, by_accessor, judge, load, token_key};
use holdfast_contract::{Call, Caller, Context, Refusal};

/// Who calls, on routes that ask for a token.
fn caller<'a>(ctx: &Context<'a>) -> Result<&'a Caller, Refusal> {
    ctx.caller.ok_or(Refusal::Denied)
}

/// The caller's own token. Its last use may have been this call, so it is not judged again.
fn own(ctx: &mut Context<'_>) -> Result<Alive, Refusal> {
    let key = caller(ctx)?.token_key.clone();
    let record = load(ctx.txn, ctx.namespace, &key)?.ok_or(Refusal::Denied)?;
    Ok(Alive { key, record })
}

/// The token that the field `token` holds.
fn given(ctx: &mut Context<'_>, token: &str) -> Result<Option<Alive>, Refusal> {
    let key = token_key(ctx.txn, token);
    Ok(judge(ctx.txn, ctx.namespace, key)?)
}

/// The token that the field `accessor` names.
fn named(ctx: &mut Context<'_>, call: &Call) -> Result<Alive, Refusal> {
    let unknown = || Refusal::Invalid("invalid accessor".to_owned());
    let accessor = call.fields.text("accessor").unwrap_or_default();
    if accessor.is_empty() || accessor.len() > 64 {
        return Err(unknown());
    }
    let key = by_accessor(ctx.txn, ctx.namespace, accessor)?.ok_or_else(unknown)?;
    judge(ctx.txn, ctx.namespace, key)?.ok_or_else(unknown)
}

#[cfg(test)]
mod tests;
