//! One dial: handshake, check of the node dialled, and greeting.
//!
//! In TLS 1.3 the dialler's handshake ends before the acceptor has judged the dialler's certificate, so a connection counts
//! only once the greeting was answered: the acceptor answers members alone.

use super::codes;
use super::core::Core;
use crate::wire::{self, BOOT_LEN};
use holdfast_types::NodeId;
use quinn::{ConnectError, Connection, ConnectionError, ReadExactError, WriteError};
use std::net::SocketAddr;

/// A connection that the peer has admitted.
#[derive(Clone)]
pub(super) struct Admitted {
    pub(super) connection: Connection,
    /// The number that the peer's process drew when it started.
    pub(super) boot: u64,
}

/// Why a dial failed, in words for the operator who reads a peer's status.
#[derive(Debug, thiserror::Error)]
pub(super) enum DialError {
    #[error("the transport is closed")]
    Closed,
    #[error("no answer within {0} ms")]
    TimedOut(u128),
    #[error("cannot dial: {0}")]
    Connect(#[from] ConnectError),
    #[error("{}", describe(.0))]
    Connection(#[from] ConnectionError),
    #[error("the node that answered is not the one dialled")]
    WrongNode,
    #[error("the connection was not admitted")]
    NotAdmitted,
}

impl From<WriteError> for DialError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::ConnectionLost(error) => Self::Connection(error),
            _ => Self::NotAdmitted,
        }
    }
}

impl From<ReadExactError> for DialError {
    fn from(error: ReadExactError) -> Self {
        match error {
            ReadExactError::ReadError(quinn::ReadError::ConnectionLost(error)) => {
                Self::Connection(error)
            }
            _ => Self::NotAdmitted,
        }
    }
}

/// Says why a connection ended, without the library's codes where ours say it better.
pub(super) fn describe(error: &ConnectionError) -> String {
    match error {
        ConnectionError::ApplicationClosed(close) if close.error_code == codes::NOT_A_PEER => {
            "refused: this node is not a member of the peer's cluster configuration".to_owned()
        }
        ConnectionError::ApplicationClosed(close) if close.error_code == codes::CLOSING => {
            "the peer is shutting down".to_owned()
        }
        ConnectionError::TimedOut => "no packet came for too long".to_owned(),
        other => other.to_string(),
    }
}

/// Dials a peer and is admitted, within the dial timeout.
pub(super) async fn dial(
    core: &Core,
    to: NodeId,
    address: SocketAddr,
) -> Result<Admitted, DialError> {
    let limit = core.settings.dial_timeout;
    tokio::time::timeout(limit, dial_inner(core, to, address))
        .await
        .unwrap_or(Err(DialError::TimedOut(limit.as_millis())))
}

async fn dial_inner(core: &Core, to: NodeId, address: SocketAddr) -> Result<Admitted, DialError> {
    let connecting = {
        let endpoint = core.endpoint().ok_or(DialError::Closed)?;
        let name = core.cluster.node_name(to);
        endpoint.connect_with(core.client.clone(), address, &name)?
    };
    let connection = connecting.await?;
    // TLS has matched the name; this also refuses a certificate that names several nodes.
    if core.identity_of(&connection) != Some(to) {
        connection.close(codes::NOT_A_PEER, b"not the node dialled");
        return Err(DialError::WrongNode);
    }
    let (mut send, mut recv) = connection.open_bi().await?;
    send.write_all(&wire::greeting(core.boot)).await?;
    // The peer may already have read all it wants of a greeting.
    drop(send.finish());
    let mut boot = [0; BOOT_LEN];
    recv.read_exact(&mut boot).await?;
    Ok(Admitted {
        connection,
        boot: u64::from_be_bytes(boot),
    })
}
