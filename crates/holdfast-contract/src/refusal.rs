//! Why a call is not answered with what it asked for.

use holdfast_barrier::{CommitError, TxnError};
use serde_json::{Map, Value as Json};

/// A refusal. Its text is fixed or names fields; it never holds a value that came in.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// 400: the input is wrong; the text names the field.
    #[error("{0}")]
    Invalid(String),
    /// 403: no valid token, or no policy allows it.
    #[error("permission denied")]
    Denied,
    /// 404: nothing there.
    #[error("not found")]
    NotFound,
    /// 404 that carries data (a deleted KV v2 version).
    #[error("not found")]
    Gone(Map<String, Json>),
    /// 405: the path exists and cannot do this.
    #[error("unsupported operation")]
    Unsupported,
    /// 413.
    #[error("{0}")]
    TooLarge(String),
    /// 415.
    #[error("{0}")]
    MediaType(String),
    /// 412: the asked index is not reached; the client should retry.
    #[error("the required index has not been reached")]
    Behind,
    /// 429.
    #[error("{0}")]
    RateLimited(String),
    /// 503: sealed.
    #[error("Vault is sealed")]
    Sealed,
    /// 503: cannot be promised now, retry.
    #[error("{0}")]
    Unavailable(String),
    /// 500: our fault; details are in the node's log, not in the answer.
    #[error("internal error")]
    Internal(&'static str),
    /// The transaction below could not go on.
    #[error(transparent)]
    Txn(#[from] TxnError),
    /// The commit was not accepted.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl Refusal {
    /// 400 about one field.
    #[must_use]
    pub fn field(name: &str, what: &str) -> Self {
        Self::Invalid(format!("field \"{name}\": {what}"))
    }

    /// Whether it was concluded from state, so that it may only be told from a linearizable view.
    #[must_use]
    pub const fn depends_on_state(&self) -> bool {
        matches!(
            self,
            Self::Invalid(_) | Self::Denied | Self::NotFound | Self::Gone(_) | Self::Unsupported
        )
    }
}
