//! Answers.

use serde_json::{Map, Value as Json};

/// An answer, before the envelope.
///
/// No `Debug`: it holds secrets.
#[derive(Default)]
pub struct Reply {
    /// The `data` object.
    pub data: Option<Map<String, Json>>,
    /// A new or renewed token.
    pub auth: Option<AuthReply>,
    /// The `lease_*` fields.
    pub lease: Option<LeaseReply>,
    /// Shown beside the answer.
    pub warnings: Vec<String>,
    /// How it is laid out.
    pub form: Form,
    /// Another status than 200 or 204.
    pub status: Option<u16>,
}

/// How an answer is laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// The envelope of eight keys.
    #[default]
    Envelope,
    /// The envelope, with the data's members repeated at the top level.
    Doubled,
    /// The data object alone.
    Bare,
    /// `data.text` as plain text of `data.content_type`.
    Text,
}

/// The `auth` part of an answer.
pub struct AuthReply {
    /// The token itself.
    pub client_token: String,
    /// Its accessor.
    pub accessor: String,
    /// Policies of the token and of the identity.
    pub policies: Vec<String>,
    /// Policies of the token alone.
    pub token_policies: Vec<String>,
    /// Given metadata.
    pub metadata: Option<Vec<(String, String)>>,
    /// Seconds to live, 0 = does not expire.
    pub lease_duration_s: u64,
    /// Can be renewed.
    pub renewable: bool,
    /// Identity, empty when none.
    pub entity_id: String,
    /// `service` or `batch`.
    pub token_type: &'static str,
    /// Has no parent.
    pub orphan: bool,
    /// Uses left, 0 = unlimited.
    pub num_uses: u64,
}

/// The `lease_*` part of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseReply {
    /// Empty when there is no lease to revoke.
    pub lease_id: String,
    /// Seconds.
    pub duration_s: u64,
    /// Can be renewed.
    pub renewable: bool,
}

impl Reply {
    /// Nothing to say: 204.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// A data object.
    #[must_use]
    pub fn data(data: Map<String, Json>) -> Self {
        Self {
            data: Some(data),
            ..Self::default()
        }
    }

    /// A data object given as a JSON literal.
    ///
    /// # Panics
    /// When the literal is not an object.
    #[must_use]
    pub fn json(value: Json) -> Self {
        match value {
            Json::Object(data) => Self::data(data),
            _ => panic!("a reply's data is an object"),
        }
    }

    /// The same, without an envelope.
    #[must_use]
    pub fn bare(value: Json) -> Self {
        Self {
            form: Form::Bare,
            ..Self::json(value)
        }
    }

    /// The same, with the data's members at the top level too.
    #[must_use]
    pub fn doubled(value: Json) -> Self {
        Self {
            form: Form::Doubled,
            ..Self::json(value)
        }
    }

    /// A LIST answer; [`crate::Refusal::NotFound`] when there are no keys.
    ///
    /// # Errors
    /// When there are no keys.
    pub fn keys(keys: Vec<String>) -> Result<Self, crate::Refusal> {
        if keys.is_empty() {
            return Err(crate::Refusal::NotFound);
        }
        let mut data = Map::new();
        data.insert("keys".to_owned(), Json::from(keys));
        Ok(Self::data(data))
    }

    /// With a warning.
    #[must_use]
    pub fn warn(mut self, text: impl Into<String>) -> Self {
        self.warnings.push(text.into());
        self
    }
}
