//! The cluster's certificate authority: makes itself, then issues certificates for nodes and for API listeners.
//!
//! Invariants: only [`ClusterAuthority::issue_node`] puts a node's name in a certificate, and only node certificates may
//! authenticate a client. So a listener's certificate never opens the peer port. Everything is ECDSA P-256, which every client speaks.

use super::names::{ClusterName, ClusterNameError};
use holdfast_types::NodeId;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PublicKeyData,
};
use time::{Duration, OffsetDateTime};
use zeroize::Zeroizing;

/// How far before now certificates begin, so that a node with a slow clock takes them.
const BACKDATE: Duration = Duration::days(30);
/// How long the authority is valid: longer than any cluster is expected to live, because replacing it touches every node.
const AUTHORITY_VALIDITY: Duration = Duration::days(30 * 365);
/// How long what it issues is valid.
const LEAF_VALIDITY: Duration = Duration::days(10 * 365);

/// Why the authority could not be made, loaded, or issue.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// The cluster's name cannot stand in a certificate.
    #[error("the cluster's name cannot stand in a certificate")]
    ClusterName(#[from] ClusterNameError),
    /// The authority's certificate is not PEM, not X.509, or may not sign certificates.
    #[error("the authority's certificate is not a PEM certificate that may sign others")]
    Certificate,
    /// The authority's key is not a usable PEM private key.
    #[error("the authority's key is not a usable PEM private key")]
    Key,
    /// Key and certificate are not of one pair.
    #[error("the authority's key does not belong to its certificate")]
    Mismatch,
    /// A listener's certificate needs at least one name.
    #[error("a certificate needs at least one name or address")]
    NoName,
    /// A name given for a certificate is neither a DNS name nor an IP address.
    #[error("name {index} of the certificate is neither a DNS name nor an IP address")]
    Name {
        /// Which one, from 0.
        index: usize,
    },
    /// A name given for a certificate is one of a node.
    #[error("name {index} is a node's own name, which only that node's certificate may carry")]
    NodeName {
        /// Which one, from 0.
        index: usize,
    },
    /// The node's number is 0.
    #[error("a node's number is 1 or more")]
    NodeZero,
    /// The certificate could not be signed.
    #[error("cannot make the certificate")]
    Issue(#[source] rcgen::Error),
}

/// A certificate with its private key, both PEM. The key is wiped when dropped; this type prints nothing.
pub struct IssuedCertificate {
    /// The certificate.
    pub cert_pem: String,
    /// Its private key (PKCS #8). Secret: write it with [`super::write_secret_file`].
    pub key_pem: Zeroizing<String>,
}

/// The authority of one cluster. Holds its private key: prints nothing and is not cloned.
pub struct ClusterAuthority {
    cluster: ClusterName,
    cert_pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl ClusterAuthority {
    /// Makes a new authority for a cluster.
    pub fn generate(cluster_name: &str) -> Result<Self, AuthorityError> {
        let cluster: ClusterName = cluster_name.parse()?;
        let key = KeyPair::generate().map_err(AuthorityError::Issue)?;
        let mut params = CertificateParams::default();
        // The fingerprint tells two authorities of one cluster's name apart in messages.
        let mark: String = params
            .key_identifier(&key)
            .iter()
            .take(4)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        params.distinguished_name = name(&format!("Holdfast authority {mark}"), &cluster);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::CrlSign,
            KeyUsagePurpose::DigitalSignature,
        ];
        set_validity(&mut params, AUTHORITY_VALIDITY);
        let cert_pem = params
            .self_signed(&key)
            .map_err(AuthorityError::Issue)?
            .pem();
        let issuer = Issuer::new(params, key);
        Ok(Self {
            cluster,
            cert_pem,
            issuer,
        })
    }

    /// Loads an authority from its PEM certificate and key, for the cluster it is to issue for.
    pub fn load(cluster_name: &str, cert_pem: &str, key_pem: &str) -> Result<Self, AuthorityError> {
        let cluster: ClusterName = cluster_name.parse()?;
        let key = KeyPair::from_pem(key_pem).map_err(|_| AuthorityError::Key)?;
        let (_, pem) = x509_parser::pem::parse_x509_pem(cert_pem.as_bytes())
            .map_err(|_| AuthorityError::Certificate)?;
        let certificate = pem.parse_x509().map_err(|_| AuthorityError::Certificate)?;
        if !certificate.is_ca() {
            return Err(AuthorityError::Certificate);
        }
        if certificate.public_key().raw != key.subject_public_key_info() {
            return Err(AuthorityError::Mismatch);
        }
        let issuer =
            Issuer::from_ca_cert_pem(cert_pem, key).map_err(|_| AuthorityError::Certificate)?;
        Ok(Self {
            cluster,
            cert_pem: cert_pem.to_owned(),
            issuer,
        })
    }

    /// The authority's certificate, for every node and every API client to trust.
    #[must_use]
    pub fn cert_pem(&self) -> &str {
        &self.cert_pem
    }

    /// The authority's private key. Secret: whoever has it can join the cluster's peer network.
    #[must_use]
    pub fn key_pem(&self) -> Zeroizing<String> {
        Zeroizing::new(self.issuer.key().serialize_pem())
    }

    /// Issues a node's certificate, for both ends of a peer link. `extra_names` are further DNS names or addresses, so that
    /// the same certificate may serve the node's API.
    pub fn issue_node(
        &self,
        node: NodeId,
        extra_names: &[String],
    ) -> Result<IssuedCertificate, AuthorityError> {
        if node.0 == 0 {
            return Err(AuthorityError::NodeZero);
        }
        self.refuse_node_names(extra_names)?;
        let own = self.cluster.node_name(node);
        let mut names = vec![own.clone()];
        names.extend_from_slice(extra_names);
        let usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        self.issue(&format!("node-{node}"), &names, usages, 1)
    }

    /// Issues a certificate for an API listener under the given DNS names and addresses. It cannot stand for a node.
    pub fn issue_api(&self, names: &[String]) -> Result<IssuedCertificate, AuthorityError> {
        if names.is_empty() {
            return Err(AuthorityError::NoName);
        }
        self.refuse_node_names(names)?;
        let usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.issue("api", names, usages, 0)
    }

    fn refuse_node_names(&self, names: &[String]) -> Result<(), AuthorityError> {
        match names
            .iter()
            .position(|name| self.cluster.node_of(&name.to_ascii_lowercase()).is_some())
        {
            Some(index) => Err(AuthorityError::NodeName { index }),
            None => Ok(()),
        }
    }

    /// `skipped`: how many of `names` are ours rather than the caller's, for the index in an error.
    fn issue(
        &self,
        common_name: &str,
        names: &[String],
        usages: Vec<ExtendedKeyUsagePurpose>,
        skipped: usize,
    ) -> Result<IssuedCertificate, AuthorityError> {
        for (index, name) in names.iter().enumerate().skip(skipped) {
            if rustls_pki_types::ServerName::try_from(name.trim_start_matches("*.")).is_err() {
                return Err(AuthorityError::Name {
                    index: index - skipped,
                });
            }
        }
        let mut params = CertificateParams::new(names.to_vec()).map_err(AuthorityError::Issue)?;
        params.distinguished_name = name(common_name, &self.cluster);
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = usages;
        params.use_authority_key_identifier_extension = true;
        set_validity(&mut params, LEAF_VALIDITY);
        let key = KeyPair::generate().map_err(AuthorityError::Issue)?;
        let certificate = params
            .signed_by(&key, &self.issuer)
            .map_err(AuthorityError::Issue)?;
        Ok(IssuedCertificate {
            cert_pem: certificate.pem(),
            key_pem: Zeroizing::new(key.serialize_pem()),
        })
    }
}

fn name(common_name: &str, cluster: &ClusterName) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, cluster.as_str());
    name.push(DnType::CommonName, common_name);
    name
}

fn set_validity(params: &mut CertificateParams, validity: Duration) {
    let now = OffsetDateTime::now_utc();
    params.not_before = now - BACKDATE;
    params.not_after = now + validity;
}
