//! What the leader does on its own: ends what has expired, deletes what removed mounts left.

use crate::core::Core;
use crate::mounts;
use holdfast_barrier::{CommitError, Freshness, Txn};
use holdfast_contract::Refusal;
use holdfast_types::NamespaceId;
use std::time::Duration;

/// Expired things ended by one transaction.
const EXPIRED_AT_ONCE: usize = 100;
/// How long one step may wait.
const PATIENCE: Duration = Duration::from_secs(5);

impl Core {
    /// One step of the leader's duties. Returns whether there was anything to do, so that the caller knows to come back
    /// at once. Safe to run on several nodes: they conflict and do the work once.
    ///
    /// # Errors
    /// When the step could not be committed; it is tried again by the next call.
    pub async fn leader_duties(&self) -> Result<bool, Refusal> {
        if self.barrier().is_sealed() {
            return Ok(false);
        }
        let expired = self.duty(|txn| {
            let cubbyhole = mounts::at(txn, NamespaceId::ROOT, crate::first_records::CUBBYHOLE)?;
            let cubbyhole = cubbyhole.ok_or(Refusal::Internal("cubbyhole"))?.id;
            Ok(
                holdfast_access::expire_due(txn, NamespaceId::ROOT, cubbyhole, EXPIRED_AT_ONCE)?
                    > 0,
            )
        });
        let expired = expired.await?;
        let swept = self
            .duty(|txn| Ok(mounts::sweep(txn, NamespaceId::ROOT)?))
            .await?;
        Ok(expired || swept)
    }

    async fn duty(
        &self,
        step: impl FnOnce(&mut Txn) -> Result<bool, Refusal> + Send,
    ) -> Result<bool, Refusal> {
        let begun = self.barrier().begin(Freshness::Stale, PATIENCE).await;
        let mut txn = begun.map_err(|why| Refusal::Unavailable(why.to_string()))?;
        let busy = step(&mut txn)?;
        if txn.has_writes() {
            match self.barrier().commit(txn, PATIENCE).await {
                Ok(_) | Err(CommitError::Conflict) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Ok(busy)
    }
}
