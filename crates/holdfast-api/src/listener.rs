//! The listener: binds, accepts, stops in order.

use crate::body::BodyBudget;
use crate::dispatch::{Dispatch, Pipeline};
use crate::http_front::HttpFront;
use crate::limits::Limits;
use crate::tls::{self, TlsError, TlsFiles};
use crate::{connection, router};
use hyper_util::server::graceful::GracefulShutdown;
use rustls::ServerConfig;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Pause after the system refused a connection, such as for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How connections are protected.
#[derive(Clone, Debug)]
pub enum Security {
    /// TLS with this certificate.
    Tls(TlsFiles),
    /// Plain HTTP. Only on loopback addresses.
    PlainLoopback,
}

/// What a listener needs.
#[derive(Clone, Debug)]
pub struct ListenerOptions {
    /// Where to listen; port 0 takes a free one.
    pub addr: SocketAddr,
    /// How connections are protected.
    pub security: Security,
    /// What it bears.
    pub limits: Limits,
}

/// Why the listener could not be made.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Plain HTTP off loopback would show every secret to the network.
    #[error(
        "plain HTTP is for loopback addresses only, and {0} is none; give the API a certificate and key"
    )]
    PlainOffLoopback(SocketAddr),
    /// Certificate or key cannot be used.
    #[error("TLS cannot be set up")]
    Tls(#[from] TlsError),
    /// The address cannot be had.
    #[error("cannot listen on {addr}")]
    Address {
        /// Which.
        addr: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
}

/// A bound listener.
pub struct Listener {
    socket: TcpListener,
    local_addr: SocketAddr,
    tls: Option<Arc<ServerConfig>>,
    limits: Limits,
}

impl Listener {
    /// Binds. Connections wait in the kernel until [`Listener::serve`].
    ///
    /// # Errors
    /// When plain HTTP is asked for off loopback, TLS cannot be set up, or the address is taken.
    pub async fn bind(options: ListenerOptions) -> Result<Self, BindError> {
        let addr = options.addr;
        let tls = match &options.security {
            Security::Tls(files) => Some(tls::load(files)?),
            Security::PlainLoopback if !addr.ip().is_loopback() => {
                return Err(BindError::PlainOffLoopback(addr));
            }
            Security::PlainLoopback => None,
        };
        let refused = |source| BindError::Address { addr, source };
        let socket = TcpListener::bind(addr).await.map_err(refused)?;
        let local_addr = socket.local_addr().map_err(refused)?;
        Ok(Self {
            socket,
            local_addr,
            tls,
            limits: options.limits,
        })
    }

    /// Where it listens.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Serves until `shutdown` completes; then takes no more, lets requests finish for [`Limits::drain_time`], and ends what is
    /// left.
    pub async fn serve<P: Pipeline>(self, pipeline: Arc<P>, shutdown: impl Future<Output = ()>) {
        let limits = Arc::new(self.limits);
        let front = HttpFront {
            dispatch: Arc::new(Dispatch::new(pipeline, &limits)),
            limits: (*limits).clone(),
            bodies: BodyBudget::new(&limits),
        };
        let router = router::build(Arc::new(front));
        let room = Arc::new(Semaphore::new(limits.connections));
        let graceful = GracefulShutdown::new();
        let mut connections = JoinSet::new();
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            let (stream, remote, place) = tokio::select! {
                biased;
                () = &mut shutdown => break,
                Some(_) = connections.join_next() => continue,
                accepted = accept(&self.socket, &room) => accepted,
            };
            let (tls, router, limits) = (self.tls.clone(), router.clone(), Arc::clone(&limits));
            let watcher = graceful.watcher();
            connections.spawn(async move {
                connection::serve(stream, remote, tls, router, &limits, watcher).await;
                drop(place);
            });
        }
        drop(self.socket);
        if timeout(limits.drain_time, graceful.shutdown())
            .await
            .is_err()
        {
            tracing::warn!(
                left = connections.len(),
                "connections did not end in time and are cut"
            );
        }
        connections.shutdown().await;
    }
}

/// The next connection, once there is room for it.
async fn accept(
    socket: &TcpListener,
    room: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    loop {
        let Ok(place) = Arc::clone(room).acquire_owned().await else {
            return std::future::pending().await;
        };
        match socket.accept().await {
            Ok((stream, remote)) => return (stream, remote, place),
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}
