//! What only the QUIC carrier promises: who is refused by certificate, what malformed peers get, and that the port is free after close.

#![expect(
    clippy::unwrap_used,
    reason = "in a test, a failure to get that far is a failure"
)]

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use holdfast_transport::{
    CallError, Channel, ClusterAuthority, FrameSink, FrameSource, Handler, Identity,
    IssuedCertificate, PeerState, QuicTransport, Refused, Settings, Transport,
};
use holdfast_types::NodeId;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);

struct Echo;

impl Handler for Echo {
    fn handle(
        &self,
        _from: NodeId,
        _channel: Channel,
        body: Bytes,
    ) -> BoxFuture<'_, Result<Bytes, Refused>> {
        async { Ok(body) }.boxed()
    }

    fn accept_stream(
        &self,
        _from: NodeId,
        _sink: Box<dyn FrameSink>,
        _source: Box<dyn FrameSource>,
    ) -> BoxFuture<'_, ()> {
        async {}.boxed()
    }

    fn knock(&self, _from: NodeId, _address: SocketAddr) -> BoxFuture<'_, ()> {
        futures::future::ready(()).boxed()
    }
}

fn identity(authority: &ClusterAuthority, node: u64, cluster: &str) -> Identity {
    let issued = authority.issue_node(NodeId(node), &[]).unwrap();
    let loaded = Identity::load(
        authority.cert_pem().as_bytes(),
        issued.cert_pem.as_bytes(),
        issued.key_pem.as_bytes(),
        NodeId(node),
        cluster,
    );
    loaded.ok().unwrap()
}

fn start(identity: &Identity) -> Arc<QuicTransport> {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let transport = QuicTransport::bind(identity, any, Settings::default())
        .ok()
        .unwrap();
    transport.serve(Arc::new(Echo));
    transport
}

fn introduce(one: &QuicTransport, other: NodeId, address: SocketAddr) {
    one.set_peers([(other, address)].into());
}

async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Waits for the first failed dial and gives its reason.
async fn refusal(transport: &QuicTransport, peer: u64) -> String {
    let last = || {
        transport
            .status()
            .into_iter()
            .find(|p| p.id.0 == peer)?
            .last_error
    };
    eventually("a dial fails", || last().is_some()).await;
    assert_ne!(
        transport.peer_state(NodeId(peer)),
        Some(PeerState::Connected)
    );
    let short = Duration::from_secs(5);
    let error = transport
        .call(NodeId(peer), Channel::Log, "x".into(), short)
        .await;
    assert_eq!(error.unwrap_err(), CallError::Unreachable(NodeId(peer)));
    last().unwrap()
}

async fn ping(from: &QuicTransport, to: u64) {
    eventually("the peer is connected", || {
        from.peer_state(NodeId(to)) == Some(PeerState::Connected)
    })
    .await;
    let answer = from
        .call(NodeId(to), Channel::Heartbeat, "ping".into(), PATIENCE)
        .await;
    assert_eq!(answer.unwrap(), "ping");
}

#[tokio::test]
async fn another_authoritys_certificate_is_refused_both_ways() {
    let ours = start(&identity(
        &ClusterAuthority::generate("prod").unwrap(),
        1,
        "prod",
    ));
    let theirs = start(&identity(
        &ClusterAuthority::generate("prod").unwrap(),
        2,
        "prod",
    ));
    introduce(&ours, NodeId(2), theirs.local_address());
    introduce(&theirs, NodeId(1), ours.local_address());
    for (from, to) in [(&ours, 2), (&theirs, 1)] {
        let why = refusal(from, to).await;
        assert!(why.contains("certificate"), "{why}");
    }
}

#[tokio::test]
async fn another_cluster_of_the_same_authority_is_refused() {
    let authority = ClusterAuthority::generate("prod").unwrap();
    let test = ClusterAuthority::load("test", authority.cert_pem(), &authority.key_pem()).unwrap();
    let one = start(&identity(&authority, 1, "prod"));
    let two = start(&identity(&test, 2, "test"));
    introduce(&one, NodeId(2), two.local_address());
    introduce(&two, NodeId(1), one.local_address());
    for (from, to) in [(&one, 2), (&two, 1)] {
        let why = refusal(from, to).await;
        assert!(why.contains("certificate"), "{why}");
    }
}

