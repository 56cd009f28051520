//! The barrier while others act: seals, shares and answers that arrive between two of its steps.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail the test that calls them"
)]

use holdfast_barrier::{Barrier, BeginError, Freshness, InitOptions, Name, SystemSurroundings};
use holdfast_machine::testing::MemoryReplica;
use holdfast_machine::{
    BoxFuture, Command, Key, Outcome, Position, ProposeError, Put, Replica, ReplicaStatus, Row,
    StorageFault, SystemKey, Transaction, Unavailable, View, Write,
};
use holdfast_types::{Class, NamespaceId, NodeId, TxnId};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

const SOON: Duration = Duration::from_secs(5);

/// A replica whose read indexes wait for permits, and that can do something behind the back of whoever took a view.
struct Staged {
    below: Arc<MemoryReplica>,
    rounds: Semaphore,
    waiting: Semaphore,
    /// Its views give no values in bulk.
    keys_only: AtomicBool,
    /// After how many views somebody seals; 0 = never.
    seal_after: AtomicUsize,
}

impl Staged {
    fn over(below: &Arc<MemoryReplica>, rounds: usize) -> Arc<Self> {
        Arc::new(Self {
            below: Arc::clone(below),
            rounds: Semaphore::new(rounds),
            waiting: Semaphore::new(0),
            keys_only: AtomicBool::new(false),
            seal_after: AtomicUsize::new(0),
        })
    }
}

impl Replica for Staged {
    fn view(&self) -> Result<Box<dyn View>, StorageFault> {
        let view = self.below.view()?;
        let before = self.seal_after.load(Ordering::SeqCst);
        if before > 0 && self.seal_after.fetch_sub(1, Ordering::SeqCst) == 1 {
            seal_elsewhere(&self.below);
        }
        if self.keys_only.load(Ordering::SeqCst) {
            return Ok(Box::new(KeysOnly(view)));
        }
        Ok(view)
    }

