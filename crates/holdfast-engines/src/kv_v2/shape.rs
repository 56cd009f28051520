//! How records are shown.

use super::record::{Deletion, SecretRecord, VersionRecord};
use crate::timestamp::rfc3339;
use holdfast_contract::Object;
use holdfast_types::format_go_duration;
use serde_json::{Value as Json, json};
use std::time::Duration;

/// One version, as reads and writes of data show it.
pub(super) fn version(secret: &SecretRecord, number: u64, version: &VersionRecord) -> Object {
    let mut shown = Object::new();
    shown.insert(
        "created_time".to_owned(),
        Json::from(rfc3339(version.created_ms)),
    );
    shown.insert("custom_metadata".to_owned(), custom_metadata(secret));
    shown.insert(
        "deletion_time".to_owned(),
        Json::from(deletion_time(version.deletion)),
    );
    shown.insert("destroyed".to_owned(), Json::from(version.destroyed));
    shown.insert("version".to_owned(), Json::from(number));
    shown
}

/// The whole record.
pub(super) fn metadata(secret: &SecretRecord) -> Json {
    let versions: Object = secret
        .versions()
        .map(|(number, version)| {
            let shown = json!({
                "created_time": rfc3339(version.created_ms),
                "deletion_time": deletion_time(version.deletion),
                "destroyed": version.destroyed,
            });
            (number.to_string(), shown)
        })
        .collect();
    json!({
        "cas_required": secret.cas_required,
        "created_time": rfc3339(secret.created_ms),
        "current_metadata_version": secret.metadata_version,
        "current_version": secret.current,
        "custom_metadata": custom_metadata(secret),
        "delete_version_after": duration(secret.delete_after_ns),
        "max_versions": secret.max_versions,
        "metadata_cas_required": secret.metadata_cas_required,
        "oldest_version": secret.oldest,
        "updated_time": rfc3339(secret.updated_ms),
        "versions": versions,
    })
}

/// Nanoseconds in the Go form.
pub(super) fn duration(nanos: u64) -> String {
    format_go_duration(Duration::from_nanos(nanos))
}

fn deletion_time(deletion: Deletion) -> String {
    deletion.shown_ms().map(rfc3339).unwrap_or_default()
}

fn custom_metadata(secret: &SecretRecord) -> Json {
    if secret.custom_metadata.is_empty() {
        return Json::Null;
    }
    let pairs = secret.custom_metadata.iter();
    Json::Object(
        pairs
            .map(|(key, value)| (key.clone(), Json::from(value.as_str())))
            .collect(),
    )
}
