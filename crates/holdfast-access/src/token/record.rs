//! What is kept of a token. The token itself is not.

use holdfast_barrier::Stored;
use serde::{Deserialize, Serialize};

/// A token, under its keyed hash.
#[derive(Clone, Serialize, Deserialize)]
pub struct TokenRecord {
    /// Names the token without being it.
    pub accessor: String,
    /// Keyed hash of the parent; `None` for an orphan.
    pub parent: Option<String>,
    /// How many ancestors it had when it was made.
    pub depth: u16,
    /// Policies, sorted.
    pub policies: Vec<String>,
    /// Given metadata, in the order given.
    pub meta: Vec<(String, String)>,
    /// Shown name.
    pub display_name: String,
    /// The path that made it.
    pub path: String,
    /// Milliseconds since the Unix epoch.
    pub created_ms: u64,
    /// Seconds it was made for, 0 = without end.
    pub ttl_s: u64,
    /// Longest life in seconds whatever is renewed, 0 = none.
    pub explicit_max_ttl_s: u64,
    /// Seconds that each renewal gives, 0 = not periodic.
    pub period_s: u64,
    /// When it ends.
    pub expiry: Expiry,
    /// Where its entry in the expiry index stands, milliseconds since the Unix epoch.
    pub due_ms: Option<u64>,
    /// Uses left, 0 = not counted.
    pub num_uses: u64,
    /// Can be renewed.
    pub renewable: bool,
    /// Milliseconds since the Unix epoch, 0 = never renewed.
    pub renewed_ms: u64,
    /// Identity, empty when there is none.
    pub entity_id: String,
    /// Whether it is being ended.
    pub state: State,
}

impl Stored for TokenRecord {
    const VERSION: u8 = 1;
}

/// When a token ends. There is no number that means "never".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Expiry {
    /// Only root tokens may.
    Never,
    /// From this moment on it is dead, milliseconds since the Unix epoch.
    At(u64),
}

/// Whether a token is being ended. All but `Live` are dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// Not ended.
    Live,
    /// Ended with everything below it; records are being cleared.
    Ending,
    /// Ended alone; its children live on as orphans and are being let go.
    LettingGo,
}

impl TokenRecord {
    /// Whether it has neither ended nor expired at a moment. Says nothing of its ancestors.
    #[must_use]
    pub fn lives_at(&self, now_ms: u64) -> bool {
        let expired = match self.expiry {
            Expiry::Never => !self.is_root(),
            Expiry::At(end_ms) => end_ms <= now_ms,
        };
        self.state == State::Live && !expired
    }

    /// Whether it may do everything.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.policies.iter().any(|policy| policy == "root")
    }

    /// Seconds left at a moment, rounded up; 0 when it does not end.
    #[must_use]
    pub fn seconds_left(&self, now_ms: u64) -> u64 {
        match self.expiry {
            Expiry::Never => 0,
            Expiry::At(end_ms) => end_ms.saturating_sub(now_ms).div_ceil(1000),
        }
    }
}

/// Whose an accessor is.
#[derive(Serialize, Deserialize)]
pub(crate) struct AccessorRecord {
    /// Keyed hash of the token.
    pub(crate) token_key: String,
}

impl Stored for AccessorRecord {
    const VERSION: u8 = 1;
}