    fn read_index(&self, deadline: Duration) -> BoxFuture<'_, Result<u64, Unavailable>> {
        Box::pin(async move {
            self.waiting.add_permits(1);
            self.rounds.acquire().await.unwrap().forget();
            self.below.read_index(deadline).await
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
        self.below.propose(command, deadline)
    }

    fn status(&self) -> ReplicaStatus {
        self.below.status()
    }

    fn staleness_ms(&self) -> Option<u64> {
        self.below.staleness_ms()
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

struct KeysOnly(Box<dyn View>);

impl View for KeysOnly {
    fn position(&self) -> Position {
        self.0.position()
    }

    fn get(&self, key: &[u8]) -> Result<Option<Row>, StorageFault> {
        self.0.get(key)
    }

    fn scan(&self, _: &[u8], _: &[u8], _: usize) -> Result<Vec<(Key, Row)>, StorageFault> {
        Err(StorageFault("values were read in bulk".to_owned()))
    }

    fn scan_keys(
        &self,
        prefix: &[u8],
        from: &[u8],
        limit: usize,
    ) -> Result<Vec<Key>, StorageFault> {
        self.0.scan_keys(prefix, from, limit)
    }
}

fn barrier(replica: Arc<dyn Replica>) -> Arc<Barrier> {
    Arc::new(Barrier::new(replica, Arc::new(SystemSurroundings)))
}

fn seal_elsewhere(below: &MemoryReplica) {
    let put = Put {
        key: SystemKey::SealEpoch.to_bytes(),
        replaces: 0,
        value: 1u64.to_be_bytes().to_vec(),
    };
    let sealed = below.commit_elsewhere(Command::Transaction(Transaction {
        txn_id: TxnId([9; 16]),
        proposed_at_ms: 0,
        asserts: Vec::new(),
        writes: vec![Write::Put(put)],
    }));
    assert!(matches!(sealed, Outcome::Applied { .. }));
}

async fn initialized() -> (Arc<MemoryReplica>, Vec<String>) {
    let below = Arc::new(MemoryReplica::new());
    let first = barrier(Arc::clone(&below) as _);
    let options = InitOptions {
        cluster_name: String::new(),
        shares: 3,
        threshold: 2,
    };
    let made = first.initialize(&options, SOON, |_| Ok(())).await.unwrap();
    let shares = made.shares.iter().map(|share| share.to_hex().to_string());
    (below, shares.collect())
}

#[tokio::test]
async fn shares_that_are_enough_twice_over_open_the_node_once() {
    let (below, shares) = initialized().await;
    let staged = Staged::over(&below, 0);
    let barrier = barrier(Arc::clone(&staged) as _);
    barrier.submit_share(&shares[0]).await.unwrap();
    let submit = |share: &str| {
        let (barrier, share) = (Arc::clone(&barrier), share.to_owned());
        tokio::spawn(async move { barrier.submit_share(&share).await })
    };
    let second = submit(&shares[1]);
    let third = submit(&shares[2]);
    staged.waiting.acquire_many(2).await.unwrap().forget();
    staged.rounds.add_permits(2);
    for submitted in [second, third] {
        let status = submitted.await.unwrap().unwrap();
        assert!(!status.sealed);
        assert_eq!((status.progress, status.nonce.as_str()), (0, ""));
    }
}

#[tokio::test]
async fn shares_that_are_withdrawn_while_the_last_one_waits_are_not_called_damaged() {
    let (below, shares) = initialized().await;
    let staged = Staged::over(&below, 0);
    let barrier = barrier(Arc::clone(&staged) as _);
    barrier.submit_share(&shares[0]).await.unwrap();
    let last = {
        let (barrier, share) = (Arc::clone(&barrier), shares[1].clone());
        tokio::spawn(async move { barrier.submit_share(&share).await })
    };
    staged.waiting.acquire().await.unwrap().forget();
    barrier.reset_attempt();
    staged.rounds.add_permits(1);
    let status = last.await.unwrap().unwrap();
    assert!(status.sealed && status.progress == 0);
}

#[tokio::test]
async fn a_seal_between_reading_the_state_and_holding_the_keys_is_not_missed() {
    let (below, shares) = initialized().await;
    let staged = Staged::over(&below, 9);
    let barrier = barrier(Arc::clone(&staged) as _);
    barrier.submit_share(&shares[0]).await.unwrap();
    // The first view is of the seal configuration, the second is what the keys are opened on.
    staged.seal_after.store(2, Ordering::SeqCst);
    let status = barrier.submit_share(&shares[1]).await.unwrap();
    assert!(status.sealed, "nothing else would ever forget these keys");
    assert!(barrier.key_status().is_none());
}

#[tokio::test]
async fn a_request_that_saw_an_old_seal_leaves_newer_keys_alone() {
    let (below, shares) = initialized().await;
    let node = barrier(Arc::clone(&below) as _);
    for share in &shares[..2] {
        node.submit_share(share).await.unwrap();
    }
    seal_elsewhere(&below);
    assert!(matches!(node.begin_local(), Err(BeginError::Sealed)));
    assert!(node.is_sealed());
    for share in &shares[..2] {
        node.submit_share(share).await.unwrap();
    }
    assert!(node.begin_local().is_ok());
    assert!(!node.is_sealed());
}

#[tokio::test]
async fn an_initialisation_whose_answer_is_lost_still_gives_out_the_shares() {
    let below = Arc::new(MemoryReplica::new());
    let node = barrier(Arc::clone(&below) as _);
    below.lose_next_answer();
    let options = InitOptions {
        cluster_name: String::new(),
        shares: 1,
        threshold: 1,
    };
    let made = node.initialize(&options, SOON, |_| Ok(())).await.unwrap();
    let share = made.shares[0].to_hex();
    assert!(!node.submit_share(&share).await.unwrap().sealed);
}

async fn open() -> (Arc<MemoryReplica>, Arc<Barrier>) {
    let (below, shares) = initialized().await;
    let node = barrier(Arc::clone(&below) as _);
    for share in &shares[..2] {
        node.submit_share(share).await.unwrap();
    }
    (below, node)
}

fn name(segments: &[&str]) -> Name {
    Name::new(NamespaceId::ROOT, Class::Engine).with_all(segments.iter().copied())
}

fn bytes(text: &str) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(text.as_bytes().to_vec())
}

#[tokio::test]
async fn discarded_writes_leave_what_was_read_asserted() {
    let (_, node) = open().await;
    let mut txn = node.begin(Freshness::Linearizable, SOON).await.unwrap();
    txn.get(&name(&["guard"])).unwrap();
    txn.put(&name(&["guard"]), bytes("mine")).unwrap();
    txn.discard_writes();
    txn.put(&name(&["result"]), bytes("concluded from no guard"))
        .unwrap();
    let mut other = node.begin(Freshness::Linearizable, SOON).await.unwrap();
    other.put(&name(&["guard"]), bytes("theirs")).unwrap();
    node.commit(other, SOON).await.unwrap();
    assert!(node.commit(txn, SOON).await.is_err());
}

#[tokio::test]
async fn what_is_removed_in_bulk_can_be_written_again_in_the_same_transaction() {
    let (_, node) = open().await;
    let mut txn = node.begin(Freshness::Linearizable, SOON).await.unwrap();
    for at in 0..300 {
        txn.put(&name(&["many", &at.to_string()]), bytes("x"))
            .unwrap();
    }
    node.commit(txn, SOON).await.unwrap();
    let mut txn = node.begin(Freshness::Linearizable, SOON).await.unwrap();
    txn.put(&name(&["many", "8"]), bytes("pending")).unwrap();
    assert_eq!(txn.delete_below(&name(&["many"]), 1_000).unwrap(), 300);
    txn.put(&name(&["many", "7"]), bytes("again")).unwrap();
    node.commit(txn, SOON).await.unwrap();
    let mut txn = node.begin(Freshness::Linearizable, SOON).await.unwrap();
    assert_eq!(txn.count_below(&name(&["many"]), 10).unwrap(), 1);
    let kept = txn.get(&name(&["many", "7"])).unwrap().unwrap();
    assert_eq!(kept.as_slice(), b"again");
}

#[tokio::test]
async fn a_listing_reads_names_and_no_values() {
    let (below, shares) = initialized().await;
    let staged = Staged::over(&below, 9);
    let node = barrier(Arc::clone(&staged) as _);
    for share in &shares[..2] {
        node.submit_share(share).await.unwrap();
    }
    let mut txn = node.begin_local().unwrap();
    // A leaf, a folder larger than a page, one name that is both, and more after them.
    for at in 0..300 {
        txn.put(&name(&["dir", "large", &at.to_string()]), bytes("x"))
            .unwrap();
    }
    for path in [&["dir", "large"][..], &["dir", "leaf"], &["dir", "f", "g"]] {
        txn.put(&name(path), bytes("x")).unwrap();
    }
    node.commit(txn, SOON).await.unwrap();
    staged.keys_only.store(true, Ordering::SeqCst);
    let mut txn = node.begin_local().unwrap();
    let listed = txn.list(&name(&["dir"])).unwrap();
    let shown: Vec<(&str, bool, bool)> = listed
        .iter()
        .map(|child| (child.segment.as_str(), child.leaf, child.folder))
        .collect();
    assert_eq!(
        shown,
        [
            ("f", false, true),
            ("large", true, true),
            ("leaf", true, false)
        ]
    );
    assert_eq!(txn.walk(&name(&["dir"]), 1_000).unwrap().len(), 303);
    assert_eq!(txn.count_below(&name(&["dir"]), 1_000).unwrap(), 303);
    assert_eq!(txn.some_below(&name(&["dir"]), 1).unwrap().len(), 1);
}
