//! The seal configuration and the manual seal.

use crate::barrier::Barrier;
use holdfast_crypto::{ShareSet, WrapContext};
use holdfast_machine::{
    Command, Outcome, ProposeError, Put, StorageFault, SystemKey, Transaction, Unavailable, View,
    Write,
};
use holdfast_types::{ClusterId, TxnId};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How the cluster is opened. Replicated in clear: it holds commitments and wrapped keys, no secret.
#[derive(Clone, Serialize, Deserialize)]
pub struct SealConfig {
    /// The cluster's identity.
    pub cluster: ClusterId,
    /// Shown name.
    pub cluster_name: String,
    /// Milliseconds since the Unix epoch.
    pub created_ms: u64,
    /// The shares that open it, as commitments.
    pub shares: ShareSet,
    /// The root key, wrapped under the seal key that the shares rebuild.
    pub wrapped_root: Vec<u8>,
    /// Counts root keys; part of what the wraps bind.
    pub root_epoch: u32,
}

const SEAL_CONFIG_VERSION: u8 = 1;

impl SealConfig {
    /// What the wrap of the root key binds.
    pub(crate) const fn root_context(&self) -> WrapContext {
        WrapContext {
            purpose: "root key",
            cluster: self.cluster,
            epoch: self.root_epoch,
        }
    }

    /// What the wrap of the key ring binds.
    pub(crate) const fn keyring_context(&self) -> WrapContext {
        WrapContext {
            purpose: "key ring",
            cluster: self.cluster,
            epoch: self.root_epoch,
        }
    }

    /// The configuration in a view.
    pub(crate) fn of(view: &dyn View) -> Result<Option<Self>, StorageFault> {
        let row = view.get(&SystemKey::SealConfig.to_bytes())?;
        row.map(|row| {
            Self::decode(&row.value)
                .ok_or_else(|| StorageFault("the seal configuration does not decode".to_owned()))
        })
        .transpose()
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        postcard::to_extend(self, vec![SEAL_CONFIG_VERSION])
            .expect("plain data that postcard can hold")
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (version, rest) = bytes.split_first()?;
        (*version == SEAL_CONFIG_VERSION)
            .then(|| postcard::from_bytes(rest).ok())
            .flatten()
    }
}

/// What anyone may know of the seal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealStatus {
    /// A seal configuration exists.
    pub initialized: bool,
    /// This node holds no keys.
    pub sealed: bool,
    /// Shares needed.
    pub threshold: u8,
    /// Shares made.
    pub shares: u8,
    /// Valid shares this node holds towards opening.
    pub progress: u8,
    /// Names the attempt in progress; empty when there is none.
    pub nonce: String,
    /// The cluster, once initialised.
    pub cluster: Option<(ClusterId, String)>,
}

/// Why the cluster could not be sealed by hand.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// No quorum accepted the seal in time. This node holds no keys any more; the others were not told.
    #[error("this node is sealed, but the cluster could not agree on it: {0}")]
    OnlyHere(String),
}

/// Where the count of manual seals stands in a view: its value and the index at which it was written.
pub(crate) fn seal_epoch(view: &dyn View) -> Result<(u64, u64), StorageFault> {
    let row = view.get(&SystemKey::SealEpoch.to_bytes())?;
    Ok(row.map_or((0, 0), |row| {
        let count = row
            .value
            .iter()
            .fold(0u64, |sum, byte| (sum << 8) | u64::from(*byte));
        (count, row.written_at)
    }))
}

/// Tries to bump the count while others do so too.
const SEAL_ATTEMPTS: usize = 8;

impl Barrier {
    /// Seals the whole cluster by hand. Every node forgets its keys when it applies this; a node that is away does so when
    /// it comes back. Shares are needed to open each again.
    ///
    /// # Errors
    /// When no quorum agrees in time; this node is sealed all the same.
    pub async fn seal_cluster(&self, deadline: Duration) -> Result<(), SealError> {
        let mut last = String::from("others kept sealing");
        for _ in 0..SEAL_ATTEMPTS {
            match self.propose_seal(deadline).await {
                Ok(Outcome::Applied { .. }) => {
                    self.forget_keys();
                    return Ok(());
                }
                Ok(_) => {}
                Err(ProposeError::NotProposed(why) | ProposeError::Unknown(why)) => {
                    last = why.to_string();
                    break;
                }
            }
        }
        self.forget_keys();
        Err(SealError::OnlyHere(last))
    }

    async fn propose_seal(&self, deadline: Duration) -> Result<Outcome, ProposeError> {
        let fault = |fault: StorageFault| {
            ProposeError::NotProposed(Unavailable::Stopped(fault.to_string()))
        };
        let (count, replaces) = {
            let view = self.replica().view().map_err(fault)?;
            seal_epoch(&*view).map_err(fault)?
        };
        let mut txn_id = [0; 16];
        self.surroundings().fill(&mut txn_id);
        let value = (count + 1).to_be_bytes().to_vec();
        let put = Put {
            key: SystemKey::SealEpoch.to_bytes(),
            replaces,
            value,
        };
        let transaction = Transaction {
            txn_id: TxnId(txn_id),
            proposed_at_ms: 0,
            asserts: Vec::new(),
            writes: vec![Write::Put(put)],
        };
        self.replica()
            .propose(Command::Transaction(transaction), deadline)
            .await
    }
}
