//! TLS of the listener: certificate and key from files, TLS 1.2 and later, HTTP/2 and HTTP/1.1 by ALPN.

use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// Certificate chain and key, PEM.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// Certificate, then its intermediates.
    pub cert_file: PathBuf,
    /// Private key.
    pub key_file: PathBuf,
}

/// Why TLS cannot be set up. Each text names the file.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// No certificate in it.
    #[error("{0} holds no usable PEM certificate")]
    Certificate(PathBuf),
    /// No private key in it.
    #[error("{0} holds no usable PEM private key")]
    Key(PathBuf),
    /// Certificate and key cannot be used together.
    #[error("{cert_file} and {key_file} cannot be used together")]
    Pair {
        /// The certificate.
        cert_file: PathBuf,
        /// The key.
        key_file: PathBuf,
        /// Why.
        source: rustls::Error,
    },
}

/// Reads the files and sets TLS up.
pub(crate) fn load(files: &TlsFiles) -> Result<Arc<ServerConfig>, TlsError> {
    let cert_pem = read(&files.cert_file)?;
    let key_pem = Zeroizing::new(read(&files.key_file)?);
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&cert_pem)
        .collect::<Result<_, _>>()
        .ok()
        .filter(|chain: &Vec<_>| !chain.is_empty())
        .ok_or_else(|| TlsError::Certificate(files.cert_file.clone()))?;
    let key = PrivateKeyDer::from_pem_slice(&key_pem)
        .map_err(|_| TlsError::Key(files.key_file.clone()))?;
    let pair = |source| TlsError::Pair {
        cert_file: files.cert_file.clone(),
        key_file: files.key_file.clone(),
        source,
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(pair)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(pair)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // No early data: it can be replayed.
    config.max_early_data_size = 0;
    Ok(Arc::new(config))
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|source| TlsError::Read {
        path: path.to_owned(),
        source,
    })
}
