//! The barrier over the real machine: what it keeps, whom it refuses, and that nothing plain goes down.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail the test that calls them"
)]

use holdfast_barrier::{
    Barrier, BeginError, CommitError, Committed, Freshness, InitError, InitOptions, Name, Stored,
    SystemSurroundings, Txn, UnsealError,
};
use holdfast_machine::Replica;
use holdfast_machine::testing::MemoryReplica;
use holdfast_types::{Class, NamespaceId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

const SOON: Duration = Duration::from_secs(5);

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Thing(String);

impl Stored for Thing {
    const VERSION: u8 = 1;
}

fn name(segments: &[&str]) -> Name {
    Name::new(NamespaceId::ROOT, Class::Engine).with_all(segments.iter().copied())
}

fn bytes(text: &str) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(text.as_bytes().to_vec())
}

const THREE_OF_FIVE: InitOptions = InitOptions {
    cluster_name: String::new(),
    shares: 5,
    threshold: 3,
};

async fn opened() -> (Arc<MemoryReplica>, Barrier, Vec<String>) {
    let replica = Arc::new(MemoryReplica::new());
    let below: Arc<dyn Replica> = Arc::clone(&replica) as _;
    let barrier = Barrier::new(below, Arc::new(SystemSurroundings));
    let made = barrier
        .initialize(&THREE_OF_FIVE, SOON, |_| Ok(()))
        .await
        .unwrap();
    let shares: Vec<String> = made
        .shares
        .iter()
        .map(|share| share.to_hex().to_string())
        .collect();
    open(&barrier, &shares[..3]).await;
    (replica, barrier, shares)
}

async fn open(barrier: &Barrier, shares: &[String]) {
    for share in shares {
        barrier.submit_share(share).await.unwrap();
    }
    assert!(!barrier.is_sealed());
}

async fn begin(barrier: &Barrier) -> Txn {
    barrier.begin(Freshness::Linearizable, SOON).await.unwrap()
}

async fn put(barrier: &Barrier, segments: &[&str], text: &str) -> Result<Committed, CommitError> {
    let mut txn = begin(barrier).await;
    txn.put(&name(segments), bytes(text)).unwrap();
    barrier.commit(txn, SOON).await
}

#[tokio::test]
async fn what_is_committed_is_read_and_what_is_not_is_not() {
    let (_, barrier, _) = opened().await;
    put(&barrier, &["a", "b"], "one").await.unwrap();
    let mut txn = begin(&barrier).await;
    assert_eq!(
        txn.get(&name(&["a", "b"])).unwrap().as_deref(),
        Some(&b"one".to_vec())
    );
    assert!(txn.get(&name(&["a"])).unwrap().is_none());
    txn.put(&name(&["a", "b"]), bytes("two")).unwrap();
    assert_eq!(
        txn.get(&name(&["a", "b"])).unwrap().as_deref(),
        Some(&b"two".to_vec())
    );
    drop(txn);
    let mut txn = begin(&barrier).await;
    assert_eq!(
        txn.get(&name(&["a", "b"])).unwrap().as_deref(),
        Some(&b"one".to_vec())
    );
    txn.delete(&name(&["a", "b"])).unwrap();
    txn.delete(&name(&["never", "there"])).unwrap();
    barrier.commit(txn, SOON).await.unwrap();
    assert!(!begin(&barrier).await.contains(&name(&["a", "b"])).unwrap());
}

#[tokio::test]
async fn a_read_that_no_longer_stands_conflicts() {
    let (_, barrier, _) = opened().await;
    put(&barrier, &["guard"], "1").await.unwrap();
    let mut slow = begin(&barrier).await;
    slow.get(&name(&["guard"])).unwrap();
    slow.put(&name(&["result"]), bytes("concluded from 1"))
        .unwrap();
    put(&barrier, &["guard"], "2").await.unwrap();
    assert_eq!(barrier.commit(slow, SOON).await, Err(CommitError::Conflict));

    // Removed and made again with the same bytes is still not what was read.
    let mut slow = begin(&barrier).await;
    slow.get(&name(&["guard"])).unwrap();
    slow.put(&name(&["result"]), bytes("concluded from 2"))
        .unwrap();
    let mut txn = begin(&barrier).await;
    txn.delete(&name(&["guard"])).unwrap();
    barrier.commit(txn, SOON).await.unwrap();
    put(&barrier, &["guard"], "2").await.unwrap();
    assert_eq!(barrier.commit(slow, SOON).await, Err(CommitError::Conflict));
    assert!(!begin(&barrier).await.contains(&name(&["result"])).unwrap());
}

