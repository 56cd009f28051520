//! Reading a request's body within bounds, and making a JSON object of it.

use crate::headers::media_type;
use crate::json_limits::{self, JsonLimits};
use crate::limits::Limits;
use bytes::{Buf, Bytes, BytesMut};
use holdfast_contract::Refusal;
use holdfast_types::limits::{JSON_DEPTH_MAX, JSON_NODES_MAX};
use http::HeaderMap;
use http_body_util::BodyExt;
use serde_json::{Map, Value as Json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};
use url::form_urlencoded;

/// Unit in which memory for bodies is given out.
const UNIT_BYTES: usize = 16 * 1024;
/// How long the rest of a refused body is read and thrown away, so that a client still sending reads the refusal.
const LINGER: Duration = Duration::from_secs(1);

/// Memory for bodies, shared by all connections of a listener.
pub(crate) struct BodyBudget {
    units: Arc<Semaphore>,
}

impl BodyBudget {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            units: Arc::new(Semaphore::new(
                (limits.body_bytes_total / UNIT_BYTES).max(1),
            )),
        }
    }
}

/// A body read whole. What it takes of the budget is given back when it is dropped.
pub(crate) struct Whole {
    bytes: Bytes,
    _held: Vec<OwnedSemaphorePermit>,
}

/// Reads a body that is within bounds.
///
/// # Errors
/// 413 when it is too large, 503 when there is no memory for it, 400 when it stops arriving.
pub(crate) async fn read(
    body: axum::body::Body,
    limits: &Limits,
    budget: &BodyBudget,
    deadline: Instant,
) -> Result<Whole, Refusal> {
    let mut body = body;
    let outcome = gather(&mut body, limits, budget, deadline).await;
    if outcome.is_err() {
        discard(body, limits.body_bytes).await;
    }
    outcome
}

async fn gather(
    body: &mut axum::body::Body,
    limits: &Limits,
    budget: &BodyBudget,
    deadline: Instant,
) -> Result<Whole, Refusal> {
    let too_large = || {
        Refusal::TooLarge(format!(
            "the body is larger than {} bytes",
            limits.body_bytes
        ))
    };
    if hyper::body::Body::size_hint(body).lower() > limits.body_bytes as u64 {
        return Err(too_large());
    }
    let mut bytes = BytesMut::new();
    let mut held = Vec::new();
    let mut held_bytes = 0;
    loop {
        let silence = Instant::now() + limits.body_silence;
        let Ok(frame) = timeout_at(deadline.min(silence), body.frame()).await else {
            return Err(Refusal::Invalid(
                "the body did not arrive in time".to_owned(),
            ));
        };
        let Some(frame) = frame else {
            return Ok(Whole {
                bytes: bytes.freeze(),
                _held: held,
            });
        };
        let frame = frame.map_err(|_| Refusal::Invalid("the body broke off".to_owned()))?;
        let Ok(chunk) = frame.into_data() else {
            continue;
        };
        if bytes.len() + chunk.remaining() > limits.body_bytes {
            return Err(too_large());
        }
        while bytes.len() + chunk.remaining() > held_bytes {
            let unit = Arc::clone(&budget.units).try_acquire_owned();
            held.push(
                unit.map_err(|_| {
                    Refusal::Unavailable("too many large requests at once".to_owned())
                })?,
            );
            held_bytes += UNIT_BYTES;
        }
        bytes.extend_from_slice(&chunk);
    }
}

async fn discard(mut body: axum::body::Body, most: usize) {
    let mut left = most;
    let reading = async {
        while let Some(Ok(frame)) = body.frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if left == 0 {
                break;
            }
        }
    };
    // Whether all of it was read makes no difference: the connection is closed after a refusal of a body.
    drop(timeout(LINGER, reading).await);
}

impl Whole {
    /// The JSON object in the body; empty when there is none. Form encoding is taken only if declared, and if the body does
    /// not begin as JSON, since `curl -d` declares it for everything.
    pub(crate) fn into_object(self, headers: &HeaderMap) -> Result<Map<String, Json>, Refusal> {
        let form = media_type(headers)
            .is_some_and(|kind| kind.eq_ignore_ascii_case("application/x-www-form-urlencoded"));
        match self.bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
            None => Ok(Map::new()),
            Some(byte) if form && !matches!(byte, b'{' | b'[') => form_object(&self.bytes),
            Some(_) => json_object(&self.bytes),
        }
    }
}

