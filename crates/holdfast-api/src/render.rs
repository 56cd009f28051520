//! From an answer to an HTTP response: envelope, error shapes, headers.

use crate::{index, status};
use bytes::Bytes;
use holdfast_contract::{AuthReply, Form, Refusal, Reply};
use holdfast_request::Answer;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::{Map, Value as Json, json};

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The response to an answer.
pub(crate) fn response(answer: Answer) -> Response<Bytes> {
    let rendered = match &answer.result {
        Ok(reply) => success(reply, &answer),
        Err(refusal) => {
            status::log(refusal, &answer.request_id);
            refused(refusal, &answer)
        }
    };
    finish(rendered)
}

/// The response to what was refused before it got a request id.
pub(crate) fn refusal(refusal: Refusal) -> Response<Bytes> {
    response(Answer {
        result: Err(refusal),
        request_id: String::new(),
        mount_type: String::new(),
        index: None,
        age_ms: None,
    })
}

struct Rendered {
    status: u16,
    kind: HeaderValue,
    body: Vec<u8>,
    index: Option<u64>,
    age_ms: Option<u64>,
    retry: bool,
}

fn success(reply: &Reply, answer: &Answer) -> Rendered {
    let empty = reply.data.is_none()
        && reply.auth.is_none()
        && reply.lease.is_none()
        && reply.warnings.is_empty();
    let mut rendered = Rendered {
        status: reply.status.unwrap_or(if empty { 204 } else { 200 }),
        kind: JSON,
        body: Vec::new(),
        index: answer.index,
        age_ms: answer.age_ms,
        retry: false,
    };
    if empty {
        return rendered;
    }
    match reply.form {
        Form::Envelope => rendered.body = bytes(&Envelope::of(reply, answer, false)),
        Form::Doubled => rendered.body = bytes(&Envelope::of(reply, answer, true)),
        Form::Bare => rendered.body = bytes(&reply.data),
        Form::Text => {
            let text = |name: &str| {
                reply
                    .data
                    .as_ref()
                    .and_then(|data| data.get(name))
                    .and_then(Json::as_str)
            };
            rendered.body = text("text").unwrap_or_default().as_bytes().to_vec();
            let kind = text("content_type").unwrap_or("text/plain; charset=utf-8");
            rendered.kind =
                HeaderValue::from_str(kind).unwrap_or(HeaderValue::from_static("text/plain"));
        }
    }
    rendered
}

fn refused(refusal: &Refusal, answer: &Answer) -> Rendered {
    let told = status::of(refusal);
    let body = if let Refusal::Gone(data) = refusal {
        bytes(&Envelope {
            data: Some(data),
            ..Envelope::of(&Reply::none(), answer, false)
        })
    } else {
        let errors: Vec<String> = status::message(refusal).into_iter().collect();
        bytes(&json!({ "errors": errors }))
    };
    let index = matches!(refusal, Refusal::Gone(_))
        .then_some(answer.index)
        .flatten();
    Rendered {
        status: told.http,
        kind: JSON,
        body,
        index,
        age_ms: answer.age_ms,
        retry: told.retry,
    }
}

fn finish(rendered: Rendered) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(rendered.body));
    *response.status_mut() =
        StatusCode::from_u16(rendered.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if rendered.status != 204 {
        headers.insert(CONTENT_TYPE, rendered.kind);
    }
    if let Some(value) = rendered
        .index
        .and_then(|index| HeaderValue::from_str(&index::encode(index)).ok())
    {
        headers.insert("x-vault-index", value);
    }
    if let Some(age_ms) = rendered.age_ms {
        headers.insert("x-holdfast-age-ms", HeaderValue::from(age_ms));
    }
    if rendered.retry {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// The text of a value that was built by this product: it always has one.
fn bytes(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("maps with text keys have a JSON form")
}

/// The eight keys that every enveloped answer has, and `mount_type`.
struct Envelope<'a> {
    request_id: &'a str,
    mount_type: &'a str,
    lease_id: &'a str,
    renewable: bool,
    lease_duration: u64,
    data: Option<&'a Map<String, Json>>,
    warnings: Option<&'a [String]>,
    auth: Option<&'a AuthReply>,
    doubled: bool,
}

impl<'a> Envelope<'a> {
    fn of(reply: &'a Reply, answer: &'a Answer, doubled: bool) -> Self {
        let lease = reply.lease.as_ref();
        Self {
            request_id: &answer.request_id,
            mount_type: &answer.mount_type,
            lease_id: lease.map_or("", |lease| &lease.lease_id),
            renewable: lease.is_some_and(|lease| lease.renewable),
            lease_duration: lease.map_or(0, |lease| lease.duration_s),
            data: reply.data.as_ref(),
            warnings: (!reply.warnings.is_empty()).then_some(&reply.warnings),
            auth: reply.auth.as_ref(),
            doubled,
        }
    }
}

const KEYS: [&str; 9] = [
    "request_id",
    "lease_id",
    "renewable",
    "lease_duration",
    "data",
    "wrap_info",
    "warnings",
    "auth",
    "mount_type",
];

impl Serialize for Envelope<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("request_id", self.request_id)?;
        map.serialize_entry("lease_id", self.lease_id)?;
        map.serialize_entry("renewable", &self.renewable)?;
        map.serialize_entry("lease_duration", &self.lease_duration)?;
        map.serialize_entry("data", &self.data)?;
        map.serialize_entry("wrap_info", &())?;
        map.serialize_entry("warnings", &self.warnings)?;
        map.serialize_entry("auth", &self.auth.map(Auth))?;
        map.serialize_entry("mount_type", self.mount_type)?;
        if self.doubled {
            let members = self
                .data
                .into_iter()
                .flatten()
                .filter(|(key, _)| !KEYS.contains(&key.as_str()));
            for (key, value) in members {
                map.serialize_entry(key, value)?;
            }
        }
        map.end()
    }
}

struct Auth<'a>(&'a AuthReply);

impl Serialize for Auth<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let auth = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("client_token", &auth.client_token)?;
        map.serialize_entry("accessor", &auth.accessor)?;
        map.serialize_entry("policies", &auth.policies)?;
        map.serialize_entry("token_policies", &auth.token_policies)?;
        map.serialize_entry("identity_policies", &())?;
        let metadata: Option<Map<String, Json>> = auth.metadata.as_ref().map(|pairs| {
            pairs
                .iter()
                .map(|(key, value)| (key.clone(), Json::from(value.as_str())))
                .collect()
        });
        map.serialize_entry("metadata", &metadata)?;
        map.serialize_entry("lease_duration", &auth.lease_duration_s)?;
        map.serialize_entry("renewable", &auth.renewable)?;
        map.serialize_entry("entity_id", &auth.entity_id)?;
        map.serialize_entry("token_type", auth.token_type)?;
        map.serialize_entry("orphan", &auth.orphan)?;
        map.serialize_entry("mfa_requirement", &())?;
        map.serialize_entry("num_uses", &auth.num_uses)?;
        map.end()
    }
}

#[cfg(test)]
#[path = "render_tests.rs"]
mod tests;
