//! Values: read a version, write the next, delete the latest.

use super::config::MountConfig;
use super::record::{Deletion, SecretRecord, VersionRecord};
use super::{check_and_set, merge_patch, names, shape};
use crate::object;
use crate::place::{readable, writable};
use holdfast_contract::{Call, Context, Object, Refusal, Reply};
use serde_json::Value as Json;
use std::sync::Arc;

/// A version that a call asks for.
pub(super) struct Asked {
    pub(super) secret: Arc<SecretRecord>,
    pub(super) number: u64,
}

impl Asked {
    /// The version in `version`, or the latest.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] when there is none of this number.
    pub(super) fn find(ctx: &mut Context<'_>, call: &Call) -> Result<Self, Refusal> {
        let secret = names::load(ctx, readable(call)?)?.ok_or(Refusal::NotFound)?;
        let asked = call
            .fields
            .integer("version")
            .and_then(|asked| u64::try_from(asked).ok());
        let number = asked.filter(|asked| *asked > 0).unwrap_or(secret.current);
        if secret.version(number).is_none() {
            return Err(Refusal::NotFound);
        }
        Ok(Self { secret, number })
    }

    pub(super) fn version(&self) -> &VersionRecord {
        self.secret
            .version(self.number)
            .expect("find only returns versions that are listed")
    }

    /// The answer: `member` holds what is shown of the value, null when it is deleted or destroyed.
    ///
    /// # Errors
    /// [`Refusal::Gone`] without a value.
    pub(super) fn answer(&self, member: &str, shown: Option<Object>) -> Result<Reply, Refusal> {
        let metadata = shape::version(&self.secret, self.number, self.version());
        let gone = shown.is_none();
        let mut data = Object::new();
        data.insert(member.to_owned(), shown.map_or(Json::Null, Json::Object));
        data.insert("metadata".to_owned(), Json::Object(metadata));
        if gone {
            Err(Refusal::Gone(data))
        } else {
            Ok(Reply::data(data))
        }
    }

    /// The value; `None` when it is deleted or destroyed.
    pub(super) fn value(
        &self,
        ctx: &mut Context<'_>,
        call: &Call,
    ) -> Result<Option<Object>, Refusal> {
        if !self.version().is_readable(ctx.now_ms()) {
            return Ok(None);
        }
        stored(ctx, readable(call)?, self.number).map(Some)
    }
}

/// The value of a version that its secret lists as standing.
fn stored(ctx: &mut Context<'_>, path: &str, number: u64) -> Result<Object, Refusal> {
    let name = names::value(ctx, path, number);
    let value = object::read(ctx.txn, &name)?;
    value.ok_or(Refusal::Internal("a version of a secret has no value"))
}

pub(super) fn read(ctx: &mut Context<'_>, call: &Call) -> Result<Reply, Refusal> {
    let asked = Asked::find(ctx, call)?;
    let value = asked.value(ctx, call)?;
    asked.answer("data", value)
}

pub(super) fn write(ctx: &mut Context<'_>, call: &Call) -> Result<Reply, Refusal> {
    let path = writable(call)?;
    let data = given(call)?;
    let config = MountConfig::load(ctx)?;
    let secret = match names::load(ctx, path)? {
        Some(secret) => (*secret).clone(),
        None => SecretRecord::new(ctx.stamp_ms()),
    };
    check_and_set::check(call, &config, &secret)?;
    add_version(ctx, path, &config, secret, data)
}

pub(super) fn patch(ctx: &mut Context<'_>, call: &Call) -> Result<Reply, Refusal> {
    let path = writable(call)?;
    let patch = given(call)?;
    let secret = names::load(ctx, path)?.ok_or(Refusal::NotFound)?;
    let config = MountConfig::load(ctx)?;
    check_and_set::check(call, &config, &secret)?;
    let latest = secret.version(secret.current).ok_or(Refusal::NotFound)?;
    if !latest.is_readable(ctx.now_ms()) {
        return Err(Refusal::Gone(shape::version(
            &secret,
            secret.current,
            latest,
        )));
    }
    let mut data = stored(ctx, path, secret.current)?;
    merge_patch::apply(&mut data, patch);
    add_version(ctx, path, &config, (*secret).clone(), &data)
}

/// Deletes the latest version so that it can be brought back.
pub(super) fn delete(ctx: &mut Context<'_>, call: &Call) -> Result<Reply, Refusal> {
    let path = writable(call)?;
    let Some(secret) = names::load(ctx, path)? else {
        return Ok(Reply::none());
    };
    let (now_ms, stamp_ms) = (ctx.now_ms(), ctx.stamp_ms());
    let mut secret = (*secret).clone();
    let latest = secret
        .version_mut(secret.current)
        .filter(|latest| latest.is_readable(now_ms));
    let Some(latest) = latest else {
        return Ok(Reply::none());
    };
    latest.deletion = Deletion::Done(stamp_ms);
    names::store(ctx, path, &secret)?;
    Ok(Reply::none())
}

fn given(call: &Call) -> Result<&Object, Refusal> {
    let data = call.fields.json("data").and_then(Json::as_object);
    data.ok_or_else(|| Refusal::Invalid("no data provided".to_owned()))
}

/// Writes the next version's value and the secret's record, and removes the values that are no longer kept.
fn add_version(
    ctx: &mut Context<'_>,
    path: &str,
    config: &MountConfig,
    mut secret: SecretRecord,
    data: &Object,
) -> Result<Reply, Refusal> {
    let created_ms = ctx.stamp_ms();
    let deletion = config.deletion(&secret, created_ms);
    let dropped = secret.add(created_ms, deletion, config.keep(&secret));
    let name = names::value(ctx, path, secret.current);
    object::write(ctx.txn, &name, data)?;
    for number in dropped {
        let name = names::value(ctx, path, number);
        ctx.txn.delete(&name)?;
    }
    names::store(ctx, path, &secret)?;
    let added = secret
        .version(secret.current)
        .expect("the version was just added");
    Ok(Reply::data(shape::version(&secret, secret.current, added)))
}
