//! The same load on a three-node etcd from Debian's packages, with TLS for clients and peers, over gRPC.

use crate::load;
use crate::report::{CLIENTS, Phases, progress};
use holdfast_tests::{free_tcp_port, until};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Certificate, Channel, ClientTlsConfig};
use tonic_prost::ProstCodec;

const KEYS: u64 = 2_000;
/// gRPC channels, spread over the nodes: one alone limits the client side.
const CHANNELS: usize = 6;

/// `etcdserverpb.PutRequest`, as far as it is used.
#[derive(Clone, PartialEq, prost::Message)]
struct Put {
    #[prost(bytes = "vec", tag = "1")]
    key: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

/// `etcdserverpb.RangeRequest`, as far as it is used: linearizable by default.
#[derive(Clone, PartialEq, prost::Message)]
struct Range {
    #[prost(bytes = "vec", tag = "1")]
    key: Vec<u8>,
}

/// Any answer; its fields are skipped.
#[derive(Clone, PartialEq, prost::Message)]
struct Anything {}

struct Etcd(Vec<Child>);

impl Drop for Etcd {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _gone = child.kill();
            let _status = child.wait();
        }
    }
}

async fn call<M: prost::Message + 'static>(
    channel: Channel,
    path: &'static str,
    message: M,
) -> bool {
    let mut grpc = Grpc::new(channel);
    if grpc.ready().await.is_err() {
        return false;
    }
    let codec: ProstCodec<M, Anything> = ProstCodec::default();
    grpc.unary(
        tonic::Request::new(message),
        PathAndQuery::from_static(path),
        codec,
    )
    .await
    .is_ok()
}

fn put(n: u64, value: &str) -> Put {
    Put {
        key: format!("bench/{}", n % KEYS).into_bytes(),
        value: value.as_bytes().to_vec(),
    }
}

pub(crate) async fn measure(span: Duration) -> anyhow::Result<Phases> {
    let folder = tempfile::Builder::new()
        .prefix("holdfast-bench-etcd-")
        .tempdir()?;
    let ca = certificates(folder.path())?;
    let (_etcd, ports) = start(folder.path())?;
    let mut channels = Vec::new();
    for index in 0..CHANNELS {
        let port = ports[index % ports.len()];
        let tls = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(&ca))
            .domain_name("localhost");
        channels.push(
            Channel::from_shared(format!("https://127.0.0.1:{port}"))?
                .tls_config(tls)?
                .connect_lazy(),
        );
    }
    let value = "x".repeat(256);
    until("etcd to take a write", Duration::from_secs(30), || {
        let sent = call(channels[0].clone(), "/etcdserverpb.KV/Put", put(0, &value));
        async move { if sent.await { Ok(()) } else { Err("refused") } }
    })
    .await;
    for key in 0..KEYS {
        anyhow::ensure!(
            call(
                channels[0].clone(),
                "/etcdserverpb.KV/Put",
                put(key, &value)
            )
            .await,
            "the first write of key {key}"
        );
    }
    let mut phases = Phases::new();
    for clients in CLIENTS {
        let (to, value) = (channels.clone(), value.clone());
        let writes = load::run(clients, span, move |client, n| {
            call(
                to[client % to.len()].clone(),
                "/etcdserverpb.KV/Put",
                put(n, &value),
            )
        });
        phases.insert(("write", clients), writes.await);
        let to = channels.clone();
        let reads = load::run(clients, span, move |client, n| {
            let key = format!("bench/{}", n % KEYS).into_bytes();
            call(
                to[client % to.len()].clone(),
                "/etcdserverpb.KV/Range",
                Range { key },
            )
        });
        phases.insert(("read", clients), reads.await);
        progress(&format!("etcd, {clients} clients measured"));
    }
    Ok(phases)
}

/// One authority and one certificate for everything.
fn certificates(folder: &Path) -> anyhow::Result<String> {
    let mut authority = CertificateParams::new(Vec::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let leaf = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()])?
        .signed_by(&key, &issuer)?;
    std::fs::write(folder.join("ca.pem"), issuer.pem())?;
    std::fs::write(folder.join("cert.pem"), leaf.pem())?;
    std::fs::write(folder.join("key.pem"), key.serialize_pem())?;
    Ok(issuer.pem())
}

fn start(folder: &Path) -> anyhow::Result<(Etcd, Vec<u16>)> {
    let ports: Vec<(u16, u16)> = (0..3).map(|_| (free_tcp_port(), free_tcp_port())).collect();
    let initial: Vec<String> = ports
        .iter()
        .enumerate()
        .map(|(index, (_, peer))| format!("n{index}=https://127.0.0.1:{peer}"))
        .collect();
    let initial = initial.join(",");
    let file = |name: &str| folder.join(name).display().to_string();
    let mut children = Etcd(Vec::new());
    for (index, (client, peer)) in ports.iter().enumerate() {
        let (client, peer) = (
            format!("https://127.0.0.1:{client}"),
            format!("https://127.0.0.1:{peer}"),
        );
        let child = Command::new("etcd")
            .args([
                "--name",
                &format!("n{index}"),
                "--data-dir",
                &file(&format!("n{index}")),
            ])
            .args([
                "--listen-client-urls",
                &client,
                "--advertise-client-urls",
                &client,
            ])
            .args([
                "--listen-peer-urls",
                &peer,
                "--initial-advertise-peer-urls",
                &peer,
            ])
            .args([
                "--initial-cluster",
                &initial,
                "--initial-cluster-state",
                "new",
            ])
            .args([
                "--cert-file",
                &file("cert.pem"),
                "--key-file",
                &file("key.pem"),
            ])
            .args([
                "--peer-cert-file",
                &file("cert.pem"),
                "--peer-key-file",
                &file("key.pem"),
            ])
            .args([
                "--peer-trusted-ca-file",
                &file("ca.pem"),
                "--log-level",
                "error",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        children.0.push(child);
    }
    Ok((
        children,
        ports.into_iter().map(|(client, _)| client).collect(),
    ))
}
