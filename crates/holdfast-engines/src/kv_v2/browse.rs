//! Lists of secrets, plain and with the metadata of each.

use super::{names, shape};
use crate::listing;
use holdfast_contract::{Call, Context, Object, Refusal, Reply};
use serde_json::Value as Json;

/// Most secrets listed with their metadata at once: each is read, opened and asserted.
const DETAILED_KEYS_MAX: usize = 1_024;

const _: () = assert!(
    DETAILED_KEYS_MAX <= holdfast_types::limits::TXN_ASSERTS_MAX / 2,
    "a detailed list fits a transaction"
);

pub(super) fn list(ctx: &mut Context<'_>, call: &Call) -> Result<Reply, Refusal> {
    let name = names::record(ctx, call.param("path"));
    listing::list(ctx, call, &name)
}

pub(super) fn scan(ctx: &mut Context<'_>, call: &Call) -> Result<Reply, Refusal> {
    let name = names::record(ctx, call.param("path"));
    listing::scan(ctx, call, &name)
}

pub(super) fn list_detailed(ctx: &mut Context<'_>, call: &Call) -> Result<Reply, Refusal> {
    let name = names::record(ctx, call.param("path"));
    let keys = listing::children(ctx, call, &name)?;
    detailed(ctx, call, keys)
}

pub(super) fn scan_detailed(ctx: &mut Context<'_>, call: &Call) -> Result<Reply, Refusal> {
    let name = names::record(ctx, call.param("path"));
    let keys = listing::descendants(ctx, call, &name)?;
    detailed(ctx, call, keys)
}

fn detailed(ctx: &mut Context<'_>, call: &Call, keys: Vec<String>) -> Result<Reply, Refusal> {
    // Refused rather than cut short: a list that is not whole must not look whole.
    if keys.len() > DETAILED_KEYS_MAX {
        let text =
            format!("must be at most {DETAILED_KEYS_MAX} here; ask for the rest with \"after\"");
        return Err(Refusal::field("limit", &text));
    }
    let mut details = Object::new();
    for key in keys.iter().filter(|key| !key.ends_with('/')) {
        let path = match call.param("path") {
            "" => key.clone(),
            directory => format!("{directory}/{key}"),
        };
        if let Some(secret) = names::load(ctx, &path)? {
            details.insert(key.clone(), shape::metadata(&secret));
        }
    }
    let mut reply = Reply::keys(keys)?;
    if let Some(data) = &mut reply.data {
        data.insert("key_info".to_owned(), Json::Object(details));
    }
    Ok(reply)
}
