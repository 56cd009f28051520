//! Delete, undelete and destroy versions by number. Numbers that name no version are passed over.

use super::names;
use super::record::{Deletion, SecretRecord};
use crate::place::writable;
use holdfast_contract::{Call, Context, Refusal, Reply};
use std::collections::BTreeSet;

pub(super) fn delete(ctx: &mut Context<'_>, call: &Call) -> Result<Reply, Refusal> {
    let (now_ms, stamp_ms) = (ctx.now_ms(), ctx.stamp_ms());
    change(ctx, call, |secret, number| {
        let version = secret
            .version_mut(number)
            .filter(|version| version.is_readable(now_ms));
        let Some(version) = version else { return false };
        version.deletion = Deletion::Done(stamp_ms);
        true
    })?;
    Ok(Reply::none())
}

pub(super) fn undelete(ctx: &mut Context<'_>, call: &Call) -> Result<Reply, Refusal> {
    change(ctx, call, |secret, number| {
        let version = secret.version_mut(number);
        let version =
            version.filter(|version| !version.destroyed && version.deletion != Deletion::Never);
        let Some(version) = version else { return false };
        version.deletion = Deletion::Never;
        true
    })?;
    Ok(Reply::none())
}

pub(super) fn destroy(ctx: &mut Context<'_>, call: &Call) -> Result<Reply, Refusal> {
    let destroyed = change(ctx, call, |secret, number| {
        let version = secret
            .version_mut(number)
            .filter(|version| !version.destroyed);
        let Some(version) = version else { return false };
        version.destroyed = true;
        true
    })?;
    for number in destroyed {
        let name = names::value(ctx, writable(call)?, number);
        ctx.txn.delete(&name)?;
    }
    Ok(Reply::none())
}

/// Applies a change to each version named and returns the numbers of those it changed. Writes nothing when it changed none.
fn change(
    ctx: &mut Context<'_>,
    call: &Call,
    change: impl Fn(&mut SecretRecord, u64) -> bool,
) -> Result<Vec<u64>, Refusal> {
    let path = writable(call)?;
    let numbers = asked(call)?;
    let Some(secret) = names::load(ctx, path)? else {
        return Ok(Vec::new());
    };
    let mut secret = (*secret).clone();
    let changed: Vec<u64> = numbers
        .into_iter()
        .filter(|number| change(&mut secret, *number))
        .collect();
    if !changed.is_empty() {
        names::store(ctx, path, &secret)?;
    }
    Ok(changed)
}

fn asked(call: &Call) -> Result<BTreeSet<u64>, Refusal> {
    let asked = call.fields.integers("versions").unwrap_or_default();
    if asked.is_empty() {
        return Err(Refusal::Invalid("No version number provided".to_owned()));
    }
    let numbers = asked.iter().map(|number| u64::try_from(*number).ok());
    let numbers: Option<BTreeSet<u64>> = numbers.collect();
    numbers.ok_or_else(|| Refusal::field("versions", "must not be negative"))
}
