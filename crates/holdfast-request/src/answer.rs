//! What the pipeline hands back to the edge.

use holdfast_contract::{Refusal, Reply};

/// The answer to one request, before it is rendered.
pub struct Answer {
    /// What was asked for, or why not.
    pub result: Result<Reply, Refusal>,
    /// As in the request.
    pub request_id: String,
    /// Kind of the mount that answered; empty when none did.
    pub mount_type: String,
    /// Index that the answer reflects, for `X-Vault-Index`; `None` when it reflects none.
    pub index: Option<u64>,
    /// How old the state may be that it was read from, milliseconds at most; `None` when it was asked to be the freshest, or
    /// when this node cannot tell.
    pub age_ms: Option<u64>,
}
