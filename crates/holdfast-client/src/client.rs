//! The client: cheap to clone, one connection pool for all clones.

use crate::builder::ClientBuilder;
use crate::envelope::{Response, Secret};
use crate::error::CallError;
use crate::kv1::Kv1;
use crate::kv2::Kv2;
use crate::request::{Consistency, Request};
use crate::sys::Sys;
use crate::token::Token;
use crate::token_auth::TokenAuth;
use serde_json::Value as Json;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use url::Url;

/// What clones share.
pub(crate) struct Shared {
    pub(crate) http: reqwest::Client,
    pub(crate) addresses: Vec<Url>,
    /// The address that answered last.
    pub(crate) preferred: AtomicUsize,
    pub(crate) attempts: u32,
}

/// A client of one cluster.
#[derive(Clone)]
pub struct Client {
    pub(crate) shared: Arc<Shared>,
    pub(crate) token: Option<Token>,
    pub(crate) namespace: String,
    pub(crate) consistency: Consistency,
}

impl Client {
    /// Begins a client.
    #[must_use]
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// The same connections with another token.
    #[must_use]
    pub fn with_token(&self, token: Token) -> Self {
        Self {
            token: Some(token),
            ..self.clone()
        }
    }

    /// The token in use.
    #[must_use]
    pub const fn token_in_use(&self) -> Option<&Token> {
        self.token.as_ref()
    }

    /// Reads a path; `None` when nothing is there.
    ///
    /// # Errors
    /// When the server refuses or cannot be reached.
    pub async fn read(&self, path: &str) -> Result<Option<Secret>, CallError> {
        match self.call(Request::get(path)).await {
            Ok(response) => response.secret(),
            Err(CallError::Refused(refusal)) if refusal.status == 404 && refusal.body_is_bare() => {
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }

    /// Names below a path, folders with a trailing slash; empty when nothing is there.
    ///
    /// # Errors
    /// When the server refuses or cannot be reached.
    pub async fn list(&self, path: &str) -> Result<Vec<String>, CallError> {
        match self.call(Request::list(path)).await {
            Ok(response) => Ok(response.keys()),
            Err(CallError::Refused(refusal)) if refusal.status == 404 => Ok(Vec::new()),
            Err(other) => Err(other),
        }
    }

    /// Writes a JSON object; the answer, if there is one to give.
    ///
    /// # Errors
    /// When the server refuses or cannot be reached.
    pub async fn write(&self, path: &str, body: Json) -> Result<Option<Secret>, CallError> {
        self.call(Request::post(path, body)).await?.secret()
    }

    /// Applies a JSON merge patch.
    ///
    /// # Errors
    /// When the server refuses or cannot be reached.
    pub async fn patch(&self, path: &str, body: Json) -> Result<Option<Secret>, CallError> {
        self.call(Request::patch(path, body)).await?.secret()
    }

    /// Deletes a path.
    ///
    /// # Errors
    /// When the server refuses or cannot be reached.
    pub async fn delete(&self, path: &str) -> Result<Option<Secret>, CallError> {
        self.call(Request::delete(path)).await?.secret()
    }

    /// A KV version 1 mount.
    #[must_use]
    pub fn kv1<'a>(&'a self, mount: &str) -> Kv1<'a> {
        Kv1::new(self, mount)
    }

    /// A KV version 2 mount.
    #[must_use]
    pub fn kv2<'a>(&'a self, mount: &str) -> Kv2<'a> {
        Kv2::new(self, mount)
    }

    /// The system's own routes.
    #[must_use]
    pub const fn sys(&self) -> Sys<'_> {
        Sys { client: self }
    }

    /// Tokens.
    #[must_use]
    pub const fn token_auth(&self) -> TokenAuth<'_> {
        TokenAuth { client: self }
    }

    /// Sends any request: the door that everything else goes through.
    ///
    /// # Errors
    /// When the server refuses or cannot be reached.
    pub async fn call(&self, request: Request) -> Result<Response, CallError> {
        crate::send::send(self, &request).await
    }
}
