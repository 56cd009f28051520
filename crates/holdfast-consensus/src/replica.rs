//! [`Replica`] for a real cluster.

use crate::inner::Phase;
use crate::members::{self, MemberChange, MembersError};
use crate::start::Consensus;
use crate::timing::millis;
use crate::{propose, status, step_down};
use holdfast_machine::{
    BoxFuture, Command, Outcome, ProposeError, Replica, ReplicaStatus, StorageFault, Unavailable,
    View,
};
use holdfast_types::NodeId;
use std::time::Duration;
use tokio::time::Instant;

impl Consensus {
    /// Changes who the members are, on the leader wherever it is.
    ///
    /// # Errors
    /// When it must not be done, or nobody could do it in time (look at the status before trying again).
    pub fn change_members(
        &self,
        change: MemberChange,
        deadline: Duration,
    ) -> BoxFuture<'_, Result<(), MembersError>> {
        Box::pin(members::change(&self.inner, change, deadline))
    }

    /// Why this node must not serve, if so.
    fn refusal(&self) -> Option<Unavailable> {
        match &*self.inner.phase.borrow() {
            Phase::Quarantined(why) | Phase::Stopped(why) => {
                Some(Unavailable::Stopped(why.clone()))
            }
            Phase::Running(_) | Phase::Joining(_) => None,
        }
    }
}

impl Replica for Consensus {
    fn view(&self) -> Result<Box<dyn View>, StorageFault> {
        match self.refusal() {
            Some(why) => Err(StorageFault(why.to_string())),
            None => Ok(Box::new(self.inner.state.view())),
        }
    }

    fn read_index(&self, deadline: Duration) -> BoxFuture<'_, Result<u64, Unavailable>> {
        Box::pin(async move {
            let until = Instant::now() + deadline;
            self.inner.raft()?;
            let index = self.inner.reads.join(deadline).await?;
            let rest = until.saturating_duration_since(Instant::now());
            self.inner.applied.reach(index, rest).await
        })
    }

    fn wait_applied(
        &self,
        index: u64,
        deadline: Duration,
    ) -> BoxFuture<'_, Result<u64, Unavailable>> {
        Box::pin(async move {
            match self.refusal() {
                Some(why) => Err(why),
                None => self.inner.applied.reach(index, deadline).await,
            }
        })
    }

    fn propose(
        &self,
        command: Command,
        deadline: Duration,
    ) -> BoxFuture<'_, Result<Outcome, ProposeError>> {
        Box::pin(propose::propose(&self.inner, command, deadline))
    }

    fn status(&self) -> ReplicaStatus {
        status::status(&self.inner)
    }

    fn staleness_ms(&self) -> Option<u64> {
        match self.refusal() {
            Some(_) => None,
            None => status::staleness(&self.inner).map(millis),
        }
    }

    fn applied_past(&self, seen: u64) -> BoxFuture<'_, u64> {
        Box::pin(self.inner.applied.past(seen))
    }

    fn step_down(
        &self,
        to: Option<NodeId>,
        deadline: Duration,
    ) -> BoxFuture<'_, Result<(), Unavailable>> {
        Box::pin(step_down::step_down(
            &self.inner,
            to.map(|id| id.0),
            deadline,
        ))
    }
}
