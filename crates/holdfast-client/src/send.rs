//! One call over the wire: addresses in turn, one redirect, bounded answers.

use crate::client::Client;
use crate::envelope::Response;
use crate::error::{CallError, ServerRefusal};
use crate::request::Request;
use crate::retry::{Tried, pause, worth_repeating};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use serde_json::Value as Json;
use std::sync::atomic::Ordering;
use std::time::Duration;
use url::Url;

/// Largest answer taken, in bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// An answer that was read whole, of whatever status.
struct Raw {
    status: u16,
    headers: HeaderMap,
    bytes: Vec<u8>,
}

impl Raw {
    /// Whether the node says that it holds no keys.
    fn is_closed(&self) -> bool {
        let says = |words: &[u8]| self.bytes.windows(words.len()).any(|part| part == words);
        self.status == 503
            && self.bytes.len() < 1024
            && (says(b"is sealed") || says(b"not initialized"))
    }
}

pub(crate) async fn send(client: &Client, request: &Request) -> Result<Response, CallError> {
    let path = request.encoded_path()?;
    let headers = headers(client, request)?;
    let addresses = &client.shared.addresses;
    let count = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    let tries = client.shared.attempts.max(count);
    let first = client.shared.preferred.load(Ordering::Relaxed);
    let mut attempt = 0;
    loop {
        let at = (first + attempt as usize) % addresses.len();
        let address = addresses
            .get(at)
            .ok_or(CallError::Unsendable("no address"))?;
        let outcome = once(client, request, address, &path, &headers).await;
        let tried = match &outcome {
            Ok(raw) if raw.is_closed() => Tried::Closed,
            Ok(raw) => Tried::Status(raw.status, retry_after(&raw.headers)),
            Err(error) if error.is_connect() => Tried::NotSent,
            Err(_) => Tried::Lost,
        };
        attempt += 1;
        let again = attempt < tries
            && worth_repeating(tried, request.repeatable, attempt < count)
            && !(request.any_status && outcome.is_ok());
        if again {
            tokio::time::sleep(pause(tried, attempt, attempt < count)).await;
            continue;
        }
        return match outcome {
            Ok(raw) => {
                client.shared.preferred.store(at, Ordering::Relaxed);
                understand(raw, request.any_status)
            }
            Err(source) if tried == Tried::NotSent => {
                let tried: Vec<&str> = addresses.iter().map(shown).collect();
                Err(CallError::Unreachable {
                    addresses: tried.join(", "),
                    source: source.without_url(),
                })
            }
            Err(source) => Err(CallError::NoAnswer {
                address: shown(address).to_owned(),
                source: source.without_url(),
            }),
        };
    }
}

fn shown(address: &Url) -> &str {
    address.as_str().trim_end_matches('/')
}

fn headers(client: &Client, request: &Request) -> Result<HeaderMap, CallError> {
    let mut headers = HeaderMap::new();
    headers.insert(
        HeaderName::from_static("x-vault-request"),
        HeaderValue::from_static("true"),
    );
    if let Some(token) = client.token.as_ref().filter(|token| !token.is_empty()) {
        let mut value = HeaderValue::from_str(token.expose())
            .map_err(|_| CallError::Unsendable("the token has characters that no token has"))?;
        value.set_sensitive(true);
        headers.insert(HeaderName::from_static("x-vault-token"), value);
    }
    if !client.namespace.is_empty() {
        let value = HeaderValue::from_str(&client.namespace).map_err(|_| {
            CallError::Unsendable("the namespace has characters that no namespace has")
        })?;
        headers.insert(HeaderName::from_static("x-vault-namespace"), value);
    }
    if let Some(value) = request.consistency.unwrap_or(client.consistency).header() {
        let value =
            HeaderValue::from_str(&value).map_err(|_| CallError::Unsendable("the consistency"))?;
        headers.insert(HeaderName::from_static("x-holdfast-consistency"), value);
    }
    Ok(headers)
}

