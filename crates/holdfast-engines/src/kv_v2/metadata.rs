//! A secret's settings and custom metadata, and its removal with all versions.

use super::config::{MountConfig, asked_max_versions, nanos};
use super::record::SecretRecord;
use super::{check_and_set, custom_metadata, names, shape};
use crate::place::{readable, writable};
use holdfast_contract::{Call, Context, Refusal, Reply};

/// The members that change something. A call with none of them changes nothing, and makes no secret.
const SETTINGS: [&str; 5] = [
    "max_versions",
    "cas_required",
    "delete_version_after",
    "custom_metadata",
    "metadata_cas_required",
];

pub(super) fn read(ctx: &mut Context<'_>, call: &Call) -> Result<Reply, Refusal> {
    let secret = names::load(ctx, readable(call)?)?.ok_or(Refusal::NotFound)?;
    Ok(Reply::json(shape::metadata(&secret)))
}

pub(super) fn write(ctx: &mut Context<'_>, call: &Call) -> Result<Reply, Refusal> {
    let path = writable(call)?;
    if !SETTINGS.iter().any(|name| call.fields.has(name)) {
        return Ok(Reply::none());
    }
    let config = MountConfig::load(ctx)?;
    let known = names::load(ctx, path)?;
    check_and_set::check_metadata(call, &config, known.as_deref())?;
    let mut secret = known.map_or_else(
        || SecretRecord::new(ctx.stamp_ms()),
        |known| (*known).clone(),
    );
    custom_metadata::replace(&mut secret, call)?;
    finish(ctx, call, path, &config, secret)
}

pub(super) fn patch(ctx: &mut Context<'_>, call: &Call) -> Result<Reply, Refusal> {
    let path = writable(call)?;
    let known = names::load(ctx, path)?.ok_or(Refusal::NotFound)?;
    if !SETTINGS.iter().any(|name| call.fields.has(name)) {
        return Ok(Reply::none());
    }
    let config = MountConfig::load(ctx)?;
    check_and_set::check_metadata(call, &config, Some(&known))?;
    let mut secret = (*known).clone();
    custom_metadata::merge(&mut secret, call)?;
    finish(ctx, call, path, &config, secret)
}

/// Takes the plain settings, which POST and PATCH treat alike, and writes the record.
fn finish(
    ctx: &mut Context<'_>,
    call: &Call,
    path: &str,
    config: &MountConfig,
    mut secret: SecretRecord,
) -> Result<Reply, Refusal> {
    let mut reply = Reply::none();
    let overruled = |name| {
        format!(
            "\"{name}\" set to false, but is mandated by backend config. This value will be ignored."
        )
    };
    if let Some(asked) = asked_max_versions(call)? {
        secret.max_versions = asked;
    }
    if let Some(asked) = call.fields.boolean("cas_required") {
        secret.cas_required = asked;
        if !asked && config.cas_required() {
            reply = reply.warn(overruled("cas_required"));
        }
    }
    if let Some(asked) = call.fields.boolean("metadata_cas_required") {
        secret.metadata_cas_required = asked;
        if !asked && config.metadata_cas_required() {
            reply = reply.warn(overruled("metadata_cas_required"));
        }
    }
    if let Some(asked) = call.fields.duration("delete_version_after") {
        secret.delete_after_ns = nanos(asked);
        if config.outlasted_by(secret.delete_after_ns) {
            reply = reply.warn("\"delete_version_after\" is longer than the mount's, which holds.");
        }
    }
    secret.metadata_version += 1;
    names::store(ctx, path, &secret)?;
    Ok(reply)
}

/// Removes the secret with all its versions for good.
pub(super) fn delete(ctx: &mut Context<'_>, call: &Call) -> Result<Reply, Refusal> {
    let path = writable(call)?;
    let Some(secret) = names::load(ctx, path)? else {
        return Ok(Reply::none());
    };
    for (number, _) in secret.versions().filter(|(_, version)| !version.destroyed) {
        let name = names::value(ctx, path, number);
        ctx.txn.delete(&name)?;
    }
    let name = names::record(ctx, path);
    ctx.txn.delete(&name)?;
    Ok(Reply::none())
}
