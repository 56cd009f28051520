//! The system's own routes.

use crate::client::Client;
use crate::envelope::Response;
use crate::error::CallError;
use crate::request::Request;
use crate::sys_types::{Health, Initialized, Leader, Member, Mount, SealStatus};
use crate::token::Token;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

#[derive(Deserialize)]
struct InitStatus {
    initialized: bool,
}

#[derive(Deserialize)]
struct InitAnswer {
    keys: Vec<String>,
    keys_base64: Vec<String>,
    #[serde(deserialize_with = "crate::envelope::token")]
    root_token: Token,
}

#[derive(Deserialize)]
struct Members {
    nodes: Vec<Member>,
}

/// The system's own routes, of one client.
pub struct Sys<'a> {
    pub(crate) client: &'a Client,
}

impl Sys<'_> {
    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, CallError> {
        self.client.call(Request::get(path)).await?.parse()
    }

    async fn post(&self, path: &str, body: Json) -> Result<Response, CallError> {
        self.client.call(Request::post(path, body)).await
    }

    /// Whether the cluster has keys.
    ///
    /// # Errors
    /// When the server refuses or cannot be reached.
    pub async fn is_initialized(&self) -> Result<bool, CallError> {
        Ok(self.get::<InitStatus>("sys/init").await?.initialized)
    }

    /// Makes the cluster's keys and shares. They are given out this once.
    ///
    /// # Errors
    /// When the server refuses or cannot be reached. On [`CallError::NoAnswer`] the cluster may be initialised with shares
    /// that nobody has.
    pub async fn init(&self, shares: u8, threshold: u8) -> Result<Initialized, CallError> {
        let body = json!({ "secret_shares": shares, "secret_threshold": threshold });
        let told: InitAnswer = self.post("sys/init", body).await?.parse()?;
        let wiped = |keys: Vec<String>| keys.into_iter().map(Zeroizing::new).collect();
        Ok(Initialized {
            keys: wiped(told.keys),
            keys_base64: wiped(told.keys_base64),
            root_token: told.root_token,
        })
    }

    /// State of the seal of the node that answers.
    ///
    /// # Errors
    /// When the server refuses or cannot be reached.
    pub async fn seal_status(&self) -> Result<SealStatus, CallError> {
        self.get("sys/seal-status").await
    }

    /// Gives one share. Use a client with one address: shares go to one node.
    ///
    /// # Errors
    /// When the share is wrong, or the server cannot be reached.
    pub async fn unseal(&self, share: &str) -> Result<SealStatus, CallError> {
        self.post("sys/unseal", json!({ "key": share }))
            .await?
            .parse()
    }

    /// Forgets the shares given so far.
    ///
    /// # Errors
    /// When the server refuses or cannot be reached.
    pub async fn reset_unseal(&self) -> Result<SealStatus, CallError> {
        self.post("sys/unseal", json!({ "reset": true }))
            .await?
            .parse()
    }

    /// Seals the whole cluster.
    ///
    /// # Errors
    /// When the server refuses or cannot be reached.
    pub async fn seal(&self) -> Result<(), CallError> {
        self.post("sys/seal", json!({})).await.map(drop)
    }

    /// Fitness to serve of the node that answers, whatever its status.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn health(&self) -> Result<Health, CallError> {
        let response = self
            .client
            .call(Request::get("sys/health").any_status())
            .await?;
        let status = response.status;
        Ok(Health {
            status,
            ..response.parse()?
        })
    }

    /// Who leads.
    ///
    /// # Errors
    /// When the server refuses or cannot be reached.
    pub async fn leader(&self) -> Result<Leader, CallError> {
        self.get("sys/leader").await
    }

    /// All members as the node that answers knows them.
    ///
    /// # Errors
    /// When the server refuses or cannot be reached.
    pub async fn ha_status(&self) -> Result<Vec<Member>, CallError> {
        Ok(self.get::<Members>("sys/ha-status").await?.nodes)
    }

    /// Makes the leader give up, in favour of `to` if given (Holdfast only).
    ///
    /// # Errors
    /// When the server refuses or cannot be reached.
    pub async fn step_down(&self, to: Option<u64>) -> Result<(), CallError> {
        let body = to.map_or_else(|| json!({}), |to| json!({ "node_id": to }));
        self.post("sys/step-down", body).await.map(drop)
    }

    /// All mounts by path.
    ///
    /// # Errors
    /// When the server refuses or cannot be reached.
    pub async fn mounts(&self) -> Result<BTreeMap<String, Mount>, CallError> {
        let response = self.client.call(Request::get("sys/mounts")).await?;
        let data = response
            .data()
            .cloned()
            .ok_or(CallError::Malformed("an answer without data"))?;
        serde_json::from_value(Json::Object(data))
            .map_err(|_| CallError::Malformed("not a table of mounts"))
    }

    /// The mount that a path lies in.
    ///
    /// # Errors
    /// When the caller may see nothing there, or the server cannot be reached.
    pub async fn mount_of(&self, path: &str) -> Result<Mount, CallError> {
        let response = self
            .client
            .call(Request::get(&format!("sys/internal/ui/mounts/{path}")))
            .await?;
        let data = response
            .data()
            .cloned()
            .ok_or(CallError::Malformed("an answer without data"))?;
        serde_json::from_value(Json::Object(data)).map_err(|_| CallError::Malformed("not a mount"))
    }

    /// Mounts an engine. `settings` holds `type`, `options`, `description`, `config`.
    ///
    /// # Errors
    /// When the server refuses or cannot be reached.
    pub async fn enable(&self, path: &str, settings: Json) -> Result<(), CallError> {
        self.post(&mount_path(path), settings).await.map(drop)
    }

    /// Removes a mount with everything in it.
    ///
    /// # Errors
    /// When the server refuses or cannot be reached.
    pub async fn disable(&self, path: &str) -> Result<(), CallError> {
        self.client
            .call(Request::delete(&mount_path(path)))
            .await
            .map(drop)
    }

    /// Changes a mount's settings.
    ///
    /// # Errors
    /// When the server refuses or cannot be reached.
    pub async fn tune(&self, path: &str, settings: Json) -> Result<(), CallError> {
        self.post(&format!("{}/tune", mount_path(path)), settings)
            .await
            .map(drop)
    }

    /// Names of all policies.
    ///
    /// # Errors
    /// When the server refuses or cannot be reached.
    pub async fn policies(&self) -> Result<Vec<String>, CallError> {
        self.client.list("sys/policies/acl").await
    }

    /// A policy's text; `None` when there is none of that name.
    ///
    /// # Errors
    /// When the server refuses or cannot be reached.
    pub async fn policy(&self, name: &str) -> Result<Option<String>, CallError> {
        let found = self
            .client
            .read(&format!("sys/policies/acl/{name}"))
            .await?;
        let text =
            |data: Map<String, Json>| data.get("policy").and_then(Json::as_str).map(str::to_owned);
        Ok(found.and_then(|secret| secret.data).and_then(text))
    }

    /// Writes a policy, in HCL or JSON.
    ///
    /// # Errors
    /// When the server refuses or cannot be reached.
    pub async fn put_policy(&self, name: &str, text: &str) -> Result<(), CallError> {
        self.post(
            &format!("sys/policies/acl/{name}"),
            json!({ "policy": text }),
        )
        .await
        .map(drop)
    }

    /// Deletes a policy.
    ///
    /// # Errors
    /// When the server refuses or cannot be reached.
    pub async fn delete_policy(&self, name: &str) -> Result<(), CallError> {
        self.client
            .call(Request::delete(&format!("sys/policies/acl/{name}")))
            .await
            .map(drop)
    }
}

fn mount_path(path: &str) -> String {
    format!("sys/mounts/{}", path.trim_matches('/'))
}
