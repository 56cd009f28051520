//! `create` and `create-orphan`.

use super::{own, shown};
use crate::acl::acl_of;
use crate::policy::{self, PolicyName};
use crate::token::{
    Asked, Bounds, ChildPolicies, Expiry, Lifetime, NewToken, PREFIX, State, child_policies, create,
};
use holdfast_contract::{Call, Context, Fields, Refusal, Reply};
use holdfast_types::limits::{TOKEN_META_BYTES_MAX, TOKEN_META_MAX};
use zeroize::Zeroizing;

/// Longest shown name, in bytes.
const DISPLAY_NAME_BYTES_MAX: usize = 256;

pub(super) fn child(ctx: &mut Context<'_>, call: &Call) -> Result<Reply, Refusal> {
    let no_parent = call.fields.boolean("no_parent").unwrap_or(false);
    make(ctx, &call.fields, "auth/token/create", no_parent)
}

pub(super) fn orphan(ctx: &mut Context<'_>, call: &Call) -> Result<Reply, Refusal> {
    make(ctx, &call.fields, "auth/token/create-orphan", true)
}

fn make(
    ctx: &mut Context<'_>,
    fields: &Fields,
    path: &str,
    orphan: bool,
) -> Result<Reply, Refusal> {
    let parent = own(ctx)?;
    if parent.record.num_uses > 0 || parent.record.state != State::Live {
        return Err(invalid("restricted use token cannot generate child tokens"));
    }
    let sudo = acl_of(ctx.txn, ctx.namespace, &parent.record.policies)?.has_sudo(path);
    let asked = asked_life(fields);
    check_kind(fields)?;
    check_privileges(fields, sudo, orphan, asked)?;
    let policies = child_policies(&ChildPolicies {
        parent: &parent.record.policies,
        asked: fields.texts("policies").unwrap_or_default(),
        no_default: fields.boolean("no_default_policy").unwrap_or(false),
        sudo,
    })?;
    let created_ms = ctx.stamp_ms();
    let endless = policies.iter().any(|name| name == "root");
    let mut life = Lifetime::plan(asked, endless, bounds(ctx), created_ms);
    if life.expiry == Expiry::Never && parent.record.expiry != Expiry::Never {
        return Err(invalid(
            "expiring root tokens cannot create non-expiring root tokens",
        ));
    }
    let mut warnings = std::mem::take(&mut life.warnings);
    warnings.extend(unknown_policies(ctx, &policies)?);
    let renewable = fields.boolean("renewable").unwrap_or(true) && life.expiry != Expiry::Never;
    let new = NewToken {
        id: given_id(fields)?,
        parent: (!orphan).then(|| parent.key.clone()),
        policies,
        meta: meta(fields)?,
        display_name: display_name(fields)?,
        path: path.to_owned(),
        life,
        created_ms,
        num_uses: num_uses(fields)?,
        renewable,
        entity_id: parent.record.entity_id.clone(),
    };
    let created = create(ctx.txn, ctx.namespace, new)?;
    let auth = shown::auth(&created.token, &created.record, created_ms);
    Ok(Reply {
        auth: Some(auth),
        warnings,
        ..Reply::none()
    })
}

fn invalid(text: &str) -> Refusal {
    Refusal::Invalid(text.to_owned())
}

/// What the mount gives and allows.
pub(super) const fn bounds(ctx: &Context<'_>) -> Bounds {
    Bounds {
        default_s: ctx.mount.default_lease_s,
        max_s: ctx.mount.max_lease_s,
    }
}

fn asked_life(fields: &Fields) -> Asked {
    let duration = |name| fields.duration(name).unwrap_or_default();
    Asked {
        ttl: duration("ttl"),
        explicit_max_ttl: duration("explicit_max_ttl"),
        period: duration("period"),
    }
}

fn check_kind(fields: &Fields) -> Result<(), Refusal> {
    if fields
        .text("entity_alias")
        .is_some_and(|alias| !alias.is_empty())
    {
        return Err(Refusal::field(
            "entity_alias",
            "needs a role, and roles are not supported yet",
        ));
    }
    match fields.text("type").unwrap_or_default() {
        "" | "default" | "service" => Ok(()),
        "batch" => Err(Refusal::field("type", "batch is not supported yet")),
        _ => Err(Refusal::field("type", "must be \"service\"")),
    }
}

fn check_privileges(
    fields: &Fields,
    sudo: bool,
    orphan: bool,
    asked: Asked,
) -> Result<(), Refusal> {
    let needs = [
        (
            fields.has("id"),
            "root or sudo privileges required to specify token id",
        ),
        (
            orphan,
            "root or sudo privileges required to create orphan token",
        ),
        (
            !asked.period.is_zero(),
            "root or sudo privileges required to create periodic token",
        ),
    ];
    match needs.into_iter().find(|(needed, _)| *needed && !sudo) {
        Some((_, text)) => Err(invalid(text)),
        None => Ok(()),
    }
}

fn given_id(fields: &Fields) -> Result<Option<Zeroizing<String>>, Refusal> {
    let Some(id) = fields.text("id").filter(|id| !id.is_empty()) else {
        return Ok(None);
    };
    if id.starts_with(PREFIX) {
        return Err(Refusal::field("id", "must not begin like a random token"));
    }
    Ok(Some(Zeroizing::new(id.to_owned())))
}

fn num_uses(fields: &Fields) -> Result<u64, Refusal> {
    let wished = fields.integer("num_uses").unwrap_or(0);
    u64::try_from(wished).map_err(|_| Refusal::field("num_uses", "must not be negative"))
}

fn meta(fields: &Fields) -> Result<Vec<(String, String)>, Refusal> {
    let meta = fields.text_map("meta").unwrap_or_default();
    let bytes: usize = meta
        .iter()
        .map(|(key, value)| key.len() + value.len())
        .sum();
    if meta.len() > TOKEN_META_MAX || bytes > TOKEN_META_BYTES_MAX {
        let text =
            format!("has more than {TOKEN_META_MAX} members or {TOKEN_META_BYTES_MAX} bytes");
        return Err(Refusal::field("meta", &text));
    }
    Ok(meta.to_vec())
}

/// `token`, or `token-` and the name with everything unusual made a dash.
fn display_name(fields: &Fields) -> Result<String, Refusal> {
    let Some(name) = fields.text("display_name").filter(|name| !name.is_empty()) else {
        return Ok("token".to_owned());
    };
    if name.len() > DISPLAY_NAME_BYTES_MAX {
        let text = format!("is longer than {DISPLAY_NAME_BYTES_MAX} bytes");
        return Err(Refusal::field("display_name", &text));
    }
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || c == '-' {
            c
        } else {
            '-'
        }
    };
    let name: String = name.chars().map(plain).collect();
    Ok(format!("token-{name}").trim_end_matches('-').to_owned())
}

fn unknown_policies(ctx: &mut Context<'_>, names: &[String]) -> Result<Vec<String>, Refusal> {
    let mut warnings = Vec::new();
    for text in names {
        let Ok(name) = PolicyName::parse(text) else {
            continue;
        };
        if !name.is_root() && policy::load(ctx.txn, ctx.namespace, &name)?.is_none() {
            warnings.push(format!("policy \"{name}\" does not exist"));
        }
    }
    Ok(warnings)
}
