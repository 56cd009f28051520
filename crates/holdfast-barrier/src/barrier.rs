//! The barrier of one node: begins and commits transactions, and holds the keys while the node is unsealed.

use crate::open::OpenKeys;
use crate::seal::{SealConfig, SealStatus, seal_epoch};
use crate::surroundings::Surroundings;
use crate::txn::{CommitError, Committed, Freshness, Txn, TxnError};
use crate::unseal::Attempt;
use holdfast_machine::{Command, Outcome, ProposeError, Replica, StorageFault, Unavailable};
use holdfast_mutant::Mutant;
use parking_lot::{Mutex, RwLock};
use std::sync::Arc;
use std::time::Duration;

/// Why a transaction could not begin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BeginError {
    /// No cluster has been initialised.
    #[error("not initialized")]
    Uninitialized,
    /// This node holds no keys.
    #[error("Vault is sealed")]
    Sealed,
    /// The asked freshness cannot be had now.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The disk failed.
    #[error(transparent)]
    Storage(#[from] StorageFault),
}

/// The barrier of one node.
pub struct Barrier {
    replica: Arc<dyn Replica>,
    surroundings: Arc<dyn Surroundings>,
    open: RwLock<Option<Arc<OpenKeys>>>,
    pub(crate) attempt: Mutex<Attempt>,
}

impl Barrier {
    /// A sealed barrier over the replicated half.
    #[must_use]
    pub fn new(replica: Arc<dyn Replica>, surroundings: Arc<dyn Surroundings>) -> Self {
        Self {
            replica,
            surroundings,
            open: RwLock::new(None),
            attempt: Mutex::new(Attempt::default()),
        }
    }

    /// The replicated half below.
    #[must_use]
    pub fn replica(&self) -> &Arc<dyn Replica> {
        &self.replica
    }

    /// Clock and entropy.
    #[must_use]
    pub fn surroundings(&self) -> &dyn Surroundings {
        &*self.surroundings
    }

    pub(crate) fn shared_surroundings(&self) -> Arc<dyn Surroundings> {
        Arc::clone(&self.surroundings)
    }

