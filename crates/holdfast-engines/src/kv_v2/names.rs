//! Names of what KV v2 keeps, and the one way to load a secret's record.

use super::record::SecretRecord;
use crate::place::{segments, writable};
use holdfast_barrier::Name;
use holdfast_contract::{Call, Context, Refusal};
use std::sync::Arc;

pub(super) fn config(ctx: &Context<'_>) -> Name {
    ctx.root().with("config")
}

/// The secret's record, or the directory to list.
pub(super) fn record(ctx: &Context<'_>, path: &str) -> Name {
    ctx.root().with("meta").with_all(segments(path))
}

/// One version's value. The path is one segment, so that versions are never confused with secrets below.
pub(super) fn value(ctx: &Context<'_>, path: &str, version: u64) -> Name {
    ctx.root().with("data").with(path).with(version.to_string())
}

pub(super) fn load(
    ctx: &mut Context<'_>,
    path: &str,
) -> Result<Option<Arc<SecretRecord>>, Refusal> {
    let name = record(ctx, path);
    Ok(ctx.txn.load(&name)?)
}

pub(super) fn store(
    ctx: &mut Context<'_>,
    path: &str,
    secret: &SecretRecord,
) -> Result<(), Refusal> {
    let name = record(ctx, path);
    Ok(ctx.txn.store(&name, secret)?)
}

/// Tells an update from a creation, for policy.
pub(super) fn exists(ctx: &mut Context<'_>, call: &Call) -> Result<bool, Refusal> {
    let name = record(ctx, writable(call)?);
    Ok(ctx.txn.contains(&name)?)
}