#[tokio::test]
async fn a_node_that_answers_for_another_is_refused() {
    let authority = ClusterAuthority::generate("prod").unwrap();
    let one = start(&identity(&authority, 1, "prod"));
    let three = start(&identity(&authority, 3, "prod"));
    introduce(&three, NodeId(1), one.local_address());
    introduce(&one, NodeId(2), three.local_address());
    let why = refusal(&one, 2).await;
    assert!(why.contains("certificate"), "{why}");
}

#[tokio::test]
async fn a_node_that_is_no_member_is_told_so() {
    let authority = ClusterAuthority::generate("prod").unwrap();
    let one = start(&identity(&authority, 1, "prod"));
    let stranger = start(&identity(&authority, 4, "prod"));
    introduce(&stranger, NodeId(1), one.local_address());
    let why = refusal(&stranger, 1).await;
    assert!(why.contains("not a member"), "{why}");
}

#[tokio::test]
async fn a_new_address_is_dialled_and_the_old_connection_ends() {
    let authority = ClusterAuthority::generate("prod").unwrap();
    let one = start(&identity(&authority, 1, "prod"));
    let two = identity(&authority, 2, "prod");
    let (old, new) = (start(&two), start(&two));
    introduce(&old, NodeId(1), one.local_address());
    introduce(&new, NodeId(1), one.local_address());
    introduce(&one, NodeId(2), old.local_address());
    ping(&one, 2).await;
    introduce(&one, NodeId(2), new.local_address());
    ping(&one, 2).await;
    assert_eq!(one.status()[0].address, new.local_address());
    old.close().await;
    ping(&one, 2).await;
}

#[tokio::test]
async fn close_releases_the_port_and_is_quick() {
    let authority = ClusterAuthority::generate("prod").unwrap();
    let one = start(&identity(&authority, 1, "prod"));
    let two = start(&identity(&authority, 2, "prod"));
    introduce(&one, NodeId(2), two.local_address());
    introduce(&two, NodeId(1), one.local_address());
    ping(&one, 2).await;
    let _stream = one.open_stream(NodeId(2)).await.ok().unwrap();
    let begun = Instant::now();
    one.close().await;
    let taken = std::net::UdpSocket::bind(one.local_address());
    assert!(taken.is_ok(), "the port is free as soon as close returns");
    assert!(
        begun.elapsed() < Duration::from_secs(3),
        "{:?}",
        begun.elapsed()
    );
}

/// A QUIC client of the test's own making, to send what a peer never sends.
async fn raw(
    to: SocketAddr,
    authority: &ClusterAuthority,
    issued: Option<&IssuedCertificate>,
    alpn: &str,
) -> Result<quinn::Connection, quinn::ConnectionError> {
    let mut roots = rustls::RootCertStore::empty();
    let ca = CertificateDer::from_pem_slice(authority.cert_pem().as_bytes()).unwrap();
    roots.add(ca).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots);
    let mut tls = match issued {
        Some(issued) => {
            let chain = CertificateDer::from_pem_slice(issued.cert_pem.as_bytes()).unwrap();
            let key = PrivateKeyDer::from_pem_slice(issued.key_pem.as_bytes()).unwrap();
            builder.with_client_auth_cert(vec![chain], key).unwrap()
        }
        None => builder.with_no_client_auth(),
    };
    tls.alpn_protocols = vec![alpn.as_bytes().to_vec()];
    let crypto = quinn::crypto::rustls::QuicClientConfig::try_from(tls).unwrap();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut endpoint = quinn::Endpoint::client(any).unwrap();
    endpoint.set_default_client_config(quinn::ClientConfig::new(Arc::new(crypto)));
    let connection = endpoint.connect(to, "node-1.prod").unwrap().await?;
    // In TLS 1.3 the server's verdict comes after the client's handshake.
    let verdict = tokio::time::timeout(Duration::from_millis(300), connection.closed()).await;
    verdict.map_or(Ok(connection), Err)
}

