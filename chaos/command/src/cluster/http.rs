//! The few requests that bring a cluster up and ask how it is.

use anyhow::{Context, bail};
use serde_json::{Value, json};
use std::time::Duration;

/// Longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A client of every node.
#[derive(Clone)]
pub struct Http {
    client: reqwest::Client,
}

/// Status and body of an answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Http {
    pub(crate) fn new(ca_pem: Option<&[u8]>) -> anyhow::Result<Self> {
        // Fails only when a provider is installed already, and then that one is used.
        drop(rustls::crypto::ring::default_provider().install_default());
        let mut builder = reqwest::Client::builder()
            .http1_only()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(1))
            .timeout(TIMEOUT);
        if let Some(pem) = ca_pem {
            builder = builder.tls_certs_only(reqwest::Certificate::from_pem_bundle(pem)?);
        }
        let client = builder.build().context("setting up HTTP")?;
        Ok(Self { client })
    }

    pub(crate) async fn get(&self, base: &str, path: &str) -> anyhow::Result<Answer> {
        let sent = self.client.get(format!("{base}/v1/{path}")).send().await;
        Self::read(sent).await
    }

    pub(crate) async fn put(&self, base: &str, path: &str, body: &Value) -> anyhow::Result<Answer> {
        let request = self.client.put(format!("{base}/v1/{path}"));
        let request = request
            .header("content-type", "application/json")
            .body(body.to_string());
        Self::read(request.send().await).await
    }

    async fn read(sent: Result<reqwest::Response, reqwest::Error>) -> anyhow::Result<Answer> {
        let answer = sent?;
        let status = answer.status().as_u16();
        let text = answer.text().await?;
        Ok(Answer {
            status,
            body: serde_json::from_str(&text).unwrap_or(Value::Null),
        })
    }

    /// Submits shares until the node is open. Gives whether it is.
    pub(crate) async fn unseal(&self, base: &str, shares: &[&str]) -> anyhow::Result<bool> {
        let before = self.get(base, "sys/seal-status").await?.body;
        if before["initialized"] != json!(true) {
            bail!("it does not know the seal yet");
        }
        if before["sealed"] == json!(false) {
            return Ok(true);
        }
        for share in shares {
            let answer = self
                .put(base, "sys/unseal", &json!({ "key": share }))
                .await?;
            if answer.status != 200 {
                bail!("unsealing: status {}", answer.status);
            }
            if answer.body["sealed"] == json!(false) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
