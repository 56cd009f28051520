//! KV version 1: one value at each path.

use crate::client::Client;
use crate::error::CallError;
use crate::request::Request;
use serde_json::{Map, Value as Json};

/// A KV version 1 mount.
pub struct Kv1<'a> {
    client: &'a Client,
    mount: String,
}

impl<'a> Kv1<'a> {
    pub(crate) fn new(client: &'a Client, mount: &str) -> Self {
        Self {
            client,
            mount: mount.trim_matches('/').to_owned(),
        }
    }

    fn at(&self, path: &str) -> String {
        format!("{}/{path}", self.mount)
    }

    /// The value; `None` when nothing is there.
    ///
    /// # Errors
    /// When the server refuses or cannot be reached.
    pub async fn get(&self, path: &str) -> Result<Option<Map<String, Json>>, CallError> {
        Ok(self
            .client
            .read(&self.at(path))
            .await?
            .and_then(|secret| secret.data))
    }

    /// Replaces the value.
    ///
    /// # Errors
    /// When the server refuses or cannot be reached.
    pub async fn put(&self, path: &str, value: &Json) -> Result<(), CallError> {
        self.client
            .call(Request::post(&self.at(path), value.clone()))
            .await
            .map(drop)
    }

    /// Removes the value.
    ///
    /// # Errors
    /// When the server refuses or cannot be reached.
    pub async fn delete(&self, path: &str) -> Result<(), CallError> {
        self.client
            .call(Request::delete(&self.at(path)))
            .await
            .map(drop)
    }

    /// Names below a path.
    ///
    /// # Errors
    /// When the server refuses or cannot be reached.
    pub async fn list(&self, path: &str) -> Result<Vec<String>, CallError> {
        self.client.list(&self.at(path)).await
    }
}
