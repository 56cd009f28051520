//! LIST and SCAN: sorted keys, folders with a trailing slash, one page at a time.

use holdfast_barrier::Name;
use holdfast_contract::{Call, Context, Field, FieldKind, Refusal, Reply};
use holdfast_types::limits::LIST_KEYS_MAX;

/// Begins a page.
pub(crate) const AFTER: Field = Field::new(
    "after",
    FieldKind::Text,
    "For lists: show only keys that sort after this one.",
)
.public()
.in_query();
/// Ends a page.
pub(crate) const LIMIT: Field = Field::new(
    "limit",
    FieldKind::Integer,
    "For lists: the most keys to show; all when absent, zero or negative.",
)
.public()
.in_query();

/// The keys directly below a name that the call's page holds.
pub(crate) fn children(
    ctx: &mut Context<'_>,
    call: &Call,
    name: &Name,
) -> Result<Vec<String>, Refusal> {
    let mut keys = Vec::new();
    for child in ctx.txn.list(name)? {
        if child.folder {
            keys.push(format!("{}/", child.segment));
        }
        if child.leaf {
            keys.push(child.segment);
        }
    }
    // By the text shown, so that `after` continues where the page before ended: "a/" sorts after "a-b".
    keys.sort_unstable();
    Ok(page(call, keys))
}

/// The keys at any depth below a name that the call's page holds.
pub(crate) fn descendants(
    ctx: &mut Context<'_>,
    call: &Call,
    name: &Name,
) -> Result<Vec<String>, Refusal> {
    let keys = ctx.txn.walk(name, LIST_KEYS_MAX)?;
    Ok(page(call, keys))
}

/// The answer to LIST below a name.
pub(crate) fn list(ctx: &mut Context<'_>, call: &Call, name: &Name) -> Result<Reply, Refusal> {
    Reply::keys(children(ctx, call, name)?)
}

/// The answer to SCAN below a name.
pub(crate) fn scan(ctx: &mut Context<'_>, call: &Call, name: &Name) -> Result<Reply, Refusal> {
    Reply::keys(descendants(ctx, call, name)?)
}

fn page(call: &Call, mut keys: Vec<String>) -> Vec<String> {
    if let Some(after) = call.fields.text("after").filter(|after| !after.is_empty()) {
        keys.drain(..keys.partition_point(|key| key.as_str() <= after));
    }
    keys.truncate(limit(call).unwrap_or(LIST_KEYS_MAX).min(LIST_KEYS_MAX));
    keys
}

/// The asked size of a page, if one was asked.
pub(crate) fn limit(call: &Call) -> Option<usize> {
    let limit = call.fields.integer("limit").filter(|limit| *limit > 0)?;
    Some(usize::try_from(limit).unwrap_or(usize::MAX))
}
