//! One call before it is sent: operation, path, query, body.

use crate::error::CallError;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value as Json;
use std::time::Duration;

/// How fresh a read must be. Servers that do not know the header answer as they always do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Consistency {
    /// Everything acknowledged before is seen.
    #[default]
    Linearizable,
    /// At most this old.
    Bounded(Duration),
    /// Whatever the node has.
    Stale,
}

impl Consistency {
    /// The header's value; none for the default.
    pub(crate) fn header(self) -> Option<String> {
        match self {
            Self::Linearizable => None,
            Self::Bounded(age) => Some(format!("bounded={}ms", age.as_millis())),
            Self::Stale => Some("stale".to_owned()),
        }
    }
}

/// One call. Has no `Debug`: a body may be secret.
pub struct Request {
    pub(crate) method: reqwest::Method,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) body: Option<Json>,
    pub(crate) merge_patch: bool,
    pub(crate) repeatable: bool,
    pub(crate) any_status: bool,
    pub(crate) consistency: Option<Consistency>,
}

impl Request {
    fn new(method: reqwest::Method, path: &str) -> Self {
        let repeatable = method == reqwest::Method::GET;
        Self {
            method,
            path: path.to_owned(),
            query: Vec::new(),
            body: None,
            merge_patch: false,
            repeatable,
            any_status: false,
            consistency: None,
        }
    }

    /// GET. Paths are written plainly, without `/v1/`.
    #[must_use]
    pub fn get(path: &str) -> Self {
        Self::new(reqwest::Method::GET, path)
    }

    /// LIST, sent as `GET ?list=true`, which every proxy lets through.
    #[must_use]
    pub fn list(path: &str) -> Self {
        Self::get(path).query("list", "true")
    }

    /// SCAN, a recursive list.
    #[must_use]
    pub fn scan(path: &str) -> Self {
        Self::get(path).query("scan", "true")
    }

    /// POST with a JSON object.
    #[must_use]
    pub fn post(path: &str, body: Json) -> Self {
        Self {
            body: Some(body),
            ..Self::new(reqwest::Method::POST, path)
        }
    }

    /// PATCH with a JSON merge patch.
    #[must_use]
    pub fn patch(path: &str, body: Json) -> Self {
        Self {
            body: Some(body),
            merge_patch: true,
            ..Self::new(reqwest::Method::PATCH, path)
        }
    }

    /// DELETE.
    #[must_use]
    pub fn delete(path: &str) -> Self {
        Self::new(reqwest::Method::DELETE, path)
    }

    /// With a query parameter.
    #[must_use]
    pub fn query(mut self, name: &str, value: impl Into<String>) -> Self {
        self.query.push((name.to_owned(), value.into()));
        self
    }

    /// With another freshness than the client's.
    #[must_use]
    pub const fn consistency(mut self, consistency: Consistency) -> Self {
        self.consistency = Some(consistency);
        self
    }

    /// Takes any status as an answer and never repeats (`sys/health` speaks in statuses).
    #[must_use]
    pub const fn any_status(mut self) -> Self {
        self.any_status = true;
        self.repeatable = false;
        self
    }

    /// The encoded path, from `/v1/` on.
    pub(crate) fn encoded_path(&self) -> Result<String, CallError> {
        let path = self.path.trim_start_matches('/');
        if path.split('/').any(|segment| matches!(segment, "." | "..")) {
            return Err(CallError::Unsendable("a path may not hold \".\" or \"..\""));
        }
        let mut out = String::from("/v1/");
        for (at, segment) in path.split('/').enumerate() {
            if at > 0 {
                out.push('/');
            }
            out.extend(utf8_percent_encode(segment, ESCAPED));
        }
        Ok(out)
    }
}

/// Everything but RFC 3986's unreserved characters.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_encoded_segment_by_segment() {
        let encoded = |path: &str| Request::get(path).encoded_path().unwrap();
        assert_eq!(encoded("secret/data/a b"), "/v1/secret/data/a%20b");
        assert_eq!(encoded("/secret/a?b#c%2f/"), "/v1/secret/a%3Fb%23c%252f/");
        assert!(Request::get("a/../b").encoded_path().is_err());
        assert!(Request::get("a/./b").encoded_path().is_err());
    }

    #[test]
    fn only_reads_are_repeatable_and_health_is_not() {
        assert!(Request::list("a").repeatable);
        assert!(!Request::post("a", Json::Null).repeatable);
        assert!(!Request::delete("a").repeatable);
        assert!(!Request::get("sys/health").any_status().repeatable);
    }

    #[test]
    fn consistency_is_a_header_unless_default() {
        assert_eq!(Consistency::Linearizable.header(), None);
        assert_eq!(
            Consistency::Bounded(Duration::from_millis(250))
                .header()
                .unwrap(),
            "bounded=250ms"
        );
    }
}
