//! The policy routes, relative to `sys/`, and the table of all routes of this crate there.

use super::capabilities;
use super::shown::rfc3339;
use crate::policy::{self, PolicyName};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use holdfast_contract::{
    Body, Call, Context, Field, FieldKind, Fields, Guard, Method, Refusal, Reply, Route,
};
use holdfast_types::limits::POLICY_TEXT_BYTES_MAX;
use serde_json::json;

/// Routes below `sys/`: policies, and what a token may do.
pub static POLICY_ROUTES: &[Route] = &[
    route(
        "policies/acl",
        "Names of the policies.",
        LIST,
        &[Method::read(list), Method::list(list)],
    ),
    route(
        "policies/acl/{name}",
        "A policy.",
        POLICY,
        &[
            Method::read(read),
            Method::write(write),
            Method::delete(delete),
        ],
    ),
    route(
        "policy",
        "Names of the policies, as older clients ask.",
        LIST,
        &[Method::read(list_old), Method::list(list_old)],
    ),
    route(
        "policy/{name}",
        "A policy, as older clients ask.",
        OLD_POLICY,
        &[
            Method::read(read_old),
            Method::write(write),
            Method::delete(delete),
        ],
    ),
    route(
        "capabilities",
        "What a token may do on some paths.",
        TOKEN_PATHS,
        &[Method::ask(capabilities::of_token)],
    ),
    route(
        "capabilities-self",
        "What the calling token may do on some paths.",
        PATHS,
        &[Method::ask(capabilities::of_own)],
    ),
    route(
        "capabilities-accessor",
        "What the token of an accessor may do on some paths.",
        ACCESSOR_PATHS,
        &[Method::ask(capabilities::of_named)],
    ),
    route(
        "internal/ui/resultant-acl",
        "The calling token's rights.",
        &[],
        &[Method::read(capabilities::resultant)],
    ),
];

const fn route(
    pattern: &'static str,
    summary: &'static str,
    fields: &'static [Field],
    methods: &'static [Method],
) -> Route {
    Route {
        pattern,
        summary,
        fields,
        body: Body::Declared,
        guard: Guard::Token,
        exists: None,
        methods,
    }
}

const NAME: Field = Field::new("name", FieldKind::Text, "The policy's name.")
    .public()
    .in_path();
const TEXT: Field = Field::new(
    "policy",
    FieldKind::Text,
    "The policy in HCL or JSON, plain or in base64.",
);
const CAS: Field = Field::new(
    "cas",
    FieldKind::Integer,
    "The version it must have; 0 or -1 when it must not exist.",
)
.public();
const TTL: Field = Field::new("ttl", FieldKind::Any, "Not supported yet.").public();
const EXPIRATION: Field = Field::new("expiration", FieldKind::Any, "Not supported yet.").public();
const CAS_REQUIRED: Field =
    Field::new("cas_required", FieldKind::Boolean, "Not supported yet.").public();
const POLICY: &[Field] = &[NAME, TEXT, CAS, TTL, EXPIRATION, CAS_REQUIRED];
const OLD_POLICY: &[Field] = &[
    NAME,
    TEXT,
    Field::new("rules", FieldKind::Text, "Older name of \"policy\"."),
    CAS,
    TTL,
    EXPIRATION,
    CAS_REQUIRED,
];
const LIST: &[Field] = &[
    Field::new("after", FieldKind::Text, "Only names after this one.").public(),
    Field::new("limit", FieldKind::Integer, "At most this many.").public(),
];

const PATH_LIST: Field =
    Field::new("paths", FieldKind::TextList, "Whole paths, mount included.").public();
const ONE_PATH: Field =
    Field::new("path", FieldKind::TextList, "Older name of \"paths\".").public();
const PATHS: &[Field] = &[PATH_LIST, ONE_PATH];
const TOKEN_PATHS: &[Field] = &[
    PATH_LIST,
    ONE_PATH,
    Field::new("token", FieldKind::Text, "The token.").required(),
];
const ACCESSOR_PATHS: &[Field] = &[
    PATH_LIST,
    ONE_PATH,
    Field::new("accessor", FieldKind::Text, "The token's accessor.").required(),
];

fn name(call: &Call) -> Result<PolicyName, Refusal> {
    PolicyName::parse(call.param("name")).map_err(|why| Refusal::field("name", &why.to_string()))
}

