//! The sockets: one at each node's advertised address, and one for each pair of a node that dials and a node that is dialled.
//!
//! A datagram from node m to the advertised address of n goes on from the flow socket of (m, n) to where n listens. What n
//! answers comes back to that flow socket and goes to m from n's advertised address. So both directions of both nodes'
//! connections are told apart by socket alone, and the number of sockets is fixed: n².

use crate::switch::Passage;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};

/// What each socket may hold for us, bytes; a burst of a snapshot must not overrun it. Without the privilege the system's limit holds.
const RECEIVE_BUFFER_BYTES: usize = 8 * 1024 * 1024;

/// Sockets by place of node.
pub(crate) struct Wires<S> {
    listens: Vec<SocketAddr>,
    /// At `dialler * nodes + dialled`; the advertised address of a node is at `node * nodes + node`.
    sockets: Vec<S>,
}

impl<S> Wires<S> {
    /// The same sockets in another form.
    pub(crate) fn map<T>(self, form: impl FnMut(S) -> io::Result<T>) -> io::Result<Wires<T>> {
        Ok(Wires {
            listens: self.listens,
            sockets: self
                .sockets
                .into_iter()
                .map(form)
                .collect::<Result<_, _>>()?,
        })
    }

    /// How many sockets there are.
    pub(crate) const fn count(&self) -> usize {
        self.sockets.len()
    }

    /// The socket at a place.
    pub(crate) fn socket(&self, place: usize) -> &S {
        &self.sockets[place]
    }

    /// The way of a datagram that came to a socket; none if it came from a stranger.
    pub(crate) fn passage(&self, place: usize, source: SocketAddr) -> Option<Passage> {
        let nodes = self.listens.len();
        let (dialler, dialled) = (place / nodes, place % nodes);
        if dialler != dialled {
            return (source == self.listens[dialled]).then_some(Passage {
                from: dialled,
                to: dialler,
                dialled: false,
            });
        }
        let from = self.listens.iter().position(|listen| *listen == source)?;
        (from != dialled).then_some(Passage {
            from,
            to: dialled,
            dialled: true,
        })
    }

    /// Where a datagram goes on: from which socket, and to which address.
    pub(crate) fn onward(&self, passage: Passage) -> (&S, SocketAddr) {
        let nodes = self.listens.len();
        let place = if passage.dialled {
            passage.from * nodes + passage.to
        } else {
            passage.from * nodes + passage.from
        };
        (&self.sockets[place], self.listens[passage.to])
    }
}

impl Wires<UdpSocket> {
    /// Opens all sockets on free ports of loopback.
    pub(crate) fn open(listens: Vec<SocketAddr>) -> io::Result<Self> {
        let count = listens.len() * listens.len();
        let sockets = (0..count).map(|_| open()).collect::<Result<_, _>>()?;
        Ok(Self { listens, sockets })
    }

    /// The advertised address of each node.
    pub(crate) fn advertised(&self) -> io::Result<Vec<SocketAddr>> {
        let nodes = self.listens.len();
        (0..nodes)
            .map(|node| self.sockets[node * nodes + node].local_addr())
            .collect()
    }
}

fn open() -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.set_nonblocking(true)?;
    let forced =
        rustix::net::sockopt::set_socket_recv_buffer_size_force(&socket, RECEIVE_BUFFER_BYTES);
    if forced.is_err() {
        rustix::net::sockopt::set_socket_recv_buffer_size(&socket, RECEIVE_BUFFER_BYTES)?;
    }
    Ok(socket)
}
