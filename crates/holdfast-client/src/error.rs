//! Why a call has no answer. Nothing here ever holds a token or a body.

use serde_json::{Map, Value as Json};
use std::fmt;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// No address could be connected to; nothing was sent.
    #[error("no server could be reached at {addresses}")]
    Unreachable {
        /// What was tried.
        addresses: String,
        /// The last failure.
        source: reqwest::Error,
    },
    /// The connection broke or time ran out after the request was sent: it may or may not have been carried out.
    #[error("{address} gave no answer; the request may or may not have been carried out")]
    NoAnswer {
        /// Which server.
        address: String,
        /// How it ended.
        source: reqwest::Error,
    },
    /// The server refused.
    #[error("{0}")]
    Refused(Box<ServerRefusal>),
    /// The server's answer is not what this API says.
    #[error("the server's answer is not understood: {0}")]
    Malformed(&'static str),
    /// The request cannot be written: a path, a token or a namespace with characters that no request may hold.
    #[error("the request cannot be sent: {0}")]
    Unsendable(&'static str),
}

impl CallError {
    /// The HTTP status, when the server answered with one.
    #[must_use]
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Refused(refusal) => Some(refusal.status),
            _ => None,
        }
    }
}

/// A refusal in the server's own words.
pub struct ServerRefusal {
    /// HTTP status, 400 or more.
    pub status: u16,
    /// The server's messages; empty for a plain 404.
    pub errors: Vec<String>,
    /// What came beside them.
    pub warnings: Vec<String>,
    /// The body as it came, such as the metadata of a deleted version.
    pub body: Option<Json>,
}

impl ServerRefusal {
    /// The `data` that came with the refusal.
    #[must_use]
    pub fn data(&self) -> Option<&Map<String, Json>> {
        self.body.as_ref()?.get("data")?.as_object()
    }
}

impl fmt::Debug for ServerRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerRefusal")
            .field("status", &self.status)
            .field("errors", &self.errors)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for ServerRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.errors.is_empty() {
            let meaning = if self.status == 404 {
                "nothing there"
            } else {
                "no reason given"
            };
            return write!(f, "the server answered {}: {meaning}", self.status);
        }
        write!(
            f,
            "the server answered {}: {}",
            self.status,
            self.errors.join("; ")
        )
    }
}

impl std::error::Error for ServerRefusal {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_body() {
        let refusal = ServerRefusal {
            status: 404,
            errors: vec![],
            warnings: vec![],
            body: Some(serde_json::json!({ "data": { "k": "canary" } })),
        };
        assert_eq!(refusal.data().unwrap()["k"], "canary");
        let shown = format!("{refusal:?} {refusal}");
        assert!(!shown.contains("canary"), "{shown}");
        assert!(shown.contains("nothing there"), "{shown}");
    }
}
