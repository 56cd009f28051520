//! What a token may do: `capabilities*` and `internal/ui/resultant-acl`.

use super::{caller, given, named};
use crate::acl::acl_of;
use holdfast_contract::{Call, Context, Object, Refusal, Reply};
use holdfast_types::CanonPath;
use holdfast_types::limits::CAPABILITY_PATHS_MAX;
use serde_json::Value as Json;

pub(super) fn of_own(ctx: &mut Context<'_>, call: &Call) -> Result<Reply, Refusal> {
    let policies = caller(ctx)?.policies.clone();
    answer(ctx, call, &policies)
}

pub(super) fn of_token(ctx: &mut Context<'_>, call: &Call) -> Result<Reply, Refusal> {
    let token = call.fields.text("token").unwrap_or_default();
    if *caller(ctx)?.token == token {
        return of_own(ctx, call);
    }
    let alive = given(ctx, token)?.ok_or_else(|| Refusal::Invalid("invalid token".to_owned()))?;
    answer(ctx, call, &alive.record.policies)
}

pub(super) fn of_named(ctx: &mut Context<'_>, call: &Call) -> Result<Reply, Refusal> {
    let alive = named(ctx, call)?;
    answer(ctx, call, &alive.record.policies)
}

pub(super) fn resultant(ctx: &mut Context<'_>, _: &Call) -> Result<Reply, Refusal> {
    let policies = &caller(ctx)?.policies;
    Ok(Reply::json(
        acl_of(ctx.txn, ctx.namespace, policies)?.resultant(),
    ))
}

fn answer(ctx: &mut Context<'_>, call: &Call, policies: &[String]) -> Result<Reply, Refusal> {
    let paths = call
        .fields
        .texts("paths")
        .or_else(|| call.fields.texts("path"))
        .unwrap_or_default();
    if paths.is_empty() {
        return Err(Refusal::field("paths", "is required"));
    }
    if paths.len() > CAPABILITY_PATHS_MAX {
        let text = format!("has more than {CAPABILITY_PATHS_MAX} paths");
        return Err(Refusal::field("paths", &text));
    }
    let acl = acl_of(ctx.txn, ctx.namespace, policies)?;
    let mut data = Object::new();
    for text in paths {
        let path = CanonPath::parse(text.strip_prefix('/').unwrap_or(text));
        let path = path.map_err(|why| Refusal::field("paths", &why.to_string()))?;
        let granted = Json::from(acl.capabilities(&path));
        // Older clients ask for one path and read this.
        data.entry("capabilities")
            .or_insert_with(|| granted.clone());
        data.insert(text.clone(), granted);
    }
    Ok(Reply::doubled(Json::Object(data)))
}
