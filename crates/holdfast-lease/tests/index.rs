//! The expiry index over the real machine.

use futures::executor::block_on;
use holdfast_barrier::{Barrier, InitOptions, SystemSurroundings, Txn};
use holdfast_lease::{DueItem, Expiring, due, next_ms, reschedule, schedule, unschedule};
use holdfast_machine::testing::MemoryReplica;
use holdfast_types::NamespaceId;
use std::sync::Arc;
use std::time::Duration;

const NS: NamespaceId = NamespaceId::ROOT;
const DEADLINE: Duration = Duration::from_secs(5);

fn unsealed() -> Barrier {
    let barrier = Barrier::new(Arc::new(MemoryReplica::new()), Arc::new(SystemSurroundings));
    let options = InitOptions {
        cluster_name: "test".to_owned(),
        shares: 1,
        threshold: 1,
    };
    let made = block_on(barrier.initialize(&options, DEADLINE, |_| Ok(())))
        .expect("an empty cluster is initialised");
    block_on(barrier.submit_share(&made.shares[0].to_hex())).expect("the share opens the node");
    barrier
}

fn commit<T>(barrier: &Barrier, work: impl FnOnce(&mut Txn) -> T) -> T {
    let mut txn = barrier.begin_local().expect("the node is open");
    let out = work(&mut txn);
    block_on(barrier.commit(txn, DEADLINE)).expect("nothing conflicts");
    out
}

fn token(key: &str) -> Expiring {
    Expiring::Token {
        key: key.to_owned(),
    }
}

fn item(at_ms: u64, what: Expiring) -> DueItem {
    DueItem { at_ms, what }
}

#[test]
fn what_is_due_comes_in_the_order_of_time() {
    let barrier = unsealed();
    let lease = Expiring::Lease {
        id: "database/creds/a/1".to_owned(),
    };
    let newer = Expiring::Other {
        tag: "wrap".to_owned(),
        id: "x".to_owned(),
    };
    commit(&barrier, |txn| {
        for (at_ms, what) in [
            (300, token("c")),
            (100, token("a")),
            (200, lease.clone()),
            (250, newer.clone()),
        ] {
            schedule(txn, NS, at_ms, &what).unwrap();
        }
        // The transaction's own entries are not seen yet.
        assert_eq!(next_ms(txn, NS), Ok(None));
    });
    let mut txn = barrier.begin_local().unwrap();
    assert_eq!(next_ms(&mut txn, NS), Ok(Some(100)));
    assert_eq!(due(&mut txn, NS, 99, 10), Ok(vec![]));
    let all = vec![
        item(100, token("a")),
        item(200, lease),
        item(250, newer),
        item(300, token("c")),
    ];
    assert_eq!(due(&mut txn, NS, 300, 10).as_ref(), Ok(&all));
    assert_eq!(due(&mut txn, NS, 299, 10).as_deref(), Ok(&all[..3]));
    assert_eq!(due(&mut txn, NS, u64::MAX, 2).as_deref(), Ok(&all[..2]));
}

#[test]
fn entries_move_and_go() {
    let barrier = unsealed();
    commit(&barrier, |txn| {
        reschedule(txn, NS, None, Some(100), &token("a")).unwrap();
        reschedule(txn, NS, None, Some(100), &token("b")).unwrap();
    });
    commit(&barrier, |txn| {
        assert_eq!(due(txn, NS, 100, 10).map(|items| items.len()), Ok(2));
        reschedule(txn, NS, Some(100), Some(500), &token("a")).unwrap();
        reschedule(txn, NS, Some(100), Some(100), &token("b")).unwrap();
        // Nothing stands there.
        unschedule(txn, NS, 101, &token("b")).unwrap();
    });
    commit(&barrier, |txn| {
        assert_eq!(
            due(txn, NS, 1000, 10),
            Ok(vec![item(100, token("b")), item(500, token("a"))])
        );
        reschedule(txn, NS, Some(500), None, &token("a")).unwrap();
        unschedule(txn, NS, 100, &token("b")).unwrap();
    });
    assert_eq!(next_ms(&mut barrier.begin_local().unwrap(), NS), Ok(None));
}
