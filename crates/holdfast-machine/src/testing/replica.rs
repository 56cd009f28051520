//! A replica of one node in memory, with knobs. Proposals are applied at once; views are snapshots.

use super::table::MemoryTable;
use crate::batch::{Batch, Table as _};
use crate::command::{Command, Key, Outcome};
use crate::machine::Machine;
use crate::port::{
    BoxFuture, MemberStatus, Position, ProposeError, Replica, ReplicaStatus, Role, StorageFault,
    Unavailable, View,
};
use crate::row::Row;
use holdfast_types::NodeId;
use std::future::{poll_fn, ready};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Poll, Waker};
use std::time::Duration;

/// A consistent snapshot of a [`MemoryReplica`].
#[derive(Clone, Default)]
struct MemoryView {
    table: Arc<MemoryTable>,
    position: Position,
}

impl View for MemoryView {
    fn position(&self) -> Position {
        self.position
    }

    fn get(&self, key: &[u8]) -> Result<Option<Row>, StorageFault> {
        self.table
            .get(key)?
            .map(|row| Row::decode(&row))
            .transpose()
    }

    fn scan(
        &self,
        prefix: &[u8],
        from: &[u8],
        limit: usize,
    ) -> Result<Vec<(Key, Row)>, StorageFault> {
        self.table
            .rows_from(from.max(prefix))
            .take_while(|(key, _)| key.starts_with(prefix))
            .take(limit)
            .map(|(key, row)| Ok((key.to_vec(), Row::decode(row)?)))
            .collect()
    }
}

struct Inner {
    machine: Machine,
    /// The cluster's state.
    head: MemoryView,
    /// What this node has applied: the head, or an older state while it lags.
    local: MemoryView,
    now_ms: u64,
    available: bool,
    lagging: bool,
    lose_next_answer: bool,
    refuse_next: bool,
    proposals: u64,
    read_rounds: u64,
    watchers: Vec<Waker>,
}

impl Inner {
    fn commit(&mut self, mut command: Command) -> Result<Outcome, StorageFault> {
        self.now_ms = self.now_ms.max(self.machine.time_ms());
        command.stamp(self.now_ms);
        let index = self.head.position.index + 1;
        let mut batch = Batch::new();
        let outcome = self
            .machine
            .apply(&*self.head.table, &mut batch, index, &command)?;
        self.machine.save(&mut batch);
        Arc::make_mut(&mut self.head.table).write(&batch);
        self.head.position = Position {
            index,
            time_ms: self.machine.time_ms(),
        };
        Ok(outcome)
    }

    fn catch_up(&mut self) {
        self.local = self.head.clone();
        for waker in self.watchers.drain(..) {
            waker.wake();
        }
    }
}

/// One node that is its own cluster.
pub struct MemoryReplica {
    inner: Mutex<Inner>,
}

