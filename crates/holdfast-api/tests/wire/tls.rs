//! TLS, and plain HTTP only where it is allowed.

use crate::scripted::{Scripted, client, serve};
use holdfast_api::{BindError, Limits, Listener, ListenerOptions, Security, TlsFiles};
use std::path::Path;
use std::sync::Arc;

struct Made {
    files: TlsFiles,
    cert_pem: String,
}

fn certificate(folder: &Path) -> Made {
    let made =
        rcgen::generate_simple_self_signed(vec!["localhost".to_owned(), "127.0.0.1".to_owned()])
            .unwrap();
    let files = TlsFiles {
        cert_file: folder.join("cert.pem"),
        key_file: folder.join("key.pem"),
    };
    let cert_pem = made.cert.pem();
    std::fs::write(&files.cert_file, &cert_pem).unwrap();
    std::fs::write(&files.key_file, made.signing_key.serialize_pem()).unwrap();
    Made { files, cert_pem }
}

async fn refused(addr: &str, security: Security) -> String {
    let options = ListenerOptions {
        addr: addr.parse().unwrap(),
        security,
        limits: Limits::default(),
    };
    let Err(error) = Listener::bind(options).await else {
        panic!("it listens on {addr}")
    };
    let mut text = error.to_string();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(next) = cause.source() {
        text = format!("{text}: {next}");
        cause = next;
    }
    text
}

#[tokio::test]
async fn speaks_both_versions_over_tls() {
    drop(client());
    let folder = tempfile::tempdir().unwrap();
    let made = certificate(folder.path());
    let served = serve(
        Arc::new(Scripted::default()),
        Security::Tls(made.files),
        Limits::default(),
    )
    .await;
    let root = reqwest::Certificate::from_pem(made.cert_pem.as_bytes()).unwrap();
    let builder = || {
        reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([root.clone()])
    };
    let url = format!("https://127.0.0.1:{}/v1/a", served.addr.port());
    let two = builder().build().unwrap().get(&url).send().await.unwrap();
    assert_eq!(
        (two.version(), two.status().as_u16()),
        (reqwest::Version::HTTP_2, 200)
    );
    let one = builder()
        .http1_only()
        .build()
        .unwrap()
        .get(&url)
        .send()
        .await
        .unwrap();
    assert_eq!(
        (one.version(), one.status().as_u16()),
        (reqwest::Version::HTTP_11, 200)
    );
    // Plain text on the same port gets nothing.
    assert!(client().get(served.url("/v1/a")).send().await.is_err());
}

#[tokio::test]
async fn plain_http_stays_on_loopback() {
    let addr = "0.0.0.0:0".parse().unwrap();
    let options = ListenerOptions {
        addr,
        security: Security::PlainLoopback,
        limits: Limits::default(),
    };
    assert!(matches!(
        Listener::bind(options).await,
        Err(BindError::PlainOffLoopback(_))
    ));
}

#[tokio::test]
async fn says_which_file_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let files = certificate(folder.path()).files;
    let other = tempfile::tempdir().unwrap();
    let others = certificate(other.path()).files;
    let absent = TlsFiles {
        cert_file: folder.path().join("none.pem"),
        ..files.clone()
    };
    assert!(
        refused("127.0.0.1:0", Security::Tls(absent))
            .await
            .contains("none.pem")
    );
    let swapped = TlsFiles {
        cert_file: files.cert_file.clone(),
        key_file: files.cert_file.clone(),
    };
    assert!(
        refused("127.0.0.1:0", Security::Tls(swapped))
            .await
            .contains("cert.pem holds no usable PEM private key")
    );
    let mixed = TlsFiles {
        cert_file: files.cert_file.clone(),
        key_file: others.key_file,
    };
    assert!(
        refused("127.0.0.1:0", Security::Tls(mixed))
            .await
            .contains("cannot be used together")
    );
}

#[tokio::test]
async fn says_which_address_is_taken() {
    let served = serve(
        Arc::new(Scripted::default()),
        Security::PlainLoopback,
        Limits::default(),
    )
    .await;
    let text = refused(&served.addr.to_string(), Security::PlainLoopback).await;
    assert!(text.contains(&served.addr.to_string()), "{text}");
}