fn page(ctx: &mut Context<'_>, fields: &Fields) -> Result<Vec<String>, Refusal> {
    let mut names = policy::list(ctx.txn, ctx.namespace)?;
    if let Some(after) = fields.text("after") {
        names.retain(|name| name.as_str() > after);
    }
    if let Some(limit) = fields
        .integer("limit")
        .and_then(|limit| usize::try_from(limit).ok())
        .filter(|limit| *limit > 0)
    {
        names.truncate(limit);
    }
    Ok(names)
}

fn list(ctx: &mut Context<'_>, call: &Call) -> Result<Reply, Refusal> {
    let names = page(ctx, &call.fields)?;
    Ok(Reply::json(json!({ "keys": names, "policies": names })))
}

fn list_old(ctx: &mut Context<'_>, call: &Call) -> Result<Reply, Refusal> {
    let names = page(ctx, &call.fields)?;
    Ok(Reply::doubled(json!({ "keys": names, "policies": names })))
}

fn read(ctx: &mut Context<'_>, call: &Call) -> Result<Reply, Refusal> {
    let name = name(call)?;
    if name.is_root() {
        return Ok(Reply::json(json!({ "name": "root", "policy": "" })));
    }
    let stored = policy::load(ctx.txn, ctx.namespace, &name)?.ok_or(Refusal::NotFound)?;
    Ok(Reply::json(json!({
        "name": name.as_str(),
        "policy": stored.text,
        "version": stored.version,
        "modified": rfc3339(stored.modified_ms),
        "cas_required": false,
    })))
}

fn read_old(ctx: &mut Context<'_>, call: &Call) -> Result<Reply, Refusal> {
    let name = name(call)?;
    if name.is_root() {
        return Ok(Reply::doubled(json!({ "name": "root", "rules": "" })));
    }
    let stored = policy::load(ctx.txn, ctx.namespace, &name)?.ok_or(Refusal::NotFound)?;
    Ok(Reply::doubled(
        json!({ "name": name.as_str(), "rules": stored.text }),
    ))
}

fn write(ctx: &mut Context<'_>, call: &Call) -> Result<Reply, Refusal> {
    let name = name(call)?;
    if name.is_root() || name.is_internal() {
        return Err(Refusal::Invalid(format!("cannot update \"{name}\" policy")));
    }
    for unsupported in ["ttl", "expiration"] {
        if call.fields.has(unsupported) {
            return Err(Refusal::field(unsupported, "is not supported yet"));
        }
    }
    if call.fields.boolean("cas_required") == Some(true) {
        return Err(Refusal::field("cas_required", "is not supported yet"));
    }
    let text = text(&call.fields)?;
    policy::parse(&text)
        .map_err(|why| Refusal::Invalid(format!("failed to parse policy: {why}")))?;
    if let Some(wanted) = call.fields.integer("cas") {
        let version =
            policy::load(ctx.txn, ctx.namespace, &name)?.map_or(0, |stored| stored.version);
        if u64::try_from(wanted.max(0)) != Ok(version) {
            let text = "check-and-set parameter did not match the current version";
            return Err(Refusal::Invalid(text.to_owned()));
        }
    }
    policy::store(ctx.txn, ctx.namespace, &name, &text)?;
    Ok(Reply::none())
}

/// The text, from plain or base64.
fn text(fields: &Fields) -> Result<String, Refusal> {
    let given = fields.text("policy").filter(|text| !text.is_empty());
    let given = given.or_else(|| fields.text("rules").filter(|text| !text.is_empty()));
    let given = given
        .ok_or_else(|| Refusal::Invalid("'policy' parameter not supplied or empty".to_owned()))?;
    if given.len() > POLICY_TEXT_BYTES_MAX * 2 {
        return Err(Refusal::Invalid(policy::PolicyError::TooLarge.to_string()));
    }
    let decoded = STANDARD
        .decode(given.trim())
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    Ok(decoded.unwrap_or_else(|| given.to_owned()))
}

fn delete(ctx: &mut Context<'_>, call: &Call) -> Result<Reply, Refusal> {
    let name = name(call)?;
    if name.is_root() || name.is_default() || name.is_internal() {
        return Err(Refusal::Invalid(format!("cannot delete \"{name}\" policy")));
    }
    policy::delete(ctx.txn, ctx.namespace, &name)?;
    Ok(Reply::none())
}
