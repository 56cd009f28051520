//! A listener with a pipeline behind it, for one test.

use futures::future::BoxFuture;
use holdfast_api::{Limits, Listener, ListenerOptions, Pipeline, Security};
use holdfast_barrier::{Barrier, SystemSurroundings};
use holdfast_contract::{Incoming, Refusal, Reply};
use holdfast_machine::testing::MemoryReplica;
use holdfast_request::{Answer, Core, NodeInfo};
use serde_json::{Value as Json, json};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Answers as the path says: `panic`, `slow` (until told), anything else with what was understood.
#[derive(Default)]
pub(crate) struct Scripted {
    pub(crate) slow: tokio::sync::Notify,
    pub(crate) slow_asked: tokio::sync::Notify,
}

impl Pipeline for Scripted {
    fn handle(&self, incoming: Incoming) -> BoxFuture<'_, Answer> {
        Box::pin(async move {
            let result = match incoming.path.as_str() {
                "panic" => panic!("a handler's fault with canary-panic inside"),
                "slow" => {
                    self.slow_asked.notify_one();
                    self.slow.notified().await;
                    Ok(Reply::json(json!({ "late": true })))
                }
                "absent" => Err(Refusal::NotFound),
                _ => Ok(Reply::json(json!({
                    "operation": format!("{:?}", incoming.operation),
                    "path": incoming.path.to_string(),
                    "query": incoming.query,
                    "body": incoming.body,
                    "token": incoming.token,
                    "namespace": incoming.namespace,
                    "freshness": format!("{:?}", incoming.freshness),
                    "remote": incoming.remote_addr,
                }))),
            };
            Answer {
                result,
                request_id: incoming.request_id,
                mount_type: "test".to_owned(),
                index: Some(7),
                age_ms: None,
            }
        })
    }
}

/// A running listener.
pub(crate) struct Served {
    pub(crate) addr: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Served {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    /// Asks it to stop.
    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
    }

    /// Waits until it has stopped.
    pub(crate) async fn stopped(self) {
        self.task.await.unwrap();
    }
}

pub(crate) async fn serve<P: Pipeline>(
    pipeline: Arc<P>,
    security: Security,
    limits: Limits,
) -> Served {
    let addr = "127.0.0.1:0".parse().unwrap();
    let listener = Listener::bind(ListenerOptions {
        addr,
        security,
        limits,
    })
    .await
    .unwrap();
    let addr = listener.local_addr();
    let (stop, stopping) = oneshot::channel::<()>();
    let task = tokio::spawn(async move {
        listener
            .serve(pipeline, async { drop(stopping.await) })
            .await;
    });
    Served {
        addr,
        stop: Some(stop),
        task,
    }
}

pub(crate) async fn scripted(limits: Limits) -> (Served, Arc<Scripted>) {
    let pipeline = Arc::new(Scripted::default());
    (
        serve(Arc::clone(&pipeline), Security::PlainLoopback, limits).await,
        pipeline,
    )
}

/// The product's own pipeline over one replica in memory.
pub(crate) async fn product() -> Served {
    let barrier = Barrier::new(Arc::new(MemoryReplica::new()), Arc::new(SystemSurroundings));
    let info = NodeInfo {
        version: "1.19.0".to_owned(),
        cluster_name: "test".to_owned(),
    };
    serve(
        Arc::new(Core::new(Arc::new(barrier), info)),
        Security::PlainLoopback,
        Limits::default(),
    )
    .await
}

pub(crate) fn client() -> reqwest::Client {
    drop(rustls::crypto::ring::default_provider().install_default());
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// Sends and reads: status, headers, body.
pub(crate) async fn send(request: reqwest::RequestBuilder) -> (u16, http::HeaderMap, Json) {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.unwrap();
    (
        status,
        headers,
        serde_json::from_str(&text).unwrap_or(Json::String(text)),
    )
}

/// Initialised, unsealed, with a KV v2 mount; gives the root token.
pub(crate) async fn opened(served: &Served) -> String {
    let client = client();
    let init = client
        .put(served.url("/v1/sys/init"))
        .body(r#"{"secret_shares": 1, "secret_threshold": 1}"#);
    let (_, _, made) = send(init).await;
    let body = json!({ "key": made["keys"][0] }).to_string();
    assert_eq!(
        send(client.put(served.url("/v1/sys/unseal")).body(body))
            .await
            .0,
        200
    );
    let token = made["root_token"].as_str().unwrap().to_owned();
    let mount = client
        .post(served.url("/v1/sys/mounts/secret"))
        .header("x-vault-token", &token);
    assert_eq!(send(mount.body(r#"{"type": "kv-v2"}"#)).await.0, 204);
    token
}
