//! How a client is made.

use crate::client::{Client, Shared};
use crate::request::Consistency;
use crate::token::Token;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;
use url::Url;

/// Most addresses of one client.
const ADDRESSES_MAX: usize = 64;

/// Why a client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// None given, or more than 64.
    #[error("a client needs 1 to 64 addresses")]
    Addresses,
    /// Not an `http://` or `https://` URL with a host, or one with a user, query or fragment.
    #[error("address {index} is not of the form https://HOST[:PORT]")]
    Address {
        /// Which one, from 0.
        index: usize,
    },
    /// No certificate in the PEM text given.
    #[error("the authority is not a PEM certificate")]
    Authority,
    /// The HTTP stack did not start.
    #[error("cannot set up HTTP and TLS")]
    Http(#[source] reqwest::Error),
}

/// Settings of a [`Client`].
pub struct ClientBuilder {
    addresses: Vec<String>,
    token: Option<Token>,
    namespace: String,
    ca_pem: Option<Vec<u8>>,
    skip_verify: bool,
    timeout: Duration,
    attempts: u32,
    consistency: Consistency,
}

impl Default for ClientBuilder {
    fn default() -> Self {
        Self {
            addresses: Vec::new(),
            token: None,
            namespace: String::new(),
            ca_pem: None,
            skip_verify: false,
            timeout: Duration::from_secs(60),
            attempts: 3,
            consistency: Consistency::default(),
        }
    }
}

impl ClientBuilder {
    /// Adds an address, such as `https://10.0.0.1:8200`. The first that answers is kept until it fails.
    #[must_use]
    pub fn addr(mut self, address: impl Into<String>) -> Self {
        self.addresses.push(address.into());
        self
    }

    /// Adds several addresses.
    #[must_use]
    pub fn addrs<S: Into<String>>(mut self, addresses: impl IntoIterator<Item = S>) -> Self {
        self.addresses.extend(addresses.into_iter().map(Into::into));
        self
    }

    /// Uses a token.
    #[must_use]
    pub fn token(mut self, token: Token) -> Self {
        self.token = Some(token);
        self
    }

    /// Works in a namespace.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// Trusts these PEM certificates, and no others.
    #[must_use]
    pub fn ca_cert(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.ca_pem = Some(pem.into());
        self
    }

    /// Trusts any server. Whoever sits between reads every secret: for experiments only.
    #[must_use]
    pub const fn skip_verify(mut self, skip: bool) -> Self {
        self.skip_verify = skip;
        self
    }

    /// Longest time of one try; 60 s by default.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Most tries of one call, at least one for each address; 3 by default.
    #[must_use]
    pub const fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Freshness of reads that do not say otherwise.
    #[must_use]
    pub const fn consistency(mut self, consistency: Consistency) -> Self {
        self.consistency = consistency;
        self
    }

    /// Makes the client. Connects to nothing yet.
    ///
    /// # Errors
    /// When an address or the authority cannot be read.
    pub fn build(self) -> Result<Client, BuildError> {
        if self.addresses.is_empty() || self.addresses.len() > ADDRESSES_MAX {
            return Err(BuildError::Addresses);
        }
        let mut addresses = Vec::with_capacity(self.addresses.len());
        for (index, text) in self.addresses.iter().enumerate() {
            addresses.push(address(text).ok_or(BuildError::Address { index })?);
        }
        Ok(Client {
            shared: Arc::new(Shared {
                http: self.http()?,
                addresses,
                preferred: AtomicUsize::new(0),
                attempts: self.attempts.max(1),
            }),
            token: self.token,
            namespace: self.namespace,
            consistency: self.consistency,
        })
    }

    fn http(&self) -> Result<reqwest::Client, BuildError> {
        // Fails only when a provider is installed already, and then that one is used.
        drop(rustls::crypto::ring::default_provider().install_default());
        let mut http = reqwest::Client::builder()
            .tls_backend_rustls()
            .tls_version_min(reqwest::tls::Version::TLS_1_2)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .tcp_nodelay(true)
            .connect_timeout(Duration::from_secs(5))
            .pool_idle_timeout(Duration::from_secs(60))
            .timeout(self.timeout)
            .user_agent(concat!("holdfast/", env!("CARGO_PKG_VERSION")));
        if let Some(pem) = &self.ca_pem {
            let authorities =
                reqwest::Certificate::from_pem_bundle(pem).map_err(|_| BuildError::Authority)?;
            if authorities.is_empty() {
                return Err(BuildError::Authority);
            }
            http = http.tls_certs_only(authorities);
        }
        if self.skip_verify {
            http = http.tls_danger_accept_invalid_certs(true);
        }
        http.build().map_err(BuildError::Http)
    }
}

fn address(text: &str) -> Option<Url> {
    let url = Url::parse(text.trim()).ok()?;
    let plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
        && url.path() == "/";
    (matches!(url.scheme(), "http" | "https") && url.has_host() && plain).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_no_address() {
        for bad in [
            "",
            "127.0.0.1:8200",
            "ftp://h",
            "https://user:pw@h",
            "https://h/?q",
            "https://h/path",
        ] {
            let built = Client::builder()
                .addr("http://127.0.0.1:8200")
                .addr(bad)
                .build();
            assert!(
                matches!(built, Err(BuildError::Address { index: 1 })),
                "{bad}"
            );
        }
        assert!(matches!(
            Client::builder().build(),
            Err(BuildError::Addresses)
        ));
    }

    #[test]
    fn refuses_an_authority_that_is_none() {
        let built = Client::builder()
            .addr("https://h")
            .ca_cert("no PEM")
            .build();
        assert!(matches!(built, Err(BuildError::Authority)));
    }
}
