//! One node's identity on the peer network: authority, certificate chain and key, checked against each other at start.
//!
//! Invariant: an [`Identity`] exists only if the certificate was issued by this authority to this node of this cluster, was
//! valid when loaded, may be used at both ends of a link, and belongs to the key.

use super::names::{ClusterName, ClusterNameError, dns_names, node_of_certificate};
use holdfast_types::NodeId;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::server::WebPkiClientVerifier;
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use std::sync::Arc;

/// Most certificates read from one PEM file: a leaf and its intermediates, or authorities in succession.
const CERTIFICATES_MAX: usize = 16;

/// Why a node cannot use the certificate it was given. Each text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The cluster's name cannot stand in a certificate.
    #[error("the cluster's name cannot stand in a certificate")]
    ClusterName(#[from] ClusterNameError),
    /// The authority file holds no usable certificate.
    #[error("the authority file holds no usable PEM certificate")]
    Authority,
    /// The node's certificate file holds no usable certificate.
    #[error("the node certificate file holds no usable PEM certificate")]
    Certificate,
    /// The node's key file holds no usable private key.
    #[error("the node key file holds no usable PEM private key")]
    Key,
    /// The key is not the certificate's.
    #[error("the node key does not belong to the node certificate")]
    KeyMismatch,
    /// Signed by an authority other than the one given.
    #[error(
        "the node certificate was issued by another cluster's authority: it names \"{issuer}\", this cluster's is \"{authority}\"; make one with `holdfast cluster certs`"
    )]
    WrongAuthority {
        /// The issuer that the certificate names.
        issuer: String,
        /// The authority given.
        authority: String,
    },
    /// The certificate names another node or another cluster.
    #[error(
        "the node certificate is for {found}, but this is {expected}; make one with `holdfast cluster certs`"
    )]
    WrongName {
        /// Which names it carries.
        found: String,
        /// Which name it needs.
        expected: String,
    },
    /// The certificate has expired.
    #[error("the node certificate expired {0}; make one with `holdfast cluster certs`")]
    Expired(String),
    /// The certificate is not valid yet.
    #[error("the node certificate is valid from {0} only; check this node's clock")]
    NotYetValid(String),
    /// The certificate may not be used at both ends of a link.
    #[error(
        "the node certificate may not be used at both ends of a peer link (it needs server and client authentication); make one with `holdfast cluster certs`"
    )]
    WrongUsage,
    /// Anything else that makes it unusable.
    #[error("the node certificate cannot be used")]
    Unusable(#[source] rustls::Error),
}

/// A node's checked identity. Holds its private key: prints nothing and is not cloned.
pub struct Identity {
    pub(crate) node: NodeId,
    pub(crate) cluster: ClusterName,
    pub(crate) roots: Arc<RootCertStore>,
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
    pub(crate) provider: Arc<CryptoProvider>,
}

impl Identity {
    /// Parses and checks a node's identity. `ca_pem` may hold several authorities (while one replaces another) and `cert_pem`
    /// intermediates after the leaf.
    pub fn load(
        ca_pem: &[u8],
        cert_pem: &[u8],
        key_pem: &[u8],
        node: NodeId,
        cluster_name: &str,
    ) -> Result<Self, IdentityError> {
        let cluster: ClusterName = cluster_name.parse()?;
        let authorities = certificates(ca_pem).ok_or(IdentityError::Authority)?;
        let chain = certificates(cert_pem).ok_or(IdentityError::Certificate)?;
        let key = PrivateKeyDer::from_pem_slice(key_pem).map_err(|_| IdentityError::Key)?;
        let mut roots = RootCertStore::empty();
        for authority in &authorities {
            roots
                .add(authority.clone())
                .map_err(|_| IdentityError::Authority)?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let identity = Self {
            node,
            cluster,
            roots: Arc::new(roots),
            chain,
            key,
            provider,
        };
        identity.check_certificate(&authorities)?;
        identity.check_key()?;
        Ok(identity)
    }

    /// The node this identity stands for.
    #[must_use]
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// The cluster it belongs to.
    #[must_use]
    pub fn cluster(&self) -> &ClusterName {
        &self.cluster
    }

    fn check_certificate(&self, authorities: &[CertificateDer<'_>]) -> Result<(), IdentityError> {
        let (leaf, intermediates) = self.chain.split_first().ok_or(IdentityError::Certificate)?;
        let expected = self.cluster.node_name(self.node);
        let name =
            ServerName::try_from(expected.clone()).map_err(|_| IdentityError::Certificate)?;
        let now = UnixTime::now();
        let explain = |error| self.explain(error, leaf, authorities);
        let unusable = |_| IdentityError::Authority;
        let server =
            WebPkiServerVerifier::builder_with_provider(self.roots.clone(), self.provider.clone())
                .build()
                .map_err(unusable)?;
        server
            .verify_server_cert(leaf, intermediates, &name, &[], now)
            .map_err(explain)?;
        let client =
            WebPkiClientVerifier::builder_with_provider(self.roots.clone(), self.provider.clone())
                .build()
                .map_err(unusable)?;
        client
            .verify_client_cert(leaf, intermediates, now)
            .map_err(explain)?;
        // A name match is not enough: peers take the certificate for one node only.
        if node_of_certificate(leaf, &self.cluster) != Some(self.node) {
            return Err(self.wrong_name(leaf));
        }
        Ok(())
    }

    fn check_key(&self) -> Result<(), IdentityError> {
        match CertifiedKey::from_der(self.chain.clone(), self.key.clone_key(), &self.provider) {
            Ok(_) => Ok(()),
            Err(rustls::Error::InconsistentKeys(_)) => Err(IdentityError::KeyMismatch),
            Err(_) => Err(IdentityError::Key),
        }
    }

    fn wrong_name(&self, leaf: &[u8]) -> IdentityError {
        let found = dns_names(leaf);
        IdentityError::WrongName {
            found: if found.is_empty() {
                "no DNS name".to_owned()
            } else {
                found.join(", ")
            },
            expected: self.cluster.node_name(self.node),
        }
    }

    fn explain(
        &self,
        error: rustls::Error,
        leaf: &[u8],
        authorities: &[CertificateDer<'_>],
    ) -> IdentityError {
        let rustls::Error::InvalidCertificate(reason) = &error else {
            return IdentityError::Unusable(error);
        };
        match reason {
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                IdentityError::WrongAuthority {
                    issuer: described(leaf, |c| c.issuer().to_string()),
                    authority: authorities
                        .iter()
                        .map(|a| described(a, |c| c.subject().to_string()))
                        .collect::<Vec<_>>()
                        .join(" or "),
                }
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                self.wrong_name(leaf)
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                IdentityError::Expired(described(leaf, |c| c.validity().not_after.to_string()))
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                IdentityError::NotYetValid(described(leaf, |c| c.validity().not_before.to_string()))
            }
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
                IdentityError::WrongUsage
            }
            _ => IdentityError::Unusable(error),
        }
    }
}

fn certificates(pem: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .take(CERTIFICATES_MAX)
        .collect::<Result<_, _>>()
        .ok()?;
    (!found.is_empty()).then_some(found)
}

fn described(
    certificate: &[u8],
    describe: impl Fn(&x509_parser::certificate::X509Certificate<'_>) -> String,
) -> String {
    x509_parser::parse_x509_certificate(certificate).map_or_else(
        |_| "an unreadable certificate".to_owned(),
        |(_, c)| describe(&c),
    )
}

#[cfg(test)]
#[path = "identity_tests.rs"]
mod tests;