    /// Whether this node holds no keys. Cheap.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.open.read().is_none()
    }

    /// Term of the active record key and when it was made (milliseconds since the Unix epoch); `None` while sealed.
    #[must_use]
    pub fn key_status(&self) -> Option<(u32, u64)> {
        let open = self.open.read();
        let keys = open.as_ref()?;
        let term = keys.keyring.active_term();
        Some((term, keys.keyring.term_created_ms(term)?))
    }

    /// Begins on the local state as it is, waiting for nobody. What it reads may be behind.
    ///
    /// # Errors
    /// When this node is sealed or its disk fails.
    pub fn begin_local(&self) -> Result<Txn, BeginError> {
        self.begin_here(false)
    }

    /// Begins on a state of the asked freshness.
    ///
    /// # Errors
    /// When this node is sealed, its disk fails, or the freshness cannot be had before the deadline.
    pub async fn begin(&self, freshness: Freshness, deadline: Duration) -> Result<Txn, BeginError> {
        if self.is_sealed() {
            return Err(self.why_sealed()?);
        }
        let linearizable = match freshness {
            Freshness::Linearizable => {
                self.replica.read_index(deadline).await?;
                true
            }
            Freshness::AtLeast(index) => {
                self.replica.wait_applied(index, deadline).await?;
                false
            }
            Freshness::BoundedMs(limit) => {
                if self.replica.staleness_ms().is_none_or(|age| age > limit) {
                    self.replica.read_index(deadline).await?;
                }
                false
            }
            Freshness::Stale => false,
        };
        self.begin_here(linearizable)
    }

    fn begin_here(&self, linearizable: bool) -> Result<Txn, BeginError> {
        // Asked before the view is taken, which can only be younger.
        let age_ms = if linearizable {
            Some(0)
        } else {
            self.replica.staleness_ms()
        };
        let view = self.replica.view()?;
        let Some(keys) = self.open.read().clone() else {
            return Err(self.why_sealed()?);
        };
        let (_, written_at) = seal_epoch(&*view)?;
        // Judged at the view's own position: whoever sees the seal's index sees the seal. A view older than the keys is
        // not a reason to forget them, only to refuse.
        if written_at != keys.epoch_written_at && !Mutant::SealKeepsKey.lives() {
            self.forget_keys_from_before(written_at);
            return Err(BeginError::Sealed);
        }
        Ok(Txn::new(
            view,
            keys,
            linearizable,
            age_ms,
            self.surroundings.wall_ms(),
        ))
    }

    fn why_sealed(&self) -> Result<BeginError, StorageFault> {
        let initialized = self.config()?.is_some();
        Ok(if initialized {
            BeginError::Sealed
        } else {
            BeginError::Uninitialized
        })
    }

    /// Commits everything the transaction wrote, if everything it read still stands.
    ///
    /// # Errors
    /// On a conflict, when nobody can accept it now, or when its fate is unknown.
    pub async fn commit(&self, txn: Txn, deadline: Duration) -> Result<Committed, CommitError> {
        let index = txn.index();
        let Some(transaction) = txn.seal()? else {
            return Ok(Committed { index });
        };
        // The view pins the disk's old versions: let it go before waiting.
        drop(txn);
        match self
            .replica
            .propose(Command::Transaction(transaction), deadline)
            .await
        {
            Ok(Outcome::Applied { index }) => Ok(Committed { index }),
            Ok(Outcome::Conflict { .. }) => Err(CommitError::Conflict),
            Ok(Outcome::Malformed(_)) => Err(CommitError::Txn(TxnError::TooLarge("transaction"))),
            Err(ProposeError::NotProposed(why)) => Err(CommitError::Unavailable(why.to_string())),
            Err(ProposeError::Unknown(why)) => Err(CommitError::Unknown(why.to_string())),
        }
    }

    /// The seal configuration, if the cluster is initialised as far as this node knows.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn config(&self) -> Result<Option<SealConfig>, StorageFault> {
        SealConfig::of(&*self.replica.view()?)
    }

    /// What anyone may know of the seal.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn seal_status(&self) -> Result<SealStatus, StorageFault> {
        let sealed = self.is_sealed();
        let config = self.config()?;
        let (progress, nonce) = self.attempt.lock().shown();
        Ok(SealStatus {
            initialized: config.is_some(),
            sealed,
            threshold: config
                .as_ref()
                .map_or(0, |config| config.shares.threshold()),
            shares: config.as_ref().map_or(0, |config| config.shares.count()),
            progress,
            nonce,
            cluster: config.map(|config| (config.cluster, config.cluster_name)),
        })
    }

    pub(crate) fn hold_keys(&self, keys: OpenKeys) {
        *self.open.write() = Some(Arc::new(keys));
    }

    /// Forgets the keys on this node. Requests that have begun finish with what they hold; none begins.
    pub fn forget_keys(&self) {
        if Mutant::SealKeepsKey.lives() {
            return;
        }
        let was_open = self.open.write().take().is_some();
        self.attempt.lock().clear();
        if was_open {
            tracing::warn!("sealed: the keys are forgotten");
        }
    }

    /// Forgets keys that were opened before the seal written at an index, and no later ones: whoever saw the seal may be late.
    fn forget_keys_from_before(&self, written_at: u64) {
        if Mutant::SealKeepsKey.lives() {
            return;
        }
        let older = |keys: &mut Arc<OpenKeys>| keys.epoch_written_at < written_at;
        let forgotten = self.open.write().take_if(older);
        if forgotten.is_some() {
            tracing::warn!("sealed: the keys are forgotten");
        }
    }

    /// Forgets the keys if the local state knows of a seal that came after them.
    pub(crate) fn forget_if_sealed(&self) -> Result<(), StorageFault> {
        let (_, written_at) = seal_epoch(&*self.replica.view()?)?;
        self.forget_keys_from_before(written_at);
        Ok(())
    }

    /// Forgets the keys as soon as this node learns that the cluster was sealed by hand. Runs until dropped.
    pub async fn watch(&self) {
        let mut seen = 0;
        loop {
            seen = self.replica.applied_past(seen).await;
            if self.is_sealed() {
                continue;
            }
            if let Err(fault) = self.forget_if_sealed() {
                tracing::error!(error = %fault, "storage failed");
            }
        }
    }
}
