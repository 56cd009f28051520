//! A plain HTTP/1.1 client for nodes on loopback: one request per connection, JSON in, JSON out.
//!
//! Bounded: every wait has a timeout, an answer a largest size. Not for anything but our own nodes.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

const CONNECT_MAX: Duration = Duration::from_secs(1);
const ANSWER_MAX: Duration = Duration::from_secs(10);
const ANSWER_BYTES_MAX: u64 = 1 << 20;

/// A status and a body; null for an empty one. No `Debug`: bodies hold secrets.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Answer {
    /// The body of a success; else the server's own words.
    pub(crate) fn success(self) -> Result<Value> {
        if (200..300).contains(&self.status) {
            return Ok(self.body);
        }
        let errors = self.body["errors"].as_array().into_iter().flatten();
        let words: Vec<&str> = errors.filter_map(Value::as_str).collect();
        bail!("the node answered {}: {}", self.status, words.join("; "))
    }
}

/// A node's API, with or without a token.
pub(crate) struct Http<'a> {
    pub(crate) addr: SocketAddr,
    pub(crate) token: Option<&'a str>,
}

impl Http<'_> {
    pub(crate) fn get(&self, path: &str) -> Result<Answer> {
        self.send("GET", path, "")
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        self.send("POST", path, &body.to_string())
    }

    fn send(&self, method: &str, path: &str, body: &str) -> Result<Answer> {
        let addr = self.addr;
        let mut stream = TcpStream::connect_timeout(&addr, CONNECT_MAX)
            .with_context(|| format!("cannot connect to {addr}"))?;
        stream.set_read_timeout(Some(ANSWER_MAX))?;
        stream.set_write_timeout(Some(ANSWER_MAX))?;
        let token = self
            .token
            .map(|token| format!("X-Vault-Token: {token}\r\n"))
            .unwrap_or_default();
        let request = format!(
            "{method} /v1/{path} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n{token}\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        stream
            .take(ANSWER_BYTES_MAX)
            .read_to_end(&mut answer)
            .with_context(|| format!("{addr} gave no whole answer"))?;
        parse(&answer).with_context(|| format!("{addr} gave no HTTP answer"))
    }
}

fn parse(answer: &[u8]) -> Option<Answer> {
    let text = std::str::from_utf8(answer).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let body = if body.is_empty() {
        Value::Null
    } else {
        serde_json::from_str(body).ok()?
    };
    Some(Answer { status, body })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_taken_apart() {
        let whole = parse(b"HTTP/1.1 200 OK\r\na: b\r\n\r\n{\"x\":1}").unwrap();
        assert_eq!((whole.status, &whole.body["x"]), (200, &Value::from(1)));
        let empty = parse(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
        assert!(empty.status == 204 && empty.success().unwrap().is_null());
        let refused = parse(b"HTTP/1.1 503 x\r\n\r\n{\"errors\":[\"sealed\"]}").unwrap();
        assert!(
            refused
                .success()
                .unwrap_err()
                .to_string()
                .contains("503: sealed")
        );
        assert!(parse(b"HTTP/1.1 200 OK\r\n\r\n{\"cut").is_none());
    }
}
