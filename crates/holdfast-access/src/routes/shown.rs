//! Tokens as answers show them.

use crate::token::{Expiry, TokenRecord};
use holdfast_contract::{AuthReply, Object};
use serde_json::{Map, Value as Json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// RFC 3339 in UTC, from milliseconds since the Unix epoch.
pub(super) fn rfc3339(ms: u64) -> String {
    let moment = OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000).ok();
    let text = moment.and_then(|moment| moment.format(&Rfc3339).ok());
    text.unwrap_or_else(|| "9999-12-31T23:59:59.999999999Z".to_owned())
}

/// The `auth` part. `token` is empty where the answer must not tell it.
pub(super) fn auth(token: &str, record: &TokenRecord, now_ms: u64) -> AuthReply {
    AuthReply {
        client_token: token.to_owned(),
        accessor: record.accessor.clone(),
        policies: record.policies.clone(),
        token_policies: record.policies.clone(),
        metadata: (!record.meta.is_empty()).then(|| record.meta.clone()),
        lease_duration_s: record.seconds_left(now_ms),
        renewable: record.renewable,
        entity_id: record.entity_id.clone(),
        token_type: "service",
        orphan: record.parent.is_none(),
        num_uses: record.num_uses,
    }
}

/// The `data` of a lookup. `id` is empty where the answer must not tell it.
pub(super) fn lookup(id: &str, record: &TokenRecord, now_ms: u64) -> Object {
    let meta = record
        .meta
        .iter()
        .map(|(key, value)| (key.clone(), Json::from(value.as_str())));
    let meta: Map<String, Json> = meta.collect();
    let mut data = Object::new();
    let mut put = |key: &str, value: Json| data.insert(key.to_owned(), value);
    put("accessor", record.accessor.as_str().into());
    put("creation_time", (record.created_ms / 1000).into());
    put("creation_ttl", record.ttl_s.into());
    put("display_name", record.display_name.as_str().into());
    put("entity_id", record.entity_id.as_str().into());
    put(
        "expire_time",
        match record.expiry {
            Expiry::Never => Json::Null,
            Expiry::At(end_ms) => rfc3339(end_ms).into(),
        },
    );
    put("explicit_max_ttl", record.explicit_max_ttl_s.into());
    put("id", id.into());
    put("issue_time", rfc3339(record.created_ms).into());
    put(
        "meta",
        if meta.is_empty() {
            Json::Null
        } else {
            Json::Object(meta)
        },
    );
    put("num_uses", record.num_uses.into());
    put("orphan", record.parent.is_none().into());
    put("path", record.path.as_str().into());
    put("policies", record.policies.clone().into());
    put("renewable", record.renewable.into());
    put("ttl", record.seconds_left(now_ms).into());
    put("type", "service".into());
    if record.period_s > 0 {
        put("period", record.period_s.into());
    }
    if record.renewed_ms > 0 {
        put("last_renewal", rfc3339(record.renewed_ms).into());
        put("last_renewal_time", (record.renewed_ms / 1000).into());
    }
    data
}