async fn once(
    client: &Client,
    request: &Request,
    address: &Url,
    path: &str,
    headers: &HeaderMap,
) -> Result<Raw, reqwest::Error> {
    let mut url = address.clone();
    url.set_path(path);
    let mut raw = exchange(client, request, url.clone(), headers).await?;
    if matches!(raw.status, 307 | 308)
        && let Some(to) = redirected(&url, &raw.headers)
    {
        raw = exchange(client, request, to, headers).await?;
    }
    Ok(raw)
}

/// Where a redirect leads, unless that is from TLS to plain HTTP, which would show the token.
fn redirected(from: &Url, headers: &HeaderMap) -> Option<Url> {
    let mut to = from.join(headers.get(LOCATION)?.to_str().ok()?).ok()?;
    to.set_query(None);
    (to.scheme() == from.scheme() || to.scheme() == "https").then_some(to)
}

async fn exchange(
    client: &Client,
    request: &Request,
    url: Url,
    headers: &HeaderMap,
) -> Result<Raw, reqwest::Error> {
    let mut url = url;
    if !request.query.is_empty() {
        url.query_pairs_mut().extend_pairs(&request.query);
    }
    let mut sent = client
        .shared
        .http
        .request(request.method.clone(), url)
        .headers(headers.clone());
    if let Some(body) = &request.body {
        let kind = if request.merge_patch {
            "application/merge-patch+json"
        } else {
            "application/json"
        };
        sent = sent
            .header(reqwest::header::CONTENT_TYPE, kind)
            .body(body.to_string());
    }
    let mut answer = sent.send().await?;
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > ANSWER_BYTES_MAX {
            break;
        }
    }
    Ok(Raw {
        status: answer.status().as_u16(),
        headers: answer.headers().clone(),
        bytes,
    })
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()
        .map(Duration::from_secs)
}

fn understand(raw: Raw, any_status: bool) -> Result<Response, CallError> {
    if raw.bytes.len() > ANSWER_BYTES_MAX {
        return Err(CallError::Malformed("it is larger than 64 MiB"));
    }
    let json: Option<Json> = serde_json::from_slice(&raw.bytes).ok();
    if raw.status >= 400 && !any_status {
        return Err(CallError::Refused(Box::new(refusal(raw.status, json))));
    }
    let index = raw
        .headers
        .get("x-vault-index")
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let text = match &json {
        None if !raw.bytes.is_empty() => Some(
            String::from_utf8(raw.bytes)
                .map_err(|_| CallError::Malformed("it is neither JSON nor text"))?,
        ),
        _ => None,
    };
    Ok(Response {
        status: raw.status,
        index,
        body: json,
        text,
    })
}

fn refusal(status: u16, body: Option<Json>) -> ServerRefusal {
    let texts = |name: &str| -> Vec<String> {
        let list = body
            .as_ref()
            .and_then(|body| body.get(name))
            .and_then(Json::as_array);
        list.into_iter()
            .flatten()
            .filter_map(Json::as_str)
            .map(|text| text.trim().to_owned())
            .collect()
    };
    ServerRefusal {
        status,
        errors: texts("errors"),
        warnings: texts("warnings"),
        body,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_never_leave_tls() {
        let headers = |to: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(LOCATION, HeaderValue::from_str(to).unwrap());
            headers
        };
        let tls = Url::parse("https://a:8200/v1/x").unwrap();
        assert!(redirected(&tls, &headers("http://b:8200/v1/x")).is_none());
        assert_eq!(
            redirected(&tls, &headers("https://b:8200/v1/x?list=true"))
                .unwrap()
                .as_str(),
            "https://b:8200/v1/x"
        );
        assert_eq!(
            redirected(&tls, &headers("/v1/y")).unwrap().as_str(),
            "https://a:8200/v1/y"
        );
    }
}
