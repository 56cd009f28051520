//! A request as it arrives and as a handler sees it.

use crate::field::Value;
use crate::route::Operation;
use holdfast_types::CanonPath;
use serde_json::{Map, Value as Json};
use std::time::Duration;

/// What the edge hands to the pipeline. Everything is bounded and parsed, nothing is trusted.
///
/// No `Debug`: it holds the token and the body.
pub struct Incoming {
    /// Unique, for the envelope and logs.
    pub request_id: String,
    /// What is asked.
    pub operation: Operation,
    /// Where, without `/v1/`.
    pub path: CanonPath,
    /// The namespace header, empty for the root namespace.
    pub namespace: String,
    /// The client's token.
    pub token: Option<String>,
    /// The JSON body; empty when there was none.
    pub body: Map<String, Json>,
    /// The query's pairs, percent-decoded, without `list`, `scan` and `help`.
    pub query: Vec<(String, String)>,
    /// Where the client connected from.
    pub remote_addr: String,
    /// Asked freshness of reads.
    pub freshness: holdfast_barrier::Freshness,
}

/// A routed call, inputs decoded.
///
/// No `Debug`: fields may be secret.
pub struct Call {
    /// What is asked.
    pub operation: Operation,
    /// The path within the mount.
    pub path: CanonPath,
    /// Parameters of the path by name.
    pub params: Vec<(&'static str, String)>,
    /// Decoded inputs.
    pub fields: Fields,
}

impl Call {
    /// A parameter of the path; empty when the pattern has none of that name.
    #[must_use]
    pub fn param(&self, name: &str) -> &str {
        self.params
            .iter()
            .find(|(key, _)| *key == name)
            .map_or("", |(_, value)| value)
    }
}

/// Decoded inputs by name.
#[derive(Clone, Default)]
pub struct Fields {
    values: Vec<(&'static str, Value)>,
    payload: Map<String, Json>,
}

impl Fields {
    /// Decoded values and, for [`crate::Body::Payload`] routes, the members that were not declared.
    #[must_use]
    pub const fn new(values: Vec<(&'static str, Value)>, payload: Map<String, Json>) -> Self {
        Self { values, payload }
    }

    /// The value, if the client sent it and it was not null.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value)
    }

    /// Whether the client sent it.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// A text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// A whole number.
    #[must_use]
    pub fn integer(&self, name: &str) -> Option<i64> {
        match self.get(name) {
            Some(Value::Integer(number)) => Some(*number),
            _ => None,
        }
    }

    /// A boolean.
    #[must_use]
    pub fn boolean(&self, name: &str) -> Option<bool> {
        match self.get(name) {
            Some(Value::Boolean(flag)) => Some(*flag),
            _ => None,
        }
    }

    /// A duration.
    #[must_use]
    pub fn duration(&self, name: &str) -> Option<Duration> {
        match self.get(name) {
            Some(Value::Duration(duration)) => Some(*duration),
            _ => None,
        }
    }

    /// A list of texts.
    #[must_use]
    pub fn texts(&self, name: &str) -> Option<&[String]> {
        match self.get(name) {
            Some(Value::TextList(list)) => Some(list),
            _ => None,
        }
    }

    /// A list of whole numbers.
    #[must_use]
    pub fn integers(&self, name: &str) -> Option<&[i64]> {
        match self.get(name) {
            Some(Value::IntegerList(list)) => Some(list),
            _ => None,
        }
    }

    /// An object with text values, in the order written.
    #[must_use]
    pub fn text_map(&self, name: &str) -> Option<&[(String, String)]> {
        match self.get(name) {
            Some(Value::TextMap(map)) => Some(map),
            _ => None,
        }
    }

    /// Any JSON value.
    #[must_use]
    pub fn json(&self, name: &str) -> Option<&Json> {
        match self.get(name) {
            Some(Value::Json(json)) => Some(json),
            _ => None,
        }
    }

    /// The members that were not declared, on routes that take a payload.
    #[must_use]
    pub const fn payload(&self) -> &Map<String, Json> {
        &self.payload
    }
}