impl Default for MemoryReplica {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryReplica {
    /// An empty cluster at time 1, available and not lagging.
    #[must_use]
    pub fn new() -> Self {
        let machine = Machine::load(&MemoryTable::default()).expect("an empty table loads");
        Self {
            inner: Mutex::new(Inner {
                machine,
                head: MemoryView::default(),
                local: MemoryView::default(),
                now_ms: 1,
                available: true,
                lagging: false,
                lose_next_answer: false,
                refuse_next: false,
                proposals: 0,
                read_rounds: 0,
                watchers: Vec::new(),
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner
            .lock()
            .expect("no test panics while it holds the replica")
    }

    /// What the leader stamps from now on, milliseconds since the Unix epoch.
    pub fn set_time_ms(&self, now_ms: u64) {
        self.lock().now_ms = now_ms;
    }

    /// Without a leader nothing is proposed and no read index is given.
    pub fn set_available(&self, available: bool) {
        self.lock().available = available;
    }

    /// While it lags, views stay where they are until a read index, a wait or an own proposal moves them.
    pub fn set_lagging(&self, lagging: bool) {
        let mut inner = self.lock();
        inner.lagging = lagging;
        if !lagging {
            inner.catch_up();
        }
    }

    /// The next proposal is applied and answered as unknown.
    pub fn lose_next_answer(&self) {
        self.lock().lose_next_answer = true;
    }

    /// The next proposal is not applied and answered as such.
    pub fn refuse_next_proposal(&self) {
        self.lock().refuse_next = true;
    }

    /// How many proposals have come through [`Replica::propose`].
    #[must_use]
    pub fn proposals(&self) -> u64 {
        self.lock().proposals
    }

    /// How many read indexes were given.
    #[must_use]
    pub fn read_rounds(&self) -> u64 {
        self.lock().read_rounds
    }

    /// Commits as another node would: this node's view follows unless it lags.
    ///
    /// # Panics
    /// When the rows were tampered with.
    pub fn commit_elsewhere(&self, command: Command) -> Outcome {
        let mut inner = self.lock();
        let outcome = inner.commit(command).expect("the table in memory is sound");
        if !inner.lagging {
            inner.catch_up();
        }
        outcome
    }

    /// All stored bytes of the cluster's state.
    #[must_use]
    pub fn table(&self) -> MemoryTable {
        (*self.lock().head.table).clone()
    }

    fn propose_now(&self, command: Command) -> Result<Outcome, ProposeError> {
        let mut inner = self.lock();
        inner.proposals += 1;
        if !inner.available {
            return Err(ProposeError::NotProposed(Unavailable::NoLeader));
        }
        if std::mem::take(&mut inner.refuse_next) {
            return Err(ProposeError::NotProposed(Unavailable::NoQuorum));
        }
        let outcome = inner
            .commit(command)
            .map_err(|fault| ProposeError::Unknown(Unavailable::Stopped(fault.to_string())))?;
        if std::mem::take(&mut inner.lose_next_answer) {
            if !inner.lagging {
                inner.catch_up();
            }
            return Err(ProposeError::Unknown(Unavailable::NoQuorum));
        }
        inner.catch_up();
        Ok(outcome)
    }

    fn read_index_now(&self) -> Result<u64, Unavailable> {
        let mut inner = self.lock();
        if !inner.available {
            return Err(Unavailable::NoLeader);
        }
        inner.read_rounds += 1;
        inner.catch_up();
        Ok(inner.local.position.index)
    }

    fn wait_now(&self, index: u64) -> Result<u64, Unavailable> {
        let mut inner = self.lock();
        if inner.head.position.index < index {
            return Err(Unavailable::Behind);
        }
        if inner.local.position.index < index {
            inner.catch_up();
        }
        Ok(inner.local.position.index)
    }
}

impl Replica for MemoryReplica {
    fn view(&self) -> Result<Box<dyn View>, StorageFault> {
        Ok(Box::new(self.lock().local.clone()))
    }

    fn read_index(&self, _deadline: Duration) -> BoxFuture<'_, Result<u64, Unavailable>> {
        Box::pin(ready(self.read_index_now()))
    }

    fn wait_applied(
        &self,
        index: u64,
        _deadline: Duration,
    ) -> BoxFuture<'_, Result<u64, Unavailable>> {
        Box::pin(ready(self.wait_now(index)))
    }

    fn propose(
        &self,
        command: Command,
        _deadline: Duration,
    ) -> BoxFuture<'_, Result<Outcome, ProposeError>> {
        Box::pin(async move { self.propose_now(command) })
    }

    fn status(&self) -> ReplicaStatus {
        let inner = self.lock();
        let node = NodeId(1);
        ReplicaStatus {
            node,
            role: if inner.available {
                Role::Leader
            } else {
                Role::Follower
            },
            leader: inner.available.then_some(node),
            term: 1,
            last_index: inner.head.position.index,
            committed: inner.head.position.index,
            applied: inner.local.position.index,
            quorum_age_ms: inner.available.then_some(0),
            members: vec![MemberStatus {
                id: node,
                peer_addr: "127.0.0.1:1".to_owned(),
                api_addr: "http://127.0.0.1:2".to_owned(),
                region: String::new(),
                voter: true,
                last_contact_ms: Some(0),
                matched: Some(inner.head.position.index),
                rtt_us: None,
                clock_skew_ms: None,
            }],
            trouble: None,
        }
    }

    fn staleness_ms(&self) -> Option<u64> {
        self.lock().available.then_some(0)
    }

    fn applied_past(&self, seen: u64) -> BoxFuture<'_, u64> {
        Box::pin(poll_fn(move |context| {
            let mut inner = self.lock();
            let applied = inner.local.position.index;
            if applied > seen {
                return Poll::Ready(applied);
            }
            inner.watchers.push(context.waker().clone());
            Poll::Pending
        }))
    }

    fn step_down(
        &self,
        _to: Option<NodeId>,
        _deadline: Duration,
    ) -> BoxFuture<'_, Result<(), Unavailable>> {
        let available = self.lock().available;
        Box::pin(ready(if available {
            Ok(())
        } else {
            Err(Unavailable::NoLeader)
        }))
    }
}
