//! Custom metadata: short texts that clients keep beside a secret.
//!
//! Refusals name the field and the limit, never a key or a value: clients put secrets in the wrong place now and then.

use super::record::SecretRecord;
use holdfast_contract::{Call, Refusal};
use serde_json::Value as Json;

const PAIRS_MAX: usize = 64;
const KEY_BYTES_MAX: usize = 128;
const VALUE_BYTES_MAX: usize = 512;

/// Replaces all of it, if the call says so.
pub(super) fn replace(secret: &mut SecretRecord, call: &Call) -> Result<(), Refusal> {
    let Some(Json::Object(asked)) = call.fields.json("custom_metadata") else {
        return Ok(());
    };
    let pairs = asked
        .iter()
        .map(|(key, value)| Ok((key.clone(), text(value)?)));
    secret.custom_metadata = pairs.collect::<Result<_, Refusal>>()?;
    check(&secret.custom_metadata)
}

/// Changes the pairs named: null removes one.
pub(super) fn merge(secret: &mut SecretRecord, call: &Call) -> Result<(), Refusal> {
    let Some(Json::Object(asked)) = call.fields.json("custom_metadata") else {
        return Ok(());
    };
    for (key, value) in asked {
        let known = secret
            .custom_metadata
            .iter()
            .position(|(known, _)| known == key);
        match (value, known) {
            (Json::Null, Some(at)) => drop(secret.custom_metadata.remove(at)),
            (Json::Null, None) => {}
            (value, Some(at)) => secret.custom_metadata[at].1 = text(value)?,
            (value, None) => {
                // Checked as it grows, so that an oversized call costs nothing.
                if secret.custom_metadata.len() > PAIRS_MAX {
                    break;
                }
                secret.custom_metadata.push((key.clone(), text(value)?));
            }
        }
    }
    check(&secret.custom_metadata)
}

fn text(value: &Json) -> Result<String, Refusal> {
    match value {
        Json::String(text) => Ok(text.clone()),
        Json::Number(number) => Ok(number.to_string()),
        Json::Bool(flag) => Ok(flag.to_string()),
        _ => Err(refuse("values must be strings")),
    }
}

fn check(pairs: &[(String, String)]) -> Result<(), Refusal> {
    if pairs.len() > PAIRS_MAX {
        return Err(refuse(&format!("must contain at most {PAIRS_MAX} keys")));
    }
    for (key, value) in pairs {
        if key.is_empty() || key.len() > KEY_BYTES_MAX {
            return Err(refuse(&format!(
                "length of a key must be 1 to {KEY_BYTES_MAX} bytes"
            )));
        }
        if value.is_empty() || value.len() > VALUE_BYTES_MAX {
            return Err(refuse(&format!(
                "length of a value must be 1 to {VALUE_BYTES_MAX} bytes"
            )));
        }
        if key.chars().chain(value.chars()).any(char::is_control) {
            return Err(refuse("keys and values must be printable"));
        }
    }
    Ok(())
}

fn refuse(what: &str) -> Refusal {
    Refusal::Invalid(format!("custom_metadata validation failed: {what}"))
}
