//! Ports for the nodes: the first node's API where the user wants it, everything else where it is free.
//!
//! Sockets are held while all ports are chosen, so that no two are the same, and let go before the servers start.

use anyhow::{Context, bail};
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};

/// Addresses of one node.
#[derive(Clone, Copy)]
pub(super) struct Addresses {
    pub(super) api: SocketAddr,
    pub(super) peer: SocketAddr,
}

/// Chooses for `count` nodes. The peers talk over loopback, whatever address the APIs have.
pub(super) fn choose(listen: SocketAddr, count: u64) -> anyhow::Result<Vec<Addresses>> {
    let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut held = Vec::new();
    let mut chosen = Vec::new();
    for index in 0..count {
        let wanted = if index == 0 {
            listen
        } else {
            SocketAddr::new(listen.ip(), 0)
        };
        let api = take_listen(wanted)?;
        let peer = UdpSocket::bind(loopback).context("finding a free port")?;
        chosen.push(Addresses {
            api: api.local_addr()?,
            peer: peer.local_addr()?,
        });
        held.push((api, peer));
    }
    Ok(chosen)
}

/// Refuses when what a kept cluster used before is taken now.
pub(super) fn check_free(node: u64, addresses: Addresses, first: bool) -> anyhow::Result<()> {
    if first {
        drop(take_listen(addresses.api)?);
    } else {
        TcpListener::bind(addresses.api).with_context(|| {
            format!(
                "node {node} of this cluster needs TCP port {}: stop what uses it",
                addresses.api
            )
        })?;
    }
    UdpSocket::bind(addresses.peer).with_context(|| {
        format!(
            "node {node} of this cluster needs UDP port {}: stop what uses it",
            addresses.peer
        )
    })?;
    Ok(())
}

fn take_listen(wanted: SocketAddr) -> anyhow::Result<TcpListener> {
    match TcpListener::bind(wanted) {
        Ok(socket) => Ok(socket),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            let free = TcpListener::bind(SocketAddr::new(wanted.ip(), 0))?.local_addr()?;
            bail!("{wanted} is in use: choose another address, such as --listen {free}")
        }
        Err(error) => Err(error).with_context(|| format!("--listen {wanted}")),
    }
}

/// Plain HTTP is for loopback only.
pub(super) fn check_plain(ip: IpAddr, tls: bool) -> anyhow::Result<()> {
    anyhow::ensure!(
        tls || ip.is_loopback(),
        "--listen {ip}: plain HTTP is for loopback addresses only; add --tls"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_differ_and_the_first_is_the_wanted_one() {
        let wanted = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let chosen = choose(wanted, 5).unwrap();
        assert_eq!(chosen[0].api, wanted);
        let mut apis: Vec<_> = chosen.iter().map(|node| node.api).collect();
        apis.sort();
        apis.dedup();
        assert_eq!(apis.len(), 5);
    }

    #[test]
    fn a_taken_port_is_told_with_the_flag_to_use() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let error = choose(taken.local_addr().unwrap(), 1)
            .err()
            .unwrap()
            .to_string();
        assert!(
            error.contains("in use") && error.contains("--listen"),
            "{error}"
        );
    }

    #[test]
    fn plain_http_stays_on_loopback() {
        assert!(check_plain([0, 0, 0, 0].into(), false).is_err());
        assert!(check_plain([0, 0, 0, 0].into(), true).is_ok());
        assert!(check_plain([127, 0, 0, 1].into(), false).is_ok());
    }
}
