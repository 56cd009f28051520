//! The outgoing link to one peer: dialled in the background, again and again, so that a call finds a connection or fails fast.
//!
//! One task per link owns the dialling; everyone else reads its state. A pause between dials ends early when the peer has
//! just dialled us, which proves that it is up.

use super::codes;
use super::core::{Core, Peer};
use super::dial::{self, Admitted};
use crate::contract::PeerState;
use parking_lot::Mutex;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The link's own state.
#[derive(Clone)]
enum State {
    Dialling,
    Up(Admitted),
    Down,
}

/// One peer at one address.
pub(super) struct Link {
    pub(super) address: SocketAddr,
    /// Cancelled when the peer is removed or moves to another address.
    pub(super) stop: CancellationToken,
    state: watch::Sender<State>,
    nudge: Notify,
    history: Mutex<History>,
}

#[derive(Clone, Default)]
pub(super) struct History {
    pub(super) connects: u64,
    pub(super) last_error: Option<String>,
}

impl Link {
    pub(super) fn new(address: SocketAddr, stop: CancellationToken) -> Self {
        Self {
            address,
            stop,
            state: watch::Sender::new(State::Dialling),
            nudge: Notify::new(),
            history: Mutex::default(),
        }
    }

    /// The connection, waiting at most `wait` while a dial is in flight.
    pub(super) async fn admitted(&self, wait: Duration) -> Option<Admitted> {
        let mut state = self.state.subscribe();
        let settled = state.wait_for(|state| !matches!(state, State::Dialling));
        match tokio::time::timeout(wait, settled)
            .await
            .ok()?
            .ok()?
            .clone()
        {
            State::Up(admitted) => Some(admitted),
            State::Dialling | State::Down => None,
        }
    }

    pub(super) fn state(&self) -> PeerState {
        match &*self.state.borrow() {
            State::Dialling => PeerState::Connecting,
            State::Up(_) => PeerState::Connected,
            State::Down => PeerState::Unreachable,
        }
    }

    pub(super) fn rtt(&self) -> Option<Duration> {
        match &*self.state.borrow() {
            State::Up(admitted) => Some(admitted.connection.rtt()),
            State::Dialling | State::Down => None,
        }
    }

    pub(super) fn history(&self) -> History {
        self.history.lock().clone()
    }

    /// The peer has dialled us as process `boot`: it is up, and a connection to an earlier process of it is dead although
    /// no timeout has said so yet.
    pub(super) fn peer_is_up(&self, boot: u64) {
        if let State::Up(admitted) = &*self.state.borrow()
            && admitted.boot != boot
        {
            admitted
                .connection
                .close(codes::REPLACED, b"the peer has restarted");
        }
        self.nudge.notify_one();
    }
}

/// Keeps a link up until it is stopped.
pub(super) async fn keep(core: Arc<Core>, peer: Arc<Peer>, link: Arc<Link>) {
    link.stop
        .run_until_cancelled(keep_inner(&core, &peer, &link))
        .await;
    let last = link.state.send_replace(State::Down);
    if let State::Up(admitted) = last {
        let (code, why): (_, &[u8]) = if core.dead.is_cancelled() {
            (codes::CLOSING, b"shutting down")
        } else if peer.gone.is_cancelled() {
            (codes::NOT_A_PEER, b"removed")
        } else {
            (codes::REPLACED, b"dialled at another address")
        };
        admitted.connection.close(code, why);
    }
}

async fn keep_inner(core: &Core, peer: &Peer, link: &Link) {
    let mut pause = core.settings.backoff_min;
    let mut told = false;
    loop {
        link.state.send_replace(State::Dialling);
        let why = match dial::dial(core, peer.id, link.address).await {
            Ok(admitted) => {
                let since = Instant::now();
                link.history.lock().connects += 1;
                tracing::info!(peer = %peer.id, address = %link.address, "connected to peer");
                link.state.send_replace(State::Up(admitted.clone()));
                let error = admitted.connection.closed().await;
                told = false;
                // A connection that never lasts is a failed dial, for the pause.
                if since.elapsed() >= core.settings.backoff_max {
                    pause = core.settings.backoff_min;
                }
                dial::describe(&error)
            }
            Err(error) => error.to_string(),
        };
        link.state.send_replace(State::Down);
        if told {
            tracing::debug!(peer = %peer.id, error = %why, "peer still cannot be reached");
        } else {
            tracing::warn!(peer = %peer.id, address = %link.address, error = %why, "no connection to peer");
            told = true;
        }
        link.history.lock().last_error = Some(why);
        // Half fixed, half random: nodes that lost each other at once do not dial in step.
        let jitter = core.random() % 1000;
        let half = pause / 2;
        let jittered = half + half * u32::try_from(jitter).unwrap_or(0) / 1000;
        tokio::select! {
            () = tokio::time::sleep(jittered) => {}
            () = link.nudge.notified() => {}
        }
        pause = (pause * 2).min(core.settings.backoff_max);
    }
}
