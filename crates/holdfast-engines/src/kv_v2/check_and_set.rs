//! Check-and-set: a write that is done only while the version it was made for still stands.
//!
//! Clients match on the texts of these refusals.

use super::config::MountConfig;
use super::record::SecretRecord;
use holdfast_contract::{Call, Refusal};
use serde_json::Value as Json;

fn refuse(text: &str) -> Refusal {
    Refusal::Invalid(text.to_owned())
}

/// Checks `options.cas` of a write to a secret as it stands.
pub(super) fn check(
    call: &Call,
    config: &MountConfig,
    secret: &SecretRecord,
) -> Result<(), Refusal> {
    let asked = call
        .fields
        .json("options")
        .and_then(|options| options.get("cas"));
    match asked {
        Some(asked) => {
            // Null is refused, not taken for absent: a client that lost its number must not overwrite.
            let asked =
                whole(asked).ok_or_else(|| refuse("error parsing check-and-set parameter"))?;
            if u64::try_from(asked) == Ok(secret.current) {
                return Ok(());
            }
            Err(refuse(
                "check-and-set parameter did not match the current version",
            ))
        }
        None if config.cas_required() || secret.cas_required => {
            Err(refuse("check-and-set parameter required for this call"))
        }
        None => Ok(()),
    }
}

/// Checks `metadata_cas` of a change to a secret's settings; `None` when the secret is new.
pub(super) fn check_metadata(
    call: &Call,
    config: &MountConfig,
    secret: Option<&SecretRecord>,
) -> Result<(), Refusal> {
    let required =
        config.metadata_cas_required() || secret.is_some_and(|secret| secret.metadata_cas_required);
    match (call.fields.integer("metadata_cas"), secret) {
        (None, _) if required => Err(refuse(
            "metadata check-and-set parameter required for this call",
        )),
        (Some(asked), None) if asked != 0 => {
            Err(refuse("metadata_cas must be 0 when creating new metadata"))
        }
        (Some(asked), Some(secret)) if u64::try_from(asked) != Ok(secret.metadata_version) => Err(
            refuse("metadata check-and-set parameter does not match the current version"),
        ),
        _ => Ok(()),
    }
}

fn whole(value: &Json) -> Option<i64> {
    match value {
        Json::Number(number) => number.as_i64(),
        Json::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}
