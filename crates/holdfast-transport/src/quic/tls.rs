//! From an identity to QUIC configurations: TLS 1.3 only, both sides authenticated, no early data, no resumption.
//!
//! Resumption is off because a resumed handshake would take an identity from a ticket instead of a certificate; peers
//! reconnect rarely and a full handshake costs a millisecond.

use crate::certs::Identity;
use crate::settings::Settings;
use crate::wire::ALPN;
use quinn::congestion::CubicConfig;
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::{IdleTimeout, TransportConfig, VarInt};
use rustls::client::Resumption;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::version::TLS13;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

type BoxError = Box<dyn Error + Send + Sync>;

/// Most streams a peer may have open on one connection: every channel's calls at the default bound would fit.
const STREAMS_MAX: u32 = 2048;
/// Bytes of one stream in flight: one frame of the largest size, and more than a gigabit over 100 ms.
const STREAM_WINDOW: u32 = 16 * 1024 * 1024;
/// Bytes of one connection in flight: a stream that nobody reads leaves three quarters to the others.
const CONNECTION_WINDOW: u32 = 64 * 1024 * 1024;
/// Bytes of one connection that wait for an acknowledgement.
const SEND_WINDOW: u64 = 32 * 1024 * 1024;
/// Assumed round trip before one was measured; quinn's 333 ms would make the first loss cost a second.
const INITIAL_RTT: Duration = Duration::from_millis(50);
/// A packet counts as lost once this many later ones have arrived. QUIC's 3 takes every packet that is overtaken on its way for a
/// loss and slows down: over 190 ms with 2 ms of jitter to 40 KB/s. So time decides instead, an eighth of a round trip (RFC 9002, 6.1.2).
const OVERTAKEN_MAX: u32 = 1 << 20;

pub(super) fn server_config(
    identity: &Identity,
    settings: &Settings,
) -> Result<quinn::ServerConfig, BoxError> {
    let provider = identity.provider.clone();
    let verifier =
        WebPkiClientVerifier::builder_with_provider(identity.roots.clone(), provider.clone())
            .build()?;
    let mut tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])?
        .with_client_cert_verifier(verifier)
        .with_single_cert(identity.chain.clone(), identity.key.clone_key())?;
    tls.alpn_protocols = vec![ALPN.to_vec()];
    tls.max_early_data_size = 0;
    tls.send_tls13_tickets = 0;
    tls.session_storage = Arc::new(NoServerSessionStorage {});
    let crypto = QuicServerConfig::try_from(tls)?;
    let mut config = quinn::ServerConfig::with_crypto(Arc::new(crypto));
    let mut transport = transport_config(settings)?;
    transport.max_concurrent_bidi_streams(VarInt::from_u32(STREAMS_MAX));
    config.transport_config(Arc::new(transport));
    Ok(config)
}

pub(super) fn client_config(
    identity: &Identity,
    settings: &Settings,
) -> Result<quinn::ClientConfig, BoxError> {
    let mut tls = rustls::ClientConfig::builder_with_provider(identity.provider.clone())
        .with_protocol_versions(&[&TLS13])?
        .with_root_certificates(identity.roots.clone())
        .with_client_auth_cert(identity.chain.clone(), identity.key.clone_key())?;
    tls.alpn_protocols = vec![ALPN.to_vec()];
    tls.enable_early_data = false;
    tls.resumption = Resumption::disabled();
    let crypto = QuicClientConfig::try_from(tls)?;
    let mut config = quinn::ClientConfig::new(Arc::new(crypto));
    let mut transport = transport_config(settings)?;
    // Only the dialling side opens streams and shows that it lives: what it hears back keeps its own end alive.
    transport.max_concurrent_bidi_streams(VarInt::from_u32(0));
    transport.keep_alive_interval(Some(settings.keep_alive));
    config.transport_config(Arc::new(transport));
    Ok(config)
}

fn transport_config(settings: &Settings) -> Result<TransportConfig, BoxError> {
    let mut transport = TransportConfig::default();
    transport
        .max_idle_timeout(Some(IdleTimeout::try_from(settings.idle_timeout)?))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .datagram_receive_buffer_size(None)
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW))
        .receive_window(VarInt::from_u32(CONNECTION_WINDOW))
        .send_window(SEND_WINDOW)
        .initial_rtt(INITIAL_RTT)
        .packet_threshold(OVERTAKEN_MAX)
        .congestion_controller_factory(Arc::new(CubicConfig::default()))
        .enable_segmentation_offload(settings.segmentation_offload);
    Ok(transport)
}
