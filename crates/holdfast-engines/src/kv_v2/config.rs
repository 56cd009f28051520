//! Settings of a mount.

use super::record::{Deletion, MAX_VERSIONS_DEFAULT, MAX_VERSIONS_MAX, SecretRecord};
use super::{names, shape};
use holdfast_barrier::Stored;
use holdfast_contract::{Call, Context, Refusal, Reply};
use holdfast_types::parse_duration;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;

/// Settings that apply to every secret of a mount.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct MountConfig {
    /// 0 = the default.
    max_versions: u32,
    cas_required: bool,
    delete_after: DeleteAfter,
    metadata_cas_required: bool,
}

/// The mount's word on `delete_version_after`.
#[derive(Clone, Copy, Serialize, Deserialize)]
enum DeleteAfter {
    /// As each secret says.
    Unset,
    /// At most this many nanoseconds.
    Nanos(u64),
    /// Never, whatever a secret says.
    Disabled,
}

impl Stored for MountConfig {
    const VERSION: u8 = 1;
}

impl MountConfig {
    const INITIAL: Self = Self {
        max_versions: 0,
        cas_required: false,
        delete_after: DeleteAfter::Unset,
        metadata_cas_required: false,
    };

    pub(super) fn load(ctx: &mut Context<'_>) -> Result<Self, Refusal> {
        let name = names::config(ctx);
        Ok(ctx
            .txn
            .load::<Self>(&name)?
            .map_or(Self::INITIAL, |config| *config))
    }

    /// Whether the mount itself demands check-and-set.
    pub(super) const fn cas_required(&self) -> bool {
        self.cas_required
    }

    /// Whether the mount itself demands check-and-set of metadata.
    pub(super) const fn metadata_cas_required(&self) -> bool {
        self.metadata_cas_required
    }

    /// How many versions of a secret are kept. The greater setting holds, so that no secret keeps less than its mount
    /// promises; clients rely on this of other servers.
    pub(super) fn keep(&self, secret: &SecretRecord) -> u32 {
        match self.max_versions.max(secret.max_versions) {
            0 => MAX_VERSIONS_DEFAULT,
            keep => keep,
        }
    }

    /// When a version of a secret that is written now will be deleted.
    pub(super) fn deletion(&self, secret: &SecretRecord, created_ms: u64) -> Deletion {
        let own = secret.delete_after_ns;
        let nanos = match self.delete_after {
            DeleteAfter::Disabled => 0,
            DeleteAfter::Unset => own,
            DeleteAfter::Nanos(mount) if own == 0 => mount,
            DeleteAfter::Nanos(mount) => mount.min(own),
        };
        match nanos {
            0 => Deletion::Never,
            nanos => Deletion::At(created_ms.saturating_add(nanos.div_ceil(1_000_000))),
        }
    }

    /// Whether a secret's setting is longer than the mount allows.
    pub(super) const fn outlasted_by(&self, nanos: u64) -> bool {
        matches!(self.delete_after, DeleteAfter::Nanos(mount) if nanos > mount)
    }
}

/// The asked number of versions, if one was asked.
pub(super) fn asked_max_versions(call: &Call) -> Result<Option<u32>, Refusal> {
    let Some(asked) = call.fields.integer("max_versions") else {
        return Ok(None);
    };
    let valid = u32::try_from(asked)
        .ok()
        .filter(|asked| *asked <= MAX_VERSIONS_MAX);
    let text = format!("must be 0 to {MAX_VERSIONS_MAX}");
    valid
        .map(Some)
        .ok_or_else(|| Refusal::field("max_versions", &text))
}

/// A duration as it is kept. Parsing holds it to 100 years, which fits.
pub(super) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn asked_delete_after(call: &Call) -> Result<Option<DeleteAfter>, Refusal> {
    let Some(text) = call.fields.text("delete_version_after") else {
        return Ok(None);
    };
    let (negative, size) = text
        .trim()
        .strip_prefix('-')
        .map_or((false, text), |rest| (true, rest));
    let duration = parse_duration(size)
        .map_err(|why| Refusal::field("delete_version_after", &why.to_string()))?;
    Ok(Some(match nanos(duration) {
        0 => DeleteAfter::Unset,
        _ if negative => DeleteAfter::Disabled,
        nanos => DeleteAfter::Nanos(nanos),
    }))
}

pub(super) fn read(ctx: &mut Context<'_>, _call: &Call) -> Result<Reply, Refusal> {
    let config = MountConfig::load(ctx)?;
    let delete_after = match config.delete_after {
        DeleteAfter::Unset => shape::duration(0),
        DeleteAfter::Nanos(nanos) => shape::duration(nanos),
        DeleteAfter::Disabled => "-1s".to_owned(),
    };
    Ok(Reply::json(json!({
        "cas_required": config.cas_required,
        "delete_version_after": delete_after,
        "max_versions": config.max_versions,
        "metadata_cas_required": config.metadata_cas_required,
    })))
}

pub(super) fn write(ctx: &mut Context<'_>, call: &Call) -> Result<Reply, Refusal> {
    let mut config = MountConfig::load(ctx)?;
    if let Some(asked) = asked_max_versions(call)? {
        config.max_versions = asked;
    }
    if let Some(asked) = asked_delete_after(call)? {
        config.delete_after = asked;
    }
    if let Some(asked) = call.fields.boolean("cas_required") {
        config.cas_required = asked;
    }
    if let Some(asked) = call.fields.boolean("metadata_cas_required") {
        config.metadata_cas_required = asked;
    }
    let name = names::config(ctx);
    ctx.txn.store(&name, &config)?;
    Ok(Reply::none())
}
