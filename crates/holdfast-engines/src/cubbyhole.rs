//! Cubbyhole: JSON objects that belong to one token and end with it.
//!
//! Objects lie below the keyed hash of their token, so that no path leads from one token to another's, and revoking a
//! token can drop all of them by one name ([`of_token`]).

use crate::listing::{self, AFTER, LIMIT};
use crate::object;
use crate::place::{readable, segments, writable};
use holdfast_barrier::Name;
use holdfast_contract::{
    Body, Call, Context, EngineKind, Field, FieldKind, Guard, Method, Refusal, Reply, Route,
};
use holdfast_types::{Class, MountId, NamespaceId};

/// Secrets of one token.
pub static CUBBYHOLE: EngineKind = EngineKind {
    name: "cubbyhole",
    version: "",
    summary: "Secrets that only one token can read and that end with it.",
    routes: &ROUTES,
};

static ROUTES: [Route; 1] = [Route {
    pattern: "{path*}",
    summary: "A secret of the calling token: any JSON object, replaced whole.",
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
    ],
}];

/// The name below which lies everything that a token keeps in this mount, by the token's keyed hash. Whoever ends a token
/// deletes what is below, with [`holdfast_barrier::Txn::delete_below`].
#[must_use]
pub fn of_token(namespace: NamespaceId, mount: MountId, token_key: &str) -> Name {
    Name::new(namespace, Class::Engine)
        .with(mount.to_string())
        .with(token_key)
}

fn name(ctx: &Context<'_>, path: &str) -> Result<Name, Refusal> {
    let caller = ctx.caller.ok_or(Refusal::Denied)?;
    if caller.token_key.is_empty() {
        let text = "cubbyhole operations are only supported by service tokens";
        return Err(Refusal::Invalid(text.to_owned()));
    }
    let root = of_token(ctx.namespace, ctx.mount.id, &caller.token_key);
    Ok(root.with_all(segments(path)))
}

fn exists(ctx: &mut Context<'_>, call: &Call) -> Result<bool, Refusal> {
    let name = name(ctx, writable(call)?)?;
    Ok(ctx.txn.contains(&name)?)
}

fn read(ctx: &mut Context<'_>, call: &Call) -> Result<Reply, Refusal> {
    let name = name(ctx, readable(call)?)?;
    object::read(ctx.txn, &name)?
        .map(Reply::data)
        .ok_or(Refusal::NotFound)
}

fn write(ctx: &mut Context<'_>, call: &Call) -> Result<Reply, Refusal> {
    let name = name(ctx, writable(call)?)?;
    if call.fields.payload().is_empty() {
        return Err(Refusal::Invalid("missing data fields".to_owned()));
    }
    object::write(ctx.txn, &name, call.fields.payload())?;
    Ok(Reply::none())
}

fn delete(ctx: &mut Context<'_>, call: &Call) -> Result<Reply, Refusal> {
    let name = name(ctx, writable(call)?)?;
    ctx.txn.delete(&name)?;
    Ok(Reply::none())
}

fn list(ctx: &mut Context<'_>, call: &Call) -> Result<Reply, Refusal> {
    let name = name(ctx, call.param("path"))?;
    listing::list(ctx, call, &name)
}
