//! One connection: TLS handshake, HTTP/1.1 or HTTP/2, requests until either side ends it. Everything is bounded in time.

use crate::http_front::Remote;
use crate::limits::Limits;
use axum::Router;
use axum::body::Body;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::Watcher;
use rustls::ServerConfig;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

/// How often an idle HTTP/2 connection is asked whether it is still there, and how long it may take to say so.
const PING_EVERY: Duration = Duration::from_secs(20);
const PING_WITHIN: Duration = Duration::from_secs(10);
/// Resets that an HTTP/2 client may have under way before its connection is closed (rapid reset).
const RESETS_MAX: usize = 20;

/// Serves a connection to its end. What goes wrong with one connection is nobody else's business: it is a debug line.
pub(crate) async fn serve(
    stream: TcpStream,
    remote: SocketAddr,
    tls: Option<Arc<ServerConfig>>,
    router: Router,
    limits: &Limits,
    watcher: Watcher,
) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let mut builder = builder(limits);
    let ended = match tls {
        Some(tls) => {
            let shake = TlsAcceptor::from(tls).accept(stream);
            let Ok(Ok(stream)) = timeout(limits.handshake_time, shake).await else {
                tracing::debug!(%remote, "no TLS handshake");
                return;
            };
            builder = match stream.get_ref().1.alpn_protocol() {
                Some(b"h2") => builder.http2_only(),
                _ => builder.http1_only(),
            };
            requests(stream, remote, router, &builder, watcher).await
        }
        None => {
            let mut first = [0];
            let heard = timeout(limits.handshake_time, stream.peek(&mut first)).await;
            if !matches!(heard, Ok(Ok(1))) {
                return;
            }
            requests(stream, remote, router, &builder, watcher).await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%remote, %error, "a connection ended early");
    }
}

fn builder(limits: &Limits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_time)
        .max_buf_size(limits.head_bytes as usize)
        .max_headers(limits.headers)
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(limits.head_bytes)
        .max_concurrent_streams(limits.streams)
        .max_pending_accept_reset_streams(RESETS_MAX)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_WITHIN);
    builder
}

async fn requests<S>(
    stream: S,
    remote: SocketAddr,
    router: Router,
    builder: &Builder<TokioExecutor>,
    watcher: Watcher,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service =
        hyper::service::service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
            request.extensions_mut().insert(Remote(remote));
            router.clone().oneshot(request.map(Body::new))
        });
    watcher
        .watch(
            builder
                .serve_connection(TokioIo::new(stream), service)
                .into_owned(),
        )
        .await
}
