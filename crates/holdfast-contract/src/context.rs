//! What a handler may see and touch.

use holdfast_barrier::{Name, Txn};
use holdfast_types::{Class, MountId, NamespaceId};
use serde_json::{Map, Value as Json};
use zeroize::Zeroizing;

/// Who calls, as authentication established it.
#[derive(Clone)]
pub struct Caller {
    /// The token as it was presented: only for answers that are about the token itself.
    pub token: Zeroizing<String>,
    /// Keyed hash of the token, hexadecimal: names what belongs to the token (cubbyhole) without being it.
    pub token_key: String,
    /// Accessor of the token.
    pub accessor: String,
    /// Policies in force.
    pub policies: Vec<String>,
    /// Shown name.
    pub display_name: String,
    /// Identity, empty when there is none.
    pub entity_id: String,
}

/// The mount a call was routed to.
#[derive(Clone)]
pub struct MountView {
    /// Identity; everything the engine keeps lies under it.
    pub id: MountId,
    /// Path with a trailing slash.
    pub path: String,
    /// Options given at mount time, such as `version`.
    pub options: Vec<(String, String)>,
    /// Default lease of what it gives, seconds.
    pub default_lease_s: u64,
    /// Longest lease of what it gives, seconds.
    pub max_lease_s: u64,
}

/// What a handler sees and touches, for one evaluation.
pub struct Context<'a> {
    /// Reads and writes.
    pub txn: &'a mut Txn,
    /// Where the call landed.
    pub mount: &'a MountView,
    /// The namespace.
    pub namespace: NamespaceId,
    /// Who calls; `None` only on routes with [`crate::Guard::Open`].
    pub caller: Option<&'a Caller>,
}

impl Context<'_> {
    /// The root of what this mount's engine keeps.
    #[must_use]
    pub fn root(&self) -> Name {
        Name::new(self.namespace, Class::Engine).with(self.mount.id.to_string())
    }

    /// The machine's clock, milliseconds since the Unix epoch. Judge by this whether something has expired.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.txn.now_ms()
    }

    /// The time to write into what is made now, milliseconds since the Unix epoch: this node's clock, held to within two
    /// seconds of the machine's.
    #[must_use]
    pub fn stamp_ms(&self) -> u64 {
        self.txn.stamp_ms()
    }
}

/// Shorthand for building `data` objects.
pub type Object = Map<String, Json>;