#[tokio::test]
async fn typed_values_are_cached_and_never_stale() {
    let (_, barrier, _) = opened().await;
    for text in ["one", "two", "three"] {
        let mut txn = begin(&barrier).await;
        txn.store(&name(&["t"]), &Thing(text.to_owned())).unwrap();
        barrier.commit(txn, SOON).await.unwrap();
        let mut txn = begin(&barrier).await;
        let first = txn.load::<Thing>(&name(&["t"])).unwrap().unwrap();
        let second = txn.load::<Thing>(&name(&["t"])).unwrap().unwrap();
        assert_eq!(first.0, text);
        assert!(
            Arc::ptr_eq(&first, &second),
            "the second load is served from the cache"
        );
    }
}

#[tokio::test]
async fn listings_show_leaves_and_folders_in_order() {
    let (_, barrier, _) = opened().await;
    let mut txn = begin(&barrier).await;
    for segments in [
        &["d", "b"][..],
        &["d", "a", "x"],
        &["d", "a", "y", "z"],
        &["d", "a"],
        &["e"],
        &["d", "c", "1"],
    ] {
        txn.put(&name(segments), bytes("v")).unwrap();
    }
    for n in 0..400 {
        txn.put(&name(&["many", &format!("k{n:03}"), "deep"]), bytes("v"))
            .unwrap();
    }
    barrier.commit(txn, SOON).await.unwrap();
    let mut txn = begin(&barrier).await;
    let shown: Vec<(String, bool, bool)> = txn
        .list(&name(&["d"]))
        .unwrap()
        .into_iter()
        .map(|child| (child.segment, child.leaf, child.folder))
        .collect();
    assert_eq!(
        shown,
        [
            ("a".into(), true, true),
            ("b".into(), true, false),
            ("c".into(), false, true)
        ]
    );
    assert_eq!(
        txn.walk(&name(&["d"]), 100).unwrap(),
        ["a", "a/x", "a/y/z", "b", "c/1"]
    );
    let many = txn.list(&name(&["many"])).unwrap();
    assert_eq!(many.len(), 400);
    assert!(many.is_sorted() && many.iter().all(|child| child.folder && !child.leaf));

    let removed = txn.delete_below(&name(&["many"]), 150).unwrap();
    assert_eq!(removed, 150);
    barrier.commit(txn, SOON).await.unwrap();
    let mut txn = begin(&barrier).await;
    assert_eq!(txn.list(&name(&["many"])).unwrap().len(), 250);
    assert_eq!(
        txn.list(&name(&["d"])).unwrap().len(),
        3,
        "only what lies below is removed"
    );
}

#[tokio::test]
async fn ordered_names_come_by_order() {
    let (_, barrier, _) = opened().await;
    let mut txn = begin(&barrier).await;
    for order in [900u64, 5, 70_000, 5] {
        let ordered =
            Name::ordered(NamespaceId::ROOT, Class::Expiry, order).with(format!("{order}"));
        txn.put(&ordered, bytes("")).unwrap();
    }
    barrier.commit(txn, SOON).await.unwrap();
    let mut txn = begin(&barrier).await;
    let due = txn
        .scan_ordered(NamespaceId::ROOT, Class::Expiry, 1_000, 10)
        .unwrap();
    assert_eq!(
        due,
        [(5, vec!["5".to_owned()]), (900, vec!["900".to_owned()])]
    );
    assert_eq!(
        txn.scan_ordered(NamespaceId::ROOT, Class::Expiry, u64::MAX, 2)
            .unwrap()
            .len(),
        2
    );
}

