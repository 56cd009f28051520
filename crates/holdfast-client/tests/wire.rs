//! The client against scripted servers on real sockets: failover, repeats, redirects, errors.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set up its servers should stop there"
)]

use holdfast_client::{CallError, Client, Consistency, Request, Token};
use serde_json::json;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A server that answers each connection with the next line of its script and keeps what it was asked.
struct Scripted {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

async fn scripted(answers: Vec<String>) -> Scripted {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&asked);
    tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let request = whole_request(&mut stream).await;
            heard.lock().unwrap().push(request);
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    Scripted { address, asked }
}

async fn whole_request(stream: &mut tokio::net::TcpStream) -> String {
    let mut seen = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let read = stream.read(&mut chunk).await.unwrap();
        seen.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8_lossy(&seen).to_ascii_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        if read == 0 || body.len() >= length.unwrap_or(0) {
            return text;
        }
    }
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\n{headers}connection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

async fn closed_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

fn client(addresses: &[&str]) -> Client {
    Client::builder()
        .addrs(addresses.iter().copied())
        .token(Token::new("canary-token\n"))
        .timeout(Duration::from_secs(10))
        .build()
        .unwrap()
}

#[tokio::test]
async fn goes_to_the_next_address_when_one_is_away() {
    let up = scripted(vec![answer(
        "200 OK",
        "",
        r#"{"data":{"keys":["a","b/"]}}"#,
    )])
    .await;
    let client = client(&[&closed_address().await, &up.address]);
    assert_eq!(client.list("secret/x y").await.unwrap(), ["a", "b/"]);
    let asked = up.asked.lock().unwrap();
    assert!(
        asked[0].starts_with("get /v1/secret/x%20y?list=true http/1.1"),
        "{}",
        asked[0]
    );
    assert!(
        asked[0].contains("x-vault-token: canary-token\r\n"),
        "{}",
        asked[0]
    );
}

#[tokio::test]
async fn says_what_was_tried_when_none_is_there() {
    let (one, two) = (closed_address().await, closed_address().await);
    let Err(error) = client(&[&one, &two]).read("a").await else {
        panic!("nobody listens")
    };
    let text = format!("{error} {error:?}");
    assert!(text.contains(&one) && text.contains(&two), "{text}");
    assert!(!text.contains("canary"), "{text}");
}

#[tokio::test]
async fn repeats_a_write_only_when_nothing_was_done() {
    let refused = r#"{"errors":["no leader is known"]}"#;
    let patient = scripted(vec![
        answer("503 Service Unavailable", "retry-after: 0\r\n", refused),
        answer("204 No Content", "", ""),
    ])
    .await;
    client(&[&patient.address])
        .write("a", json!({"k": "v"}))
        .await
        .unwrap();
    assert_eq!(patient.asked.lock().unwrap().len(), 2);

    let unsure = scripted(vec![answer("503 Service Unavailable", "", refused)]).await;
    let Err(CallError::Refused(refusal)) = client(&[&unsure.address]).write("a", json!({})).await
    else {
        panic!("a refusal")
    };
    assert_eq!(
        (refusal.status, refusal.errors.as_slice()),
        (503, ["no leader is known".to_owned()].as_slice())
    );

    let cut = scripted(vec![String::new()]).await;
    let lost = client(&[&cut.address]).write("a", json!({})).await;
    assert!(matches!(lost, Err(CallError::NoAnswer { .. })));
    assert_eq!(cut.asked.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_sealed_node_sends_to_the_next_and_is_not_asked_again() {
    let sealed = || {
        answer(
            "503 Service Unavailable",
            "retry-after: 1\r\n",
            r#"{"errors":["Vault is sealed"]}"#,
        )
    };
    let closed = scripted(vec![sealed()]).await;
    let open = scripted(vec![answer("204 No Content", "", "")]).await;
    client(&[&closed.address, &open.address])
        .write("a", json!({}))
        .await
        .unwrap();
    let alone = scripted(vec![sealed()]).await;
    let refused = client(&[&alone.address]).read("a").await;
    assert!(matches!(refused, Err(CallError::Refused(refusal)) if refusal.status == 503));
    assert_eq!(alone.asked.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn repeats_a_read_that_was_lost_or_behind() {
    let flaky = scripted(vec![
        String::new(),
        answer("412 Precondition Failed", "", r#"{"errors":["behind"]}"#),
        answer(
            "200 OK",
            "x-vault-index: abc\r\n",
            r#"{"data":{"n":1e400}}"#,
        ),
    ])
    .await;
    let request = Request::get("a").consistency(Consistency::Stale);
    let response = client(&[&flaky.address]).call(request).await.unwrap();
    assert_eq!(response.index.as_deref(), Some("abc"));
    assert_eq!(response.data().unwrap()["n"].to_string(), "1e+400");
    assert!(flaky.asked.lock().unwrap()[2].contains("x-holdfast-consistency: stale\r\n"));
}

#[tokio::test]
async fn follows_one_redirect_with_token_and_body() {
    let leader = scripted(vec![answer("200 OK", "", r#"{"data":{"ok":true}}"#)]).await;
    let to = format!("location: {}/v1/a\r\n", leader.address);
    let standby = scripted(vec![answer("307 Temporary Redirect", &to, "")]).await;
    client(&[&standby.address])
        .write("a", json!({"k": "v"}))
        .await
        .unwrap();
    let asked = leader.asked.lock().unwrap();
    assert!(
        asked[0].contains("canary-token") && asked[0].ends_with(r#"{"k":"v"}"#),
        "{}",
        asked[0]
    );
}

#[tokio::test]
async fn tells_absent_from_deleted() {
    let server = scripted(vec![
        answer("404 Not Found", "", r#"{"errors":[]}"#),
        answer(
            "404 Not Found",
            "",
            r#"{"data":{"data":null,"metadata":{"version":3,"created_time":"t","deletion_time":"d","destroyed":false}}}"#,
        ),
    ])
    .await;
    let client = client(&[&server.address]);
    assert!(client.kv2("secret").get("a", None).await.unwrap().is_none());
    let deleted = client
        .kv2("secret")
        .get("a", Some(3))
        .await
        .unwrap()
        .unwrap();
    assert!(deleted.data.is_none());
    assert_eq!(deleted.metadata.version, 3);
}
