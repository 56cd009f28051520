//! `sys/internal/ui/mounts`: which mounts the caller may see. The CLI and the Go KV helper ask this before every `kv`
//! command, to learn the engine's version.

use super::mounts::{builtin, shown};
use crate::mounts;
use holdfast_access::Acl;
use holdfast_contract::{
    Body, Call, Context, Field, FieldKind, Guard, Method, Object, Refusal, Reply, Route,
};
use holdfast_types::CanonPath;
use serde_json::{Value as Json, json};

pub(crate) static ROUTES: &[Route] = &[
    Route {
        pattern: "internal/ui/mounts",
        summary: "The mounts that the caller may see.",
        fields: &[],
        body: Body::Declared,
        guard: Guard::AnyToken,
        exists: None,
        methods: &[Method::read(list)],
    },
    Route {
        pattern: "internal/ui/mounts/{path*}",
        summary: "The mount that a path lies in.",
        fields: &[
            Field::new("path", FieldKind::Text, "Any path below the mount.")
                .in_path()
                .public(),
        ],
        body: Body::Declared,
        guard: Guard::AnyToken,
        exists: None,
        methods: &[Method::read(one)],
    },
];

fn acl(ctx: &mut Context<'_>) -> Result<Acl, Refusal> {
    let caller = ctx.caller.ok_or(Refusal::Denied)?;
    holdfast_access::acl_of(ctx.txn, ctx.namespace, &caller.policies)
}

fn list(ctx: &mut Context<'_>, _: &Call) -> Result<Reply, Refusal> {
    let acl = acl(ctx)?;
    let mut secret = Object::new();
    for entry in mounts::all(ctx.txn, ctx.namespace)? {
        if entry.listing_visibility == "unauth" || acl.sees_below(&entry.path) {
            secret.insert(entry.path.clone(), shown(&entry));
        }
    }
    let mut auth = Object::new();
    if acl.sees_below("auth/token/") {
        auth.insert(
            "token/".to_owned(),
            builtin("token", "token based credentials"),
        );
    }
    Ok(Reply::json(json!({ "secret": secret, "auth": auth })))
}

fn one(ctx: &mut Context<'_>, call: &Call) -> Result<Reply, Refusal> {
    let path = CanonPath::parse(call.param("path"))
        .map_err(|why| Refusal::field("path", &why.to_string()))?;
    let acl = acl(ctx)?;
    // Whether nothing is mounted there, or only out of sight, is not told apart.
    let (entry, _) = mounts::find(ctx.txn, ctx.namespace, &path)?.ok_or(Refusal::Denied)?;
    if entry.listing_visibility != "unauth" && !acl.sees_below(&entry.path) {
        return Err(Refusal::Denied);
    }
    let mut data = shown(&entry);
    data["path"] = Json::from(entry.path.as_str());
    Ok(Reply::json(data))
}
