//! Answers: the raw response, and the envelope that most routes wrap their answer in.

use crate::error::{CallError, ServerRefusal};
use crate::token::Token;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json};

/// An answer as it came. No `Debug`: it may hold secrets.
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// `X-Vault-Index` of the answer, to be given to a later read.
    pub index: Option<String>,
    /// The JSON body; `None` when there was none.
    pub body: Option<Json>,
    /// The body of an answer that is not JSON.
    pub text: Option<String>,
}

impl Response {
    /// The envelope; `None` when the server had nothing to say.
    ///
    /// # Errors
    /// When the body is not an envelope.
    pub fn secret(self) -> Result<Option<Secret>, CallError> {
        match self.body {
            None => Ok(None),
            Some(body) => serde_json::from_value(body)
                .map(Some)
                .map_err(|_| CallError::Malformed("not an answer envelope")),
        }
    }

    /// The body as a type.
    ///
    /// # Errors
    /// When it is none of that shape.
    pub fn parse<T: DeserializeOwned>(self) -> Result<T, CallError> {
        let body = self
            .body
            .ok_or(CallError::Malformed("an answer without a body"))?;
        serde_json::from_value(body)
            .map_err(|_| CallError::Malformed("a member is missing or of another type"))
    }

    /// The envelope's `data`, if any.
    #[must_use]
    pub fn data(&self) -> Option<&Map<String, Json>> {
        self.body.as_ref()?.get("data")?.as_object()
    }

    /// The names of a LIST or SCAN.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        let keys = self
            .data()
            .and_then(|data| data.get("keys"))
            .and_then(Json::as_array);
        keys.into_iter()
            .flatten()
            .filter_map(Json::as_str)
            .map(str::to_owned)
            .collect()
    }
}

impl ServerRefusal {
    /// Whether a 404 says just that, rather than carrying data or reasons.
    pub(crate) fn body_is_bare(&self) -> bool {
        self.errors.is_empty() && self.data().is_none()
    }
}

/// The envelope of an answer. No `Debug`: it may hold secrets.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Secret {
    /// Names the request in the server's records.
    pub request_id: String,
    /// Empty when there is no lease.
    pub lease_id: String,
    /// Whether the lease can be renewed.
    pub renewable: bool,
    /// Seconds.
    pub lease_duration: u64,
    /// The answer proper.
    pub data: Option<Map<String, Json>>,
    /// Shown beside the answer.
    pub warnings: Option<Vec<String>>,
    /// A new or renewed token.
    pub auth: Option<Auth>,
}

/// The `auth` part of an answer. No `Debug`: it holds a token.
#[derive(Deserialize)]
pub struct Auth {
    /// The token itself.
    #[serde(deserialize_with = "token")]
    pub client_token: Token,
    /// Names the token without being it.
    #[serde(default)]
    pub accessor: String,
    /// Policies in force.
    #[serde(default)]
    pub policies: Vec<String>,
    /// Seconds to live; 0 does not expire.
    #[serde(default)]
    pub lease_duration: u64,
    /// Whether it can be renewed.
    #[serde(default)]
    pub renewable: bool,
}

/// Reads a token out of an answer.
pub(crate) fn token<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Token, D::Error> {
    String::deserialize(from).map(Token::new)
}
