//! What the system's routes answer. Members that a compatible server may leave out have defaults.

use crate::token::Token;
use serde::Deserialize;
use serde_json::{Map, Value as Json};
use zeroize::Zeroizing;

/// What `init` gives out, once. No `Debug`: it is all there is to open the cluster.
pub struct Initialized {
    /// The shares, hexadecimal.
    pub keys: Vec<Zeroizing<String>>,
    /// The shares, base64.
    pub keys_base64: Vec<Zeroizing<String>>,
    /// The first token.
    pub root_token: Token,
}

/// State of a node's seal.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub struct SealStatus {
    /// `shamir`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether the cluster has keys.
    pub initialized: bool,
    /// Whether this node is closed.
    pub sealed: bool,
    /// Shares needed.
    pub t: u64,
    /// Shares made.
    pub n: u64,
    /// Shares given so far.
    pub progress: u64,
    /// Names the attempt.
    pub nonce: String,
    /// The server's version.
    pub version: String,
    /// The cluster's name, once it has one.
    pub cluster_name: String,
    /// The cluster's id, once it has one.
    pub cluster_id: String,
    /// `raft`.
    pub storage_type: String,
}

/// A node's fitness to serve.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub struct Health {
    /// The status it was told with.
    #[serde(skip)]
    pub status: u16,
    /// Whether the cluster has keys.
    pub initialized: bool,
    /// Whether this node is closed.
    pub sealed: bool,
    /// Whether another node leads.
    pub standby: bool,
    /// The server's version.
    pub version: String,
    /// The cluster's name.
    pub cluster_name: String,
    /// The cluster's id.
    pub cluster_id: String,
}

/// Who leads.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub struct Leader {
    /// Whether there can be others.
    pub ha_enabled: bool,
    /// Whether the node asked leads.
    pub is_self: bool,
    /// The leader's API address; empty when none is known.
    pub leader_address: String,
    /// The leader's peer address.
    pub leader_cluster_address: String,
    /// Last index known committed.
    pub raft_committed_index: u64,
    /// Last index applied by the node asked.
    pub raft_applied_index: u64,
}

/// One node as another sees it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub struct Member {
    /// Shown name.
    pub hostname: String,
    /// Its number (Holdfast only).
    pub node_id: Option<u64>,
    /// Where clients reach it.
    pub api_address: String,
    /// Where its peers reach it.
    pub cluster_address: String,
    /// Leads.
    pub active_node: bool,
    /// Votes (Holdfast only).
    pub voter: Option<bool>,
    /// Region label (Holdfast only).
    pub region: Option<String>,
    /// Milliseconds since it was heard (Holdfast only).
    pub last_contact_ms: Option<u64>,
    /// Index it has replicated, as the leader knows (Holdfast only).
    pub matched_index: Option<u64>,
    /// The server's version.
    pub version: String,
}

/// One mount.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Mount {
    /// Kind of engine.
    #[serde(rename = "type")]
    pub kind: String,
    /// For people.
    pub description: String,
    /// Names the mount.
    pub accessor: String,
    /// Such as `version`.
    pub options: Option<Map<String, Json>>,
    /// Where it is, when asked by path.
    pub path: String,
}

impl Mount {
    /// Version of a KV mount: 1 unless its options say otherwise.
    #[must_use]
    pub fn kv_version(&self) -> u64 {
        let version = self
            .options
            .as_ref()
            .and_then(|options| options.get("version"));
        version
            .and_then(Json::as_str)
            .and_then(|text| text.parse().ok())
            .unwrap_or(1)
    }
}
