//! The UDP socket under the endpoint. Two promises: a send that fails is a lost datagram and never the end of the endpoint (a
//! firewall answers EPERM, a network card EIO); and the port can be released although somebody still holds a connection
//! or a stream, which in quinn hold the socket.

use parking_lot::RwLock;
use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, UdpPoller};
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use tokio::sync::oneshot;

/// A socket whose sends do not fail and that can be taken away.
#[derive(Debug)]
pub(super) struct SteadySocket {
    live: RwLock<Option<Arc<Live>>>,
    local_address: SocketAddr,
    max_transmit_segments: usize,
    max_receive_segments: usize,
    may_fragment: bool,
    send_errors: AtomicU64,
}

/// The open socket. `_released` is dropped after it, when the port is free.
#[derive(Debug)]
struct Live {
    socket: Arc<dyn AsyncUdpSocket>,
    _released: oneshot::Sender<()>,
}

impl SteadySocket {
    /// The socket, and what resolves (with an error) once it is closed.
    pub(super) fn new(
        socket: Arc<dyn AsyncUdpSocket>,
    ) -> io::Result<(Arc<Self>, oneshot::Receiver<()>)> {
        let (sender, released) = oneshot::channel();
        let steady = Self {
            local_address: socket.local_addr()?,
            max_transmit_segments: socket.max_transmit_segments(),
            max_receive_segments: socket.max_receive_segments(),
            may_fragment: socket.may_fragment(),
            live: RwLock::new(Some(Arc::new(Live {
                socket,
                _released: sender,
            }))),
            send_errors: AtomicU64::new(0),
        };
        Ok((Arc::new(steady), released))
    }

    /// Takes the socket away: from now on nothing is sent or received.
    pub(super) fn release(&self) {
        let live = self.live.write().take();
        drop(live);
    }

    fn live(&self) -> Option<Arc<Live>> {
        self.live.read().clone()
    }
}

impl AsyncUdpSocket for SteadySocket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Box::pin(Poller {
            socket: self,
            waiting: None,
        })
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        let Some(live) = self.live() else {
            return Ok(());
        };
        match live.socket.try_send(transmit) {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => {
                let count = self.send_errors.fetch_add(1, Ordering::Relaxed) + 1;
                // At 1, 2, 4, 8 …: a cut lasts for thousands of datagrams.
                if count.is_power_of_two() {
                    tracing::warn!(%error, count, "a datagram to a peer could not be sent");
                }
                Ok(())
            }
            other => other,
        }
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        match self.live() {
            Some(live) => live.socket.poll_recv(cx, bufs, meta),
            None => Poll::Pending,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.local_address)
    }

    fn max_transmit_segments(&self) -> usize {
        // Asked each time: the system's number falls to 1 when offload turns out not to work.
        self.live().map_or(self.max_transmit_segments, |live| {
            live.socket.max_transmit_segments()
        })
    }

    fn max_receive_segments(&self) -> usize {
        self.max_receive_segments
    }

    fn may_fragment(&self) -> bool {
        self.may_fragment
    }
}

/// One wait of a [`Poller`]; holds the port open while it lasts.
#[derive(Debug)]
struct Waiting {
    poller: Pin<Box<dyn UdpPoller>>,
    _live: Arc<Live>,
}

/// Holds the socket only while it waits to be writable.
#[derive(Debug)]
struct Poller {
    socket: Arc<SteadySocket>,
    waiting: Option<Waiting>,
}

impl UdpPoller for Poller {
    fn poll_writable(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(live) = self.socket.live() else {
            self.waiting = None;
            return Poll::Ready(Ok(()));
        };
        let waiting = self.waiting.get_or_insert_with(|| Waiting {
            poller: live.socket.clone().create_io_poller(),
            _live: live,
        });
        let polled = waiting.poller.as_mut().poll_writable(cx);
        if polled.is_ready() {
            self.waiting = None;
        }
        polled
    }
}

#[cfg(test)]
#[path = "socket_tests.rs"]
mod tests;
