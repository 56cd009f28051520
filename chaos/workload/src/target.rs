//! Which cluster is worked on, and with what rights.

use crate::secret::Secret;

/// One node, as clients reach it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetNode {
    /// Its number.
    pub id: u64,
    /// Its address, `http://127.0.0.1:8200`, without a path.
    pub url: String,
}

/// A cluster that is initialised and unsealed.
#[derive(Clone)]
pub struct Target {
    /// Its nodes.
    pub nodes: Vec<TargetNode>,
    /// What is trusted, PEM; `None` for plain HTTP.
    pub ca_pem: Option<Vec<u8>>,
    /// Makes the mount and policies and writes the secrets.
    pub root_token: Secret,
    /// Shares that open a node, hexadecimal or base64; may be empty when nothing is ever sealed or restarted.
    pub shares: Vec<Secret>,
    /// How many of them open a node.
    pub threshold: usize,
    /// Where the workload mounts its KV v2 engine; nothing else may use it. Letters, digits, dashes and slashes. From
    /// twelve bytes on it is a canary too.
    pub mount: String,
}