#[tokio::test]
async fn nobody_gets_in_without_a_nodes_certificate_and_the_protocols_name() {
    let authority = ClusterAuthority::generate("prod").unwrap();
    let one = start(&identity(&authority, 1, "prod"));
    introduce(&one, NodeId(2), SocketAddr::from(([127, 0, 0, 1], 9)));
    let to = one.local_address();
    let alpn = "holdfast-peer/1";
    let listener = authority.issue_api(&["localhost".to_owned()]).unwrap();
    let member = authority.issue_node(NodeId(2), &[]).unwrap();
    let anonymous = raw(to, &authority, None, alpn).await.err();
    let api = raw(to, &authority, Some(&listener), alpn).await.err();
    for refused in [anonymous, api] {
        // By TLS, before a byte of ours is read: an application's close would mean that only the second lock held.
        let by_tls = matches!(refused, Some(quinn::ConnectionError::ConnectionClosed(_)));
        assert!(by_tls, "{refused:?}");
    }
    let old = raw(to, &authority, Some(&member), "holdfast-peer/0").await;
    assert!(old.is_err(), "another protocol");
    assert!(raw(to, &authority, Some(&member), alpn).await.is_ok());
}

#[tokio::test]
async fn malformed_streams_harm_nobody() {
    let authority = ClusterAuthority::generate("prod").unwrap();
    let one = start(&identity(&authority, 1, "prod"));
    introduce(&one, NodeId(2), SocketAddr::from(([127, 0, 0, 1], 9)));
    let member = authority.issue_node(NodeId(2), &[]).unwrap();
    let connect = || {
        raw(
            one.local_address(),
            &authority,
            Some(&member),
            "holdfast-peer/1",
        )
    };

    // A message before the greeting ends the connection.
    let rude = connect().await.unwrap();
    let (mut send, _recv) = rude.open_bi().await.unwrap();
    send.write_all(&[2, 0, 0, 1, 0, 0, 0, 0, 0]).await.unwrap();
    let closed = tokio::time::timeout(PATIENCE, rude.closed()).await;
    assert!(closed.is_ok());

    let peer = connect().await.unwrap();
    let exchange = async |bytes: &[u8]| {
        let (mut send, mut recv) = peer.open_bi().await.unwrap();
        send.write_all(bytes).await.unwrap();
        send.finish().unwrap();
        let read = recv.read_to_end(64);
        tokio::time::timeout(PATIENCE, read).await.expect("an end")
    };
    assert_eq!(exchange(&[0; 9]).await.unwrap().len(), 8, "admitted");
    let seconds = [0, 0, 0x27, 0x10];
    let message =
        |kind: u8, size: [u8; 4], body: &[u8]| [&[kind], &seconds[..], &size, body].concat();
    let echoed = exchange(&message(2, [0, 0, 0, 2], b"hi")).await.unwrap();
    assert_eq!(echoed, [0, 0, 0, 0, 2, b'h', b'i']);
    let claims_too_much = exchange(&message(2, [0xff; 4], b"hi")).await.unwrap();
    assert_eq!(claims_too_much[0], 2, "the claim alone is refused");
    for (bytes, what) in [
        (message(2, [0, 0, 0, 9], b"hi"), "cut short"),
        (message(2, [0, 0, 0, 1], b"hi"), "too long"),
        (message(9, [0; 4], b""), "unknown kind"),
        (vec![0; 9], "a second greeting"),
    ] {
        let answer = exchange(&bytes).await;
        assert!(answer.is_err(), "{what}: {answer:?}");
    }
    let echoed = exchange(&message(4, [0, 0, 0, 1], b"x")).await.unwrap();
    assert_eq!(echoed[5..], *b"x", "the connection is still good");
}
