//! KV version 2: versions, check-and-set, soft delete.

use crate::client::Client;
use crate::envelope::Response;
use crate::error::CallError;
use crate::request::Request;
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

/// A KV version 2 mount.
pub struct Kv2<'a> {
    client: &'a Client,
    mount: String,
}

/// One version of a secret. No `Debug`: it holds the secret.
#[derive(Deserialize)]
pub struct Version {
    /// The secret; `None` when this version was deleted or destroyed.
    pub data: Option<Map<String, Json>>,
    /// What is known about it.
    pub metadata: VersionMetadata,
}

/// What is known about a version.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct VersionMetadata {
    /// Its number, from 1.
    pub version: u64,
    /// RFC 3339.
    pub created_time: String,
    /// RFC 3339, or empty.
    #[serde(default)]
    pub deletion_time: String,
    /// Gone for good.
    #[serde(default)]
    pub destroyed: bool,
    /// Given by users.
    #[serde(default)]
    pub custom_metadata: Option<Map<String, Json>>,
}

impl<'a> Kv2<'a> {
    pub(crate) fn new(client: &'a Client, mount: &str) -> Self {
        Self {
            client,
            mount: mount.trim_matches('/').to_owned(),
        }
    }

    fn at(&self, kind: &str, path: &str) -> String {
        format!("{}/{kind}/{path}", self.mount)
    }

    /// A version, the latest when `version` is `None`. `None` when nothing is there; a deleted version comes without data.
    ///
    /// # Errors
    /// When the server refuses or cannot be reached.
    pub async fn get(
        &self,
        path: &str,
        version: Option<u64>,
    ) -> Result<Option<Version>, CallError> {
        let mut request = Request::get(&self.at("data", path));
        if let Some(version) = version {
            request = request.query("version", version.to_string());
        }
        let data = match self.client.call(request).await {
            Ok(response) => response.data().cloned(),
            Err(CallError::Refused(refusal)) if refusal.status == 404 => match refusal.data() {
                None => return Ok(None),
                some => some.cloned(),
            },
            Err(other) => return Err(other),
        };
        let data = data.ok_or(CallError::Malformed("an answer without data"))?;
        serde_json::from_value(Json::Object(data))
            .map(Some)
            .map_err(|_| CallError::Malformed("not a version of a secret"))
    }

    /// Writes a new version. With `cas`, only if that is the current version (0 = there is none).
    ///
    /// # Errors
    /// When the server refuses or cannot be reached.
    pub async fn put(
        &self,
        path: &str,
        value: &Json,
        cas: Option<u64>,
    ) -> Result<VersionMetadata, CallError> {
        metadata_of(
            self.client
                .call(Request::post(&self.at("data", path), versioned(value, cas)))
                .await?,
        )
    }

    /// Applies a JSON merge patch to the latest version, as a new version.
    ///
    /// # Errors
    /// When the server refuses or cannot be reached.
    pub async fn patch(
        &self,
        path: &str,
        value: &Json,
        cas: Option<u64>,
    ) -> Result<VersionMetadata, CallError> {
        metadata_of(
            self.client
                .call(Request::patch(
                    &self.at("data", path),
                    versioned(value, cas),
                ))
                .await?,
        )
    }

    /// Deletes the latest version; it can be brought back.
    ///
    /// # Errors
    /// When the server refuses or cannot be reached.
    pub async fn delete(&self, path: &str) -> Result<(), CallError> {
        self.client
            .call(Request::delete(&self.at("data", path)))
            .await
            .map(drop)
    }

    /// Deletes versions; they can be brought back.
    ///
    /// # Errors
    /// When the server refuses or cannot be reached.
    pub async fn delete_versions(&self, path: &str, versions: &[u64]) -> Result<(), CallError> {
        self.on_versions("delete", path, versions).await
    }

    /// Brings deleted versions back.
    ///
    /// # Errors
    /// When the server refuses or cannot be reached.
    pub async fn undelete(&self, path: &str, versions: &[u64]) -> Result<(), CallError> {
        self.on_versions("undelete", path, versions).await
    }

    /// Destroys versions for good.
    ///
    /// # Errors
    /// When the server refuses or cannot be reached.
    pub async fn destroy(&self, path: &str, versions: &[u64]) -> Result<(), CallError> {
        self.on_versions("destroy", path, versions).await
    }

    async fn on_versions(&self, kind: &str, path: &str, versions: &[u64]) -> Result<(), CallError> {
        let body = json!({ "versions": versions });
        self.client
            .call(Request::post(&self.at(kind, path), body))
            .await
            .map(drop)
    }

    /// Names below a path.
    ///
    /// # Errors
    /// When the server refuses or cannot be reached.
    pub async fn list(&self, path: &str) -> Result<Vec<String>, CallError> {
        self.client.list(&self.at("metadata", path)).await
    }

    /// Everything known about a secret but its values; `None` when nothing is there.
    ///
    /// # Errors
    /// When the server refuses or cannot be reached.
    pub async fn metadata(&self, path: &str) -> Result<Option<Map<String, Json>>, CallError> {
        Ok(self
            .client
            .read(&self.at("metadata", path))
            .await?
            .and_then(|secret| secret.data))
    }

    /// Sets `max_versions`, `cas_required`, `delete_version_after` or `custom_metadata`.
    ///
    /// # Errors
    /// When the server refuses or cannot be reached.
    pub async fn put_metadata(&self, path: &str, settings: Json) -> Result<(), CallError> {
        self.client
            .call(Request::post(&self.at("metadata", path), settings))
            .await
            .map(drop)
    }

    /// Removes all versions and metadata for good.
    ///
    /// # Errors
    /// When the server refuses or cannot be reached.
    pub async fn delete_metadata(&self, path: &str) -> Result<(), CallError> {
        self.client
            .call(Request::delete(&self.at("metadata", path)))
            .await
            .map(drop)
    }
}

fn versioned(value: &Json, cas: Option<u64>) -> Json {
    match cas {
        Some(cas) => json!({ "data": value, "options": { "cas": cas } }),
        None => json!({ "data": value }),
    }
}

fn metadata_of(response: Response) -> Result<VersionMetadata, CallError> {
    let data = response
        .data()
        .cloned()
        .ok_or(CallError::Malformed("an answer without data"))?;
    serde_json::from_value(Json::Object(data))
        .map_err(|_| CallError::Malformed("not a version's metadata"))
}
