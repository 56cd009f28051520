//! KV v1: one JSON object at a path, replaced whole.
//!
//! Objects lie under `object/` and their path's segments below the mount's root, so that a directory lists without opening values.

use crate::listing::{self, AFTER, LIMIT};
use crate::object;
use crate::place::{readable, segments, writable};
use holdfast_barrier::Name;
use holdfast_contract::{
    Body, Call, Context, EngineKind, Field, FieldKind, Guard, LeaseReply, Method, Object, Refusal,
    Reply, Route,
};
use holdfast_types::parse_duration;
use serde_json::Value as Json;

/// Unversioned key-value secrets.
pub static KV_V1: EngineKind = EngineKind {
    name: "kv",
    version: "1",
    summary: "Key-value secrets without versions.",
    routes: &ROUTES,
};

static ROUTES: [Route; 1] = [Route {
    pattern: "{path*}",
    summary: "A secret: any JSON object, replaced whole.",
    fields: &[
        Field::new("path", FieldKind::Text, "Where the secret stands.")
            .public()
            .in_path(),
        AFTER,
        LIMIT,
    ],
    body: Body::Payload,
    guard: Guard::Token,
    exists: Some(exists),
    methods: &[
        Method::read(read),
        Method::write(write),
        Method::delete(delete),
        Method::list(list),
        Method::scan(scan),
    ],
}];

fn name(ctx: &Context<'_>, path: &str) -> Name {
    ctx.root().with("object").with_all(segments(path))
}

fn exists(ctx: &mut Context<'_>, call: &Call) -> Result<bool, Refusal> {
    let name = name(ctx, writable(call)?);
    Ok(ctx.txn.contains(&name)?)
}

fn read(ctx: &mut Context<'_>, call: &Call) -> Result<Reply, Refusal> {
    let name = name(ctx, readable(call)?);
    let object = object::read(ctx.txn, &name)?.ok_or(Refusal::NotFound)?;
    let duration_s = shown_lease_s(&object).unwrap_or(ctx.mount.default_lease_s);
    let lease = LeaseReply {
        lease_id: String::new(),
        duration_s,
        renewable: false,
    };
    Ok(Reply {
        lease: Some(lease),
        ..Reply::data(object)
    })
}

/// The writer's hint when to read again. What is not a duration is no hint, and no error either: the member is the client's.
fn shown_lease_s(object: &Object) -> Option<u64> {
    let text = match object.get("ttl").or_else(|| object.get("lease"))? {
        Json::String(text) => text.clone(),
        Json::Number(number) => number.to_string(),
        _ => return None,
    };
    parse_duration(&text)
        .ok()
        .map(|duration| duration.as_secs())
}

fn write(ctx: &mut Context<'_>, call: &Call) -> Result<Reply, Refusal> {
    let name = name(ctx, writable(call)?);
    if call.fields.payload().is_empty() {
        return Err(Refusal::Invalid("missing data fields".to_owned()));
    }
    object::write(ctx.txn, &name, call.fields.payload())?;
    Ok(Reply::none())
}

fn delete(ctx: &mut Context<'_>, call: &Call) -> Result<Reply, Refusal> {
    let name = name(ctx, writable(call)?);
    ctx.txn.delete(&name)?;
    Ok(Reply::none())
}

fn list(ctx: &mut Context<'_>, call: &Call) -> Result<Reply, Refusal> {
    let name = name(ctx, call.param("path"));
    listing::list(ctx, call, &name)
}

fn scan(ctx: &mut Context<'_>, call: &Call) -> Result<Reply, Refusal> {
    let name = name(ctx, call.param("path"));
    listing::scan(ctx, call, &name)
}
