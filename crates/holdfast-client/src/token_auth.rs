//! Tokens: make, look up, renew, revoke.

use crate::client::Client;
use crate::envelope::Auth;
use crate::error::CallError;
use crate::request::Request;
use serde_json::{Map, Value as Json, json};

/// The token method, of one client.
pub struct TokenAuth<'a> {
    pub(crate) client: &'a Client,
}

impl TokenAuth<'_> {
    async fn auth(&self, path: &str, body: Json) -> Result<Auth, CallError> {
        let secret = self.client.write(path, body).await?;
        secret
            .and_then(|secret| secret.auth)
            .ok_or(CallError::Malformed("an answer without a token"))
    }

    /// Makes a child token. `settings` holds `policies`, `ttl`, `display_name` and so on.
    ///
    /// # Errors
    /// When the server refuses or cannot be reached.
    pub async fn create(&self, settings: Json) -> Result<Auth, CallError> {
        self.auth("auth/token/create", settings).await
    }

    /// What is known about the client's own token.
    ///
    /// # Errors
    /// When the server refuses or cannot be reached.
    pub async fn lookup_self(&self) -> Result<Map<String, Json>, CallError> {
        let response = self
            .client
            .call(Request::get("auth/token/lookup-self"))
            .await?;
        response
            .data()
            .cloned()
            .ok_or(CallError::Malformed("an answer without data"))
    }

    /// Renews the client's own token.
    ///
    /// # Errors
    /// When the server refuses or cannot be reached.
    pub async fn renew_self(&self) -> Result<Auth, CallError> {
        self.auth("auth/token/renew-self", json!({})).await
    }

    /// Revokes the client's own token with all its children.
    ///
    /// # Errors
    /// When the server refuses or cannot be reached.
    pub async fn revoke_self(&self) -> Result<(), CallError> {
        self.client
            .call(Request::post("auth/token/revoke-self", json!({})))
            .await
            .map(drop)
    }
}
