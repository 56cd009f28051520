//! Two nodes of one cluster: one that can lag and be interrupted, one that is always at the head.

use holdfast_machine::testing::{MemoryReplica, MemoryTable};
use holdfast_machine::{
    BoxFuture, Command, Key, Outcome, Position, ProposeError, Replica, ReplicaStatus, Role, Row,
    StorageFault, Table as _, Unavailable, View,
};
use holdfast_types::NodeId;
use std::future::ready;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The node under test.
pub(crate) struct Here {
    pub(crate) below: Arc<MemoryReplica>,
    /// Happens once, between an evaluation and its commit.
    meanwhile: Mutex<Option<BoxFuture<'static, ()>>>,
    /// What it says of its own age, milliseconds.
    pub(crate) age_ms: AtomicU64,
    /// It follows another leader.
    pub(crate) follows: AtomicBool,
}

impl Here {
    pub(crate) fn over(below: &Arc<MemoryReplica>) -> Arc<Self> {
        Arc::new(Self {
            below: Arc::clone(below),
            meanwhile: Mutex::new(None),
            age_ms: AtomicU64::new(0),
            follows: AtomicBool::new(false),
        })
    }

    pub(crate) fn meanwhile(&self, act: impl Future<Output = ()> + Send + 'static) {
        *self.meanwhile.lock().unwrap() = Some(Box::pin(act));
    }
}

impl Replica for Here {
    fn view(&self) -> Result<Box<dyn View>, StorageFault> {
        self.below.view()
    }

    fn read_index(&self, deadline: Duration) -> BoxFuture<'_, Result<u64, Unavailable>> {
        Box::pin(async move {
            let index = self.below.read_index(deadline).await?;
            // Who has just asked knows that it is up to date.
            self.age_ms.store(0, Ordering::SeqCst);
            Ok(index)
        })
    }

    fn wait_applied(
        &self,
        index: u64,
        deadline: Duration,
    ) -> BoxFuture<'_, Result<u64, Unavailable>> {
        self.below.wait_applied(index, deadline)
    }

    fn propose(
        &self,
        command: Command,
        deadline: Duration,
    ) -> BoxFuture<'_, Result<Outcome, ProposeError>> {
        Box::pin(async move {
            let act = self.meanwhile.lock().unwrap().take();
            if let Some(act) = act {
                act.await;
            }
            self.below.propose(command, deadline).await
        })
    }

    fn status(&self) -> ReplicaStatus {
        let mut status = self.below.status();
        if self.follows.load(Ordering::SeqCst) {
            status.role = Role::Follower;
            status.leader = Some(NodeId(2));
        }
        status
    }

    fn staleness_ms(&self) -> Option<u64> {
        let age_ms = self.age_ms.load(Ordering::SeqCst);
        self.below.staleness_ms().map(|_| age_ms)
    }

    fn applied_past(&self, seen: u64) -> BoxFuture<'_, u64> {
        self.below.applied_past(seen)
    }

    fn step_down(
        &self,
        to: Option<NodeId>,
        deadline: Duration,
    ) -> BoxFuture<'_, Result<(), Unavailable>> {
        self.below.step_down(to, deadline)
    }
}

/// Another node, which has always applied everything.
pub(crate) struct There {
    below: Arc<MemoryReplica>,
    /// The machine's clock, as the test last set it.
    pub(crate) now_ms: AtomicU64,
}

impl There {
    pub(crate) fn over(below: &Arc<MemoryReplica>) -> Arc<Self> {
        Arc::new(Self {
            below: Arc::clone(below),
            now_ms: AtomicU64::new(1),
        })
    }

    fn head(&self) -> Position {
        Position {
            index: self.below.status().committed,
            time_ms: self.now_ms.load(Ordering::SeqCst),
        }
    }
}

impl Replica for There {
    fn view(&self) -> Result<Box<dyn View>, StorageFault> {
        Ok(Box::new(Head {
            table: self.below.table(),
            position: self.head(),
        }))
    }

    fn read_index(&self, _: Duration) -> BoxFuture<'_, Result<u64, Unavailable>> {
        Box::pin(ready(Ok(self.head().index)))
    }

    fn wait_applied(&self, _: u64, _: Duration) -> BoxFuture<'_, Result<u64, Unavailable>> {
        Box::pin(ready(Ok(self.head().index)))
    }

    fn propose(
        &self,
        command: Command,
        _: Duration,
    ) -> BoxFuture<'_, Result<Outcome, ProposeError>> {
        Box::pin(ready(Ok(self.below.commit_elsewhere(command))))
    }

    fn status(&self) -> ReplicaStatus {
        self.below.status()
    }

    fn staleness_ms(&self) -> Option<u64> {
        Some(0)
    }

    fn applied_past(&self, seen: u64) -> BoxFuture<'_, u64> {
        self.below.applied_past(seen)
    }

    fn step_down(
        &self,
        to: Option<NodeId>,
        deadline: Duration,
    ) -> BoxFuture<'_, Result<(), Unavailable>> {
        self.below.step_down(to, deadline)
    }
}

struct Head {
    table: MemoryTable,
    position: Position,
}

impl View for Head {
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
