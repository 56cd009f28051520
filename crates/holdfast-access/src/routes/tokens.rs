//! The table of token routes, relative to `auth/token/`.

use super::{token_create, token_lookup, token_renew, token_revoke};
use crate::token::accessors;
use holdfast_contract::{
    Body, Call, Context, Field, FieldKind, Guard, Method, Refusal, Reply, Route,
};

/// Routes below `auth/token/`. The mount of their calls carries the id of the cubbyhole's mount.
pub static TOKEN_ROUTES: &[Route] = &[
    route(
        "create",
        "Makes a child of the calling token.",
        CREATE,
        Guard::Token,
        &[Method::write(token_create::child)],
    ),
    route(
        "create-orphan",
        "Makes a token without a parent.",
        CREATE,
        Guard::Sudo,
        &[Method::write(token_create::orphan)],
    ),
    route(
        "lookup",
        "What a token is.",
        LOOKUP,
        Guard::Token,
        &[Method::ask(token_lookup::given_token)],
    ),
    route(
        "lookup-self",
        "What the calling token is.",
        &[],
        Guard::Token,
        &[
            Method::read(token_lookup::own_token),
            Method::ask(token_lookup::own_token),
        ],
    ),
    route(
        "lookup-accessor",
        "What the token of an accessor is.",
        ACCESSOR_ONLY,
        Guard::Token,
        &[Method::ask(token_lookup::named_token)],
    ),
    route(
        "renew",
        "Puts a token's end off.",
        &[TOKEN, INCREMENT],
        Guard::Token,
        &[Method::write(token_renew::given_token)],
    ),
    route(
        "renew-self",
        "Puts the calling token's end off.",
        &[INCREMENT],
        Guard::Token,
        &[Method::write(token_renew::own_token)],
    ),
    route(
        "renew-accessor",
        "Puts the end of the token of an accessor off.",
        &[ACCESSOR, INCREMENT],
        Guard::Token,
        &[Method::write(token_renew::named_token)],
    ),
    route(
        "revoke",
        "Ends a token with its children.",
        &[TOKEN],
        Guard::Token,
        &[Method::write(token_revoke::given_token)],
    ),
    route(
        "revoke-self",
        "Ends the calling token with its children.",
        &[],
        Guard::Token,
        &[Method::write(token_revoke::own_token)],
    ),
    route(
        "revoke-orphan",
        "Ends a token; its children become orphans.",
        &[TOKEN],
        Guard::Sudo,
        &[Method::write(token_revoke::given_alone)],
    ),
    route(
        "revoke-accessor",
        "Ends the token of an accessor with its children.",
        ACCESSOR_ONLY,
        Guard::Token,
        &[Method::write(token_revoke::named_token)],
    ),
    route(
        "accessors",
        "Accessors of all tokens.",
        &[],
        Guard::Sudo,
        &[Method::list(list_accessors)],
    ),
    route(
        "tidy",
        "Kept for clients: there is nothing to tidy.",
        &[],
        Guard::Sudo,
        &[Method::ask(tidy)],
    ),
];

const fn route(
    pattern: &'static str,
    summary: &'static str,
    fields: &'static [Field],
    guard: Guard,
    methods: &'static [Method],
) -> Route {
    Route {
        pattern,
        summary,
        fields,
        body: Body::Declared,
        guard,
        exists: None,
        methods,
    }
}

const TOKEN: Field = Field::new("token", FieldKind::Text, "The token.").required();
const ACCESSOR: Field = Field::new("accessor", FieldKind::Text, "The token's accessor.").required();
const ACCESSOR_ONLY: &[Field] = &[ACCESSOR];
const INCREMENT: Field = Field::new(
    "increment",
    FieldKind::Duration,
    "Time to live from now on; what it was made with unless given.",
)
.public();
const LOOKUP: &[Field] = &[Field::new(
    "token",
    FieldKind::Text,
    "The token; the calling one unless given.",
)];

const CREATE: &[Field] = &[
    Field::new(
        "id",
        FieldKind::Text,
        "The token itself; needs sudo. Random unless given.",
    ),
    Field::new(
        "policies",
        FieldKind::TextList,
        "Policies; the parent's unless given.",
    )
    .public(),
    Field::new("meta", FieldKind::TextMap, "Metadata, shown by lookups."),
    Field::new(
        "no_parent",
        FieldKind::Boolean,
        "Makes an orphan; needs sudo.",
    )
    .public(),
    Field::new(
        "no_default_policy",
        FieldKind::Boolean,
        "Does not add the policy \"default\".",
    )
    .public(),
    Field::new(
        "renewable",
        FieldKind::Boolean,
        "Whether it can be renewed; it can unless said otherwise.",
    )
    .public(),
    Field::new("ttl", FieldKind::Duration, "Time to live.").public(),
    Field::new("type", FieldKind::Text, "Only \"service\".").public(),
    Field::new(
        "explicit_max_ttl",
        FieldKind::Duration,
        "Longest life, whatever is renewed.",
    )
    .public(),
    Field::new("display_name", FieldKind::Text, "Shown name.").public(),
    Field::new(
        "num_uses",
        FieldKind::Integer,
        "How often it can be used; without end unless given.",
    )
    .public(),
    Field::new(
        "period",
        FieldKind::Duration,
        "What each renewal gives, without a longest life; needs sudo.",
    )
    .public(),
    Field::new(
        "entity_alias",
        FieldKind::Text,
        "Needs a role, which does not exist yet.",
    )
    .public(),
];

fn list_accessors(ctx: &mut Context<'_>, _: &Call) -> Result<Reply, Refusal> {
    Reply::keys(accessors(ctx.txn, ctx.namespace)?)
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of every handler")]
fn tidy(_: &mut Context<'_>, _: &Call) -> Result<Reply, Refusal> {
    let reply = Reply {
        status: Some(202),
        ..Reply::none()
    };
    Ok(reply.warn("Nothing is left to tidy: a token's records are cleared when it ends."))
}
