//! Certificates: the cluster's authority, what it issues, and one node's identity, checked before it is used.

mod authority;
mod identity;
mod names;
mod secret_file;

pub use authority::{AuthorityError, ClusterAuthority, IssuedCertificate};
pub use identity::{Identity, IdentityError};
pub use names::{ClusterName, ClusterNameError};
pub use secret_file::write_secret_file;

pub(crate) use names::node_of_certificate;