/// Parses a JSON object within the product's bounds.
pub(crate) fn json_object(text: &[u8]) -> Result<Map<String, Json>, Refusal> {
    let limits = JsonLimits {
        depth: JSON_DEPTH_MAX,
        values: JSON_NODES_MAX,
    };
    json_limits::check(text, limits).map_err(|why| Refusal::Invalid(why.to_string()))?;
    // The parser's own message could quote the text; its place is enough.
    serde_json::from_slice(text).map_err(|why| {
        Refusal::Invalid(format!(
            "the body is malformed JSON, at line {} column {}",
            why.line(),
            why.column()
        ))
    })
}

fn form_object(text: &[u8]) -> Result<Map<String, Json>, Refusal> {
    let mut object = Map::new();
    for (name, value) in form_urlencoded::parse(text) {
        if object.len() == JSON_NODES_MAX {
            return Err(Refusal::Invalid(format!(
                "the body has more than {JSON_NODES_MAX} values"
            )));
        }
        if object
            .insert(name.into_owned(), Json::from(value))
            .is_some()
        {
            return Err(Refusal::Invalid(
                "the body has the same member twice".to_owned(),
            ));
        }
    }
    Ok(object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn limits() -> Limits {
        Limits {
            body_bytes: 100,
            body_bytes_total: UNIT_BYTES,
            body_silence: Duration::from_millis(50),
            ..Limits::default()
        }
    }

    async fn read_all(body: axum::body::Body, budget: &BodyBudget) -> Result<Whole, Refusal> {
        read(
            body,
            &limits(),
            budget,
            Instant::now() + Duration::from_secs(5),
        )
        .await
    }

    fn object(text: &str, kind: &'static str) -> Result<Map<String, Json>, Refusal> {
        let mut headers = HeaderMap::new();
        headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static(kind));
        Whole {
            bytes: Bytes::from(text.to_owned()),
            _held: Vec::new(),
        }
        .into_object(&headers)
    }

    #[tokio::test]
    async fn reads_what_fits_and_refuses_more() {
        let budget = BodyBudget::new(&limits());
        let whole = read_all("x".repeat(100).into(), &budget).await;
        assert_eq!(whole.ok().unwrap().bytes.len(), 100);
        assert!(matches!(
            read_all("x".repeat(101).into(), &budget).await,
            Err(Refusal::TooLarge(_))
        ));
        // Chunked, so that nothing declares the length.
        let chunk = || Ok::<_, std::io::Error>(Bytes::from(vec![0; 60]));
        let chunks = futures::stream::iter([chunk(), chunk()]);
        let chunked = axum::body::Body::from_stream(chunks);
        assert!(matches!(
            read_all(chunked, &budget).await,
            Err(Refusal::TooLarge(_))
        ));
    }

    #[tokio::test]
    async fn refuses_what_stops_arriving_and_what_has_no_room() {
        let budget = BodyBudget::new(&limits());
        let silent = axum::body::Body::from_stream(futures::stream::pending::<
            Result<Bytes, std::io::Error>,
        >());
        let Err(Refusal::Invalid(text)) = read_all(silent, &budget).await else {
            panic!("refused")
        };
        assert!(text.contains("in time"), "{text}");
        let first = read_all("x".into(), &budget).await.ok().unwrap();
        assert!(matches!(
            read_all("x".into(), &budget).await,
            Err(Refusal::Unavailable(_))
        ));
        drop(first);
        assert!(read_all("x".into(), &budget).await.is_ok());
    }

    #[test]
    fn json_whatever_is_declared_and_forms_only_if_declared() {
        let json = object(r#"{"a": 1e400}"#, "application/x-www-form-urlencoded")
            .ok()
            .unwrap();
        assert_eq!(json["a"].to_string(), "1e+400");
        let form = object("a=1&b=x%20y", "application/x-www-form-urlencoded")
            .ok()
            .unwrap();
        assert_eq!(
            (form["a"].as_str(), form["b"].as_str()),
            (Some("1"), Some("x y"))
        );
        assert!(object("  ", "application/json").ok().unwrap().is_empty());
        assert!(object("a=1", "application/json").is_err());
    }

    #[test]
    fn complaints_show_no_value() {
        for bad in [
            r#"{"a": canary}"#,
            r#"["canary"]"#,
            r#"{"a": "canary"} x"#,
            r#"{"canary": 1, "canary": 2}"#,
            "{\"a\": \"canary\n\"}",
        ] {
            let Err(refusal) = object(bad, "") else {
                panic!("{bad}")
            };
            let text = refusal.to_string();
            assert!(
                text.starts_with("the body") && !text.contains("canary"),
                "{text}"
            );
        }
    }
}
