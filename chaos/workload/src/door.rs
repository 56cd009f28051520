//! One request over HTTP, sent at most once.
//!
//! It is reqwest and not the SDK: the SDK tries again and follows a redirect, and does not show `Retry-After` or
//! `X-Holdfast-Age-Ms`, on which the truth of an outcome hangs. Here redirects, proxies and reqwest's own retries are off, and
//! HTTP/1.1 carries one request at a time, so that a broken connection concerns one operation.

use crate::answer::{Answer, Exchange};
use crate::index::Index;
use crate::secret::Secret;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Method};
use serde_json::Value as Json;
use std::time::Duration;

/// Longest time to connect.
const CONNECT: Duration = Duration::from_millis(1_000);
/// Largest answer that is read; more counts as no answer.
const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Sends requests.
#[derive(Clone)]
pub(crate) struct Door(Client);

/// What is sent.
pub(crate) struct Ask<'a> {
    pub(crate) method: Method,
    /// Behind `/v1/`.
    pub(crate) path: String,
    pub(crate) token: Option<&'a Secret>,
    pub(crate) body: Option<Json>,
    /// A header that says how fresh.
    pub(crate) fresh: Option<(&'static str, String)>,
}

impl<'a> Ask<'a> {
    pub(crate) const fn new(method: Method, path: String, token: Option<&'a Secret>) -> Self {
        Self {
            method,
            path,
            token,
            body: None,
            fresh: None,
        }
    }

    pub(crate) fn body(mut self, body: Json) -> Self {
        self.body = Some(body);
        self
    }

    pub(crate) fn fresh(mut self, fresh: Option<(&'static str, String)>) -> Self {
        self.fresh = fresh;
        self
    }
}

impl Door {
    /// Connections that trust one authority, or plain ones.
    ///
    /// # Errors
    /// When the authority is none or HTTP cannot be set up.
    pub(crate) fn new(ca_pem: Option<&[u8]>, timeout: Duration) -> Result<Self, reqwest::Error> {
        // Fails only when a provider is installed already, and then that one is used.
        drop(rustls::crypto::ring::default_provider().install_default());
        let mut builder = Client::builder()
            .http1_only()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .tcp_nodelay(true)
            .connect_timeout(CONNECT.min(timeout))
            .timeout(timeout);
        if let Some(pem) = ca_pem {
            builder = builder.tls_certs_only(reqwest::Certificate::from_pem_bundle(pem)?);
        }
        builder.build().map(Self)
    }

    /// Sends a request to a base address.
    pub(crate) async fn exchange(&self, base: &str, ask: Ask<'_>) -> Exchange {
        match self.try_exchange(base, ask).await {
            Ok(Some(answer)) => Exchange::Answered(answer),
            Ok(None) => Exchange::Lost,
            Err(why) if why.is_connect() || why.is_builder() => Exchange::NotSent,
            Err(_) => Exchange::Lost,
        }
    }

    async fn try_exchange(
        &self,
        base: &str,
        ask: Ask<'_>,
    ) -> Result<Option<Answer>, reqwest::Error> {
        let url = format!("{}/v1/{}", base.trim_end_matches('/'), ask.path);
        let mut request = self.0.request(ask.method, url);
        if let Some(token) = ask.token {
            let value = HeaderValue::from_str(token.expose()).map(|mut value| {
                value.set_sensitive(true);
                value
            });
            request = request.header(
                "x-vault-token",
                value.unwrap_or(HeaderValue::from_static("")),
            );
        }
        if let Some((name, value)) = ask.fresh {
            request = request.header(name, value);
        }
        if let Some(body) = ask.body {
            request = request
                .header(CONTENT_TYPE, "application/json")
                .body(body.to_string());
        }
        let mut response = request.send().await?;
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > ANSWER_BYTES_MAX {
                return Ok(None);
            }
        }
        let headers = response.headers();
        Ok(Some(Answer {
            status: response.status().as_u16(),
            retry_after: headers.contains_key(RETRY_AFTER),
            index: text(headers, "x-vault-index").and_then(Index::parse),
            age_ms: text(headers, "x-holdfast-age-ms").and_then(|age| age.parse().ok()),
            body: serde_json::from_slice(&bytes).unwrap_or(Json::Null),
        }))
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    const SHORT: Duration = Duration::from_millis(150);

    async fn ask(base: &str) -> Exchange {
        let door = Door::new(None, SHORT).unwrap();
        door.exchange(base, Ask::new(Method::GET, "x".to_owned(), None))
            .await
    }

    /// A server that reads the request and then does this with the connection.
    async fn server(
        reply: Option<&'static str>,
        hold: bool,
    ) -> (String, tokio::task::JoinHandle<usize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let served = tokio::spawn(async move {
            let mut connections = 0;
            while let Ok(Ok((mut socket, _))) =
                tokio::time::timeout(SHORT * 3, listener.accept()).await
            {
                connections += 1;
                let mut buffer = [0; 4096];
                let _read = socket.read(&mut buffer).await;
                if let Some(reply) = reply {
                    socket.write_all(reply.as_bytes()).await.unwrap();
                }
                if hold {
                    tokio::time::sleep(SHORT * 2).await;
                }
            }
            connections
        });
        (base, served)
    }

    #[tokio::test]
    async fn a_closed_port_is_not_sent() {
        let port = holdfast_tests::free_tcp_port();
        assert!(matches!(
            ask(&format!("http://127.0.0.1:{port}")).await,
            Exchange::NotSent
        ));
    }

    #[tokio::test]
    async fn what_was_sent_and_not_answered_is_lost_and_not_sent_again() {
        for (reply, hold) in [
            (None, false),
            (None, true),
            (
                Some("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf"),
                false,
            ),
        ] {
            let (base, served) = server(reply, hold).await;
            assert!(
                matches!(ask(&base).await, Exchange::Lost),
                "{reply:?} {hold}"
            );
            assert_eq!(served.await.unwrap(), 1, "one connection, one request");
        }
    }

    #[tokio::test]
    async fn redirects_are_answers_and_headers_are_read() {
        let (base, _served) = server(
            Some("HTTP/1.1 307 T\r\nlocation: /v1/y\r\nretry-after: 1\r\nx-holdfast-age-ms: 7\r\ncontent-length: 0\r\n\r\n"),
            false,
        )
        .await;
        let Exchange::Answered(answer) = ask(&base).await else {
            panic!("it was answered");
        };
        assert_eq!(
            (answer.status, answer.retry_after, answer.age_ms),
            (307, true, Some(7))
        );
    }
}
