//! Ports that nobody uses.

use std::collections::BTreeSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};

/// Hands out loopback addresses, each once.
#[derive(Default)]
pub(crate) struct Ports(BTreeSet<SocketAddr>);

/// How often to ask the system for another one.
const TRIES: usize = 100;

impl Ports {
    /// For TCP.
    pub(crate) fn tcp(&mut self) -> io::Result<SocketAddr> {
        self.take(|| TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr())
    }

    /// For UDP.
    pub(crate) fn udp(&mut self) -> io::Result<SocketAddr> {
        self.take(|| UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr())
    }

    fn take(&mut self, free: impl Fn() -> io::Result<SocketAddr>) -> io::Result<SocketAddr> {
        for _ in 0..TRIES {
            let address = free()?;
            if self.0.insert(address) {
                return Ok(address);
            }
        }
        Err(io::Error::other("no free port on the loopback"))
    }
}
