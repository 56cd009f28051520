//! A plain HTTP client for one node: what any Vault client would send.

use reqwest::{Method, StatusCode};
use serde_json::Value;
use std::time::Duration;

/// A client for one node's API.
#[derive(Clone)]
pub struct Http {
    client: reqwest::Client,
    base: String,
    token: Option<String>,
    headers: Vec<(String, String)>,
}

/// An answer with its body parsed, null when empty.
#[derive(Clone)]
pub struct Response {
    /// Status.
    pub status: StatusCode,
    /// Body.
    pub body: Value,
    /// `X-Vault-Index`, if any.
    pub index: Option<String>,
    /// `X-Holdfast-Age-Ms`, if any.
    pub age_ms: Option<u64>,
    /// Body as it came.
    pub text: String,
}

impl Http {
    /// A client for a base address, `http://127.0.0.1:8200`.
    ///
    /// # Panics
    /// When the HTTP stack cannot be set up.
    #[must_use]
    pub fn new(base: &str) -> Self {
        Self::trusting(base, None)
    }

    /// A client that trusts one authority (PEM).
    ///
    /// # Panics
    /// When the HTTP stack cannot be set up.
    #[must_use]
    pub fn trusting(base: &str, ca: Option<&str>) -> Self {
        let _first_wins = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .timeout(Duration::from_secs(30))
            .connect_timeout(Duration::from_secs(2))
            .http1_only()
            .no_proxy();
        if let Some(ca) = ca {
            let ca = reqwest::Certificate::from_pem(ca.as_bytes()).expect("a certificate");
            builder = builder.tls_certs_only([ca]);
        }
        let client = builder.build().expect("an HTTP client");
        Self {
            client,
            base: base.to_owned(),
            token: None,
            headers: Vec::new(),
        }
    }

    /// The same client with a token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self {
            token: Some(token.to_owned()),
            ..self.clone()
        }
    }

    /// The same client with one more header on every request.
    #[must_use]
    pub fn with_header(&self, name: &str, value: &str) -> Self {
        let mut made = self.clone();
        made.headers.push((name.to_owned(), value.to_owned()));
        made
    }

    /// Sends one request; `Err` only when no answer came.
    ///
    /// # Errors
    /// When the connection fails or the answer is cut off.
    pub async fn try_send(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Result<Response, reqwest::Error> {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let mut request = self
            .client
            .request(method.clone(), format!("{}/v1/{path}", self.base));
        if let Some(token) = &self.token {
            request = request.header("X-Vault-Token", token);
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(body) = body {
            let kind = if method == Method::PATCH {
                "application/merge-patch+json"
            } else {
                "application/json"
            };
            request = request.header("content-type", kind).body(body.to_string());
        }
        let answer = request.send().await?;
        let status = answer.status();
        let index = answer
            .headers()
            .get("x-vault-index")
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let age_ms = answer.headers().get("x-holdfast-age-ms");
        let age_ms = age_ms.and_then(|value| value.to_str().ok()?.parse().ok());
        let text = answer.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Ok(Response {
            status,
            body,
            index,
            age_ms,
            text,
        })
    }

    /// Sends one request to a node that must answer.
    ///
    /// # Panics
    /// When no answer comes.
    pub async fn send(&self, method: &str, path: &str, body: Option<Value>) -> Response {
        self.try_send(method, path, body)
            .await
            .unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Response {
        self.send("GET", path, None).await
    }

    /// LIST.
    pub async fn list(&self, path: &str) -> Response {
        self.send("LIST", path, None).await
    }

    /// POST.
    pub async fn post(&self, path: &str, body: Value) -> Response {
        self.send("POST", path, Some(body)).await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> Response {
        self.send("DELETE", path, None).await
    }
}

impl Response {
    /// The same, after checking the status.
    ///
    /// # Panics
    /// When it is another.
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(
            self.status.as_u16(),
            status,
            "unexpected status; body: {}",
            self.text
        );
        self
    }
}
