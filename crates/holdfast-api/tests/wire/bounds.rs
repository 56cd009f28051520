//! Floods, faults and stops.

use crate::scripted::{client, scripted, send};
use holdfast_api::Limits;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longer than anything here may take.
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_panic_stays_with_its_request() {
    let (served, _) = scripted(Limits::default()).await;
    let client = client();
    let (status, _, body) = send(client.get(served.url("/v1/panic"))).await;
    assert_eq!(
        (status, body.to_string().as_str()),
        (500, r#"{"errors":["internal error"]}"#)
    );
    assert_eq!(send(client.get(served.url("/v1/a"))).await.0, 200);
}

#[tokio::test]
async fn an_oversized_body_is_refused_and_not_kept() {
    let (served, _) = scripted(Limits {
        body_bytes: 1024 * 1024,
        ..Limits::default()
    })
    .await;
    let client = client();
    let body = format!("{{\"a\":\"{}\"}}", "x".repeat(1024 * 1024));
    let (status, _, answer) = send(client.post(served.url("/v1/a")).body(body)).await;
    assert_eq!(status, 413, "{answer}");
    assert_eq!(
        send(client.post(served.url("/v1/a")).body("{}")).await.0,
        200
    );
}

#[tokio::test]
async fn a_flood_hides_neither_health_nor_unseal() {
    let limits = Limits {
        requests: 1,
        queue_time: Duration::from_millis(50),
        ..Limits::default()
    };
    let (served, pipeline) = scripted(limits).await;
    let client = client();
    let slow = tokio::spawn(send(client.get(served.url("/v1/slow"))));
    tokio::time::timeout(PATIENCE, pipeline.slow_asked.notified())
        .await
        .unwrap();
    let (status, headers, _) = send(client.get(served.url("/v1/a"))).await;
    assert_eq!(
        (status, headers["retry-after"].to_str().unwrap()),
        (503, "1")
    );
    for path in ["/v1/sys/health", "/v1/sys/seal-status"] {
        assert_eq!(send(client.get(served.url(path))).await.0, 200, "{path}");
    }
    assert_eq!(
        send(client.put(served.url("/v1/sys/unseal")).body("{}"))
            .await
            .0,
        200
    );
    pipeline.slow.notify_one();
    assert_eq!(slow.await.unwrap().0, 200);
    assert_eq!(send(client.get(served.url("/v1/a"))).await.0, 200);
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_answered_as_unknown() {
    let limits = Limits {
        request_time: Duration::from_millis(50),
        ..Limits::default()
    };
    let (served, _) = scripted(limits).await;
    let (status, headers, body) = send(client().get(served.url("/v1/slow"))).await;
    assert_eq!(status, 503, "{body}");
    assert!(
        !headers.contains_key("retry-after"),
        "a write must not be repeated"
    );
}

/// Whether the server closes the connection by itself.
async fn is_closed(stream: &mut TcpStream) -> bool {
    let mut sink = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut sink))
        .await
        .is_ok()
}

#[tokio::test]
async fn slow_clients_are_let_go() {
    let limits = Limits {
        head_time: Duration::from_millis(100),
        handshake_time: Duration::from_millis(100),
        body_silence: Duration::from_millis(100),
        ..Limits::default()
    };
    let (served, _) = scripted(limits).await;
    for beginning in [
        "",
        "GET /v1/a HTTP/1.1\r\nhost: ",
        "POST /v1/a HTTP/1.1\r\nhost: h\r\ncontent-length: 9\r\n\r\n{",
    ] {
        let mut stream = TcpStream::connect(served.addr).await.unwrap();
        stream.write_all(beginning.as_bytes()).await.unwrap();
        assert!(is_closed(&mut stream).await, "{beginning}");
    }
}

#[tokio::test]
async fn an_oversized_head_is_refused() {
    let (served, _) = scripted(Limits::default()).await;
    let huge = "x".repeat(200_000);
    let asked = client()
        .get(served.url("/v1/a"))
        .header("x-vault-token", huge)
        .send()
        .await;
    assert!(asked.is_err() || asked.is_ok_and(|answer| answer.status().is_client_error()));
}

#[tokio::test]
async fn stopping_finishes_what_runs_and_takes_no_more() {
    let (mut served, pipeline) = scripted(Limits::default()).await;
    let client = client();
    let running = tokio::spawn(send(client.get(served.url("/v1/slow"))));
    tokio::time::timeout(PATIENCE, pipeline.slow_asked.notified())
        .await
        .unwrap();
    let addr = served.addr;
    served.stop();
    let mut tries = 0;
    while TcpStream::connect(addr).await.is_ok() {
        tries += 1;
        assert!(tries < 10_000, "it still takes connections");
        tokio::task::yield_now().await;
    }
    pipeline.slow.notify_one();
    assert_eq!(running.await.unwrap().0, 200);
    tokio::time::timeout(PATIENCE, served.stopped())
        .await
        .unwrap();
}

#[tokio::test]
async fn stopping_is_bounded_in_time() {
    let (mut served, pipeline) = scripted(Limits {
        drain_time: Duration::from_millis(50),
        ..Limits::default()
    })
    .await;
    let running = tokio::spawn(client().get(served.url("/v1/slow")).send());
    tokio::time::timeout(PATIENCE, pipeline.slow_asked.notified())
        .await
        .unwrap();
    served.stop();
    tokio::time::timeout(PATIENCE, served.stopped())
        .await
        .unwrap();
    assert!(running.await.unwrap().is_err());
}