#[tokio::test]
async fn only_one_initialisation_succeeds() {
    let (_, barrier, _) = opened().await;
    let again = barrier.initialize(&THREE_OF_FIVE, SOON, |_| Ok(())).await;
    assert_eq!(again.err(), Some(InitError::Already));
    let fresh = Barrier::new(Arc::new(MemoryReplica::new()), Arc::new(SystemSurroundings));
    for (shares, threshold) in [(0, 0), (3, 4), (3, 0), (3, 1)] {
        let options = InitOptions {
            cluster_name: String::new(),
            shares,
            threshold,
        };
        assert!(matches!(
            fresh.initialize(&options, SOON, |_| Ok(())).await,
            Err(InitError::Options(..))
        ));
    }
    assert!(matches!(
        fresh.begin(Freshness::Stale, SOON).await.err(),
        Some(BeginError::Uninitialized)
    ));
}

#[tokio::test]
async fn bad_shares_are_named_and_do_not_count() {
    let (_, barrier, shares) = opened().await;
    barrier.forget_keys();
    barrier.submit_share(&shares[0]).await.unwrap();
    let status = barrier.submit_share(&shares[0]).await.unwrap();
    assert_eq!(status.progress, 1, "the same share twice is one");
    let index = u8::from_str_radix(&shares[1][64..], 16).unwrap();
    let wrong = format!("{}{}", "00".repeat(32), &shares[1][64..]);
    assert_eq!(
        barrier.submit_share(&wrong).await,
        Err(UnsealError::Wrong(index))
    );
    let taken: Vec<&str> = shares.iter().map(|share| &share[64..]).collect();
    let free = (1..=255u8)
        .find(|x| !taken.contains(&format!("{x:02x}").as_str()))
        .unwrap();
    let foreign = format!("{}{free:02x}", &shares[1][..64]);
    assert_eq!(
        barrier.submit_share(&foreign).await,
        Err(UnsealError::Foreign(free))
    );
    assert_eq!(barrier.submit_share("x").await, Err(UnsealError::Malformed));
    assert_eq!(barrier.seal_status().unwrap().progress, 1);
    open(&barrier, &shares[2..4]).await;
}

#[tokio::test]
async fn a_manual_seal_stops_reads_and_writes_that_began_before() {
    let (replica, barrier, shares) = opened().await;
    put(&barrier, &["a"], "1").await.unwrap();
    let below: Arc<dyn Replica> = Arc::clone(&replica) as _;
    let other = Barrier::new(below, Arc::new(SystemSurroundings));
    open(&other, &shares[1..4]).await;

    let mut began_before = begin(&other).await;
    began_before.put(&name(&["a"]), bytes("2")).unwrap();
    barrier.seal_cluster(SOON).await.unwrap();
    assert!(barrier.is_sealed());
    assert_eq!(
        other.commit(began_before, SOON).await,
        Err(CommitError::Conflict)
    );
    // The other node has not been told yet, and still finds out from the state that it would read.
    assert!(matches!(
        other.begin(Freshness::Linearizable, SOON).await.err(),
        Some(BeginError::Sealed)
    ));
    assert!(other.is_sealed());

    open(&other, &shares[..3]).await;
    assert_eq!(
        begin(&other).await.get(&name(&["a"])).unwrap().as_deref(),
        Some(&b"1".to_vec())
    );
}

#[tokio::test]
async fn nothing_plain_is_stored() {
    let (replica, barrier, shares) = opened().await;
    put(&barrier, &["canary-folder", "canary-name"], "canary-value")
        .await
        .unwrap();
    let view = replica.view().unwrap();
    let mut rows = 0;
    for (key, row) in view.scan(&[], &[], 10_000).unwrap() {
        rows += 1;
        for needle in [b"canary".to_vec(), hex::decode(&shares[0][..64]).unwrap()] {
            for place in [&key, &row.value] {
                assert!(!place.windows(needle.len()).any(|window| window == needle));
            }
        }
    }
    assert!(rows >= 3, "the search saw the rows");
}
