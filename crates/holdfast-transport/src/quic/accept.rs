//! Connections that peers make: admitted by certificate and membership, then served stream by stream.

use super::codes;
use super::core::{Core, Peer};
use super::serve;
use crate::wire::{BOOT_LEN, Kind};
use quinn::{Connection, Endpoint, Incoming, RecvStream, SendStream};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Most handshakes at the same time: several times the nodes of a cluster that all return at once.
const HANDSHAKES_MAX: usize = 128;

/// Accepts connections until the transport closes.
pub(super) async fn run(core: Arc<Core>, endpoint: Endpoint) {
    let handshakes = Arc::new(Semaphore::new(HANDSHAKES_MAX));
    while let Some(Some(incoming)) = core.closing.run_until_cancelled(endpoint.accept()).await {
        let Ok(room) = handshakes.clone().try_acquire_owned() else {
            incoming.refuse();
            continue;
        };
        // Under load, who cannot show that its address is its own gets no handshake.
        if handshakes.available_permits() < HANDSHAKES_MAX / 2 && incoming.may_retry() {
            if let Err(error) = incoming.retry() {
                error.into_incoming().refuse();
            }
            continue;
        }
        let core = core.clone();
        core.clone().tasks.spawn(async move {
            let admitted = admit(&core, incoming);
            let admitted = tokio::time::timeout(core.settings.dial_timeout, admitted);
            let admitted = core.closing.run_until_cancelled(admitted).await;
            drop(room);
            if let Some(Ok(Some((peer, connection)))) = admitted {
                serve_connection(&core, &peer, &connection).await;
                peer.forget_inbound(&connection);
            }
        });
    }
}

async fn admit(core: &Core, incoming: Incoming) -> Option<(Arc<Peer>, Connection)> {
    let address = incoming.remote_address();
    let connection = match incoming.accept().ok()?.await {
        Ok(connection) => connection,
        Err(error) => {
            tracing::debug!(%address, %error, "a handshake on the peer port failed");
            return None;
        }
    };
    let id = core.identity_of(&connection);
    let Some(peer) = id.and_then(|id| core.peer(id)) else {
        tracing::warn!(%address, node = id.map(|id| id.0), "refused a node that is not a peer");
        connection.close(codes::NOT_A_PEER, b"not a member of this cluster");
        if let (Some(id), Some(handler)) = (id, core.handler()) {
            handler.knock(id, address).await;
        }
        return None;
    };
    let Some(boot) = greet(core, &connection).await else {
        connection.close(codes::PROTOCOL, b"a greeting is expected first");
        return None;
    };
    peer.note_inbound(connection.clone());
    peer.link().peer_is_up(boot);
    Some((peer, connection))
}

/// Reads the greeting and answers it; gives the number of the peer's process.
async fn greet(core: &Core, connection: &Connection) -> Option<u64> {
    let (mut send, mut recv) = connection.accept_bi().await.ok()?;
    if kind_of(&mut recv).await? != Kind::Greeting {
        return None;
    }
    let mut boot = [0; BOOT_LEN];
    recv.read_exact(&mut boot).await.ok()?;
    send.write_all(&core.boot.to_be_bytes()).await.ok()?;
    send.finish().ok()?;
    Some(u64::from_be_bytes(boot))
}

async fn kind_of(recv: &mut RecvStream) -> Option<Kind> {
    let mut kind = [0];
    recv.read_exact(&mut kind).await.ok()?;
    let [kind] = kind;
    Kind::from_byte(kind)
}

/// Serves streams until the connection ends, the peer is removed, or the transport is dead.
async fn serve_connection(core: &Arc<Core>, peer: &Arc<Peer>, connection: &Connection) {
    while let Some((send, recv)) = next_stream(core, peer, connection).await {
        let (core, peer) = (core.clone(), peer.clone());
        core.clone().handlers.spawn(async move {
            serve_stream(&core, &peer, send, recv).await;
        });
    }
    // Both tokens are cancelled when the node itself ends, and then its peers are not to think they were removed.
    if peer.gone.is_cancelled() && !core.dead.is_cancelled() {
        connection.close(codes::NOT_A_PEER, b"removed from this cluster");
    }
}

async fn next_stream(
    core: &Core,
    peer: &Peer,
    connection: &Connection,
) -> Option<(SendStream, RecvStream)> {
    tokio::select! {
        biased;
        () = peer.gone.cancelled() => None,
        // Takes no new work; the connection lives on until the running handlers have answered.
        () = core.closing.cancelled() => {
            peer.gone.cancelled().await;
            None
        }
        stream = connection.accept_bi() => stream.ok(),
    }
}

async fn serve_stream(core: &Arc<Core>, peer: &Arc<Peer>, mut send: SendStream, recv: RecvStream) {
    let mut recv = recv;
    let kind = tokio::time::timeout(core.settings.dial_timeout, kind_of(&mut recv)).await;
    match kind {
        Ok(Some(Kind::Message(channel))) => serve::message(core, peer, channel, send, recv).await,
        Ok(Some(Kind::Frames)) => serve::frames(core, peer, send, recv).await,
        Ok(Some(Kind::Greeting) | None) | Err(_) => {
            // Closed already: then there is nobody to tell.
            drop(send.reset(codes::PROTOCOL));
            drop(recv.stop(codes::PROTOCOL));
        }
    }
}
