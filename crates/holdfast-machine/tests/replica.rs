//! The replica in memory keeps the contract that tests of the floors above rely on.

use holdfast_machine::testing::MemoryReplica;
use holdfast_machine::{
    Command, Outcome, ProposeError, Put, Replica, SystemKey, Transaction, Unavailable, Write,
};
use holdfast_types::TxnId;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

#[cfg(test)]
mod helpers {
    use super::{
        Command, Context, Duration, Future, Poll, Put, SystemKey, Transaction, TxnId, Waker, Write,
        pin,
    };

    pub(crate) const SOON: Duration = Duration::from_secs(1);

    pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => value,
            Poll::Pending => panic!("the replica in memory answers at once"),
        }
    }

    pub(crate) fn put(node: u8) -> Command {
        Command::Transaction(Transaction {
            txn_id: TxnId([node; 16]),
            proposed_at_ms: 0,
            asserts: Vec::new(),
            writes: vec![Write::Put(Put {
                key: SystemKey::Node(u64::from(node)).to_bytes(),
                replaces: 0,
                value: vec![node],
            })],
        })
    }
}

use helpers::{SOON, now, put};

#[test]
fn a_lagging_view_stays_until_it_is_asked_to_catch_up() {
    let replica = MemoryReplica::new();
    replica.set_time_ms(500);
    replica.set_lagging(true);
    assert_eq!(
        replica.commit_elsewhere(put(1)),
        Outcome::Applied { index: 1 }
    );
    let stale = replica.view().unwrap();
    assert_eq!(stale.position().index, 0);
    assert_eq!(now(replica.read_index(SOON)), Ok(1));
    let fresh = replica.view().unwrap();
    assert_eq!((fresh.position().index, fresh.position().time_ms), (1, 500));
    assert_eq!(
        fresh
            .scan(&SystemKey::nodes_prefix(), &[], 9)
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        stale.get(&SystemKey::Node(1).to_bytes()).unwrap(),
        None,
        "a view stands still"
    );
    assert_eq!(now(replica.wait_applied(2, SOON)), Err(Unavailable::Behind));
    assert_eq!(
        now(replica.propose(put(2), SOON)),
        Ok(Outcome::Applied { index: 2 })
    );
    assert_eq!(
        replica.view().unwrap().position().index,
        2,
        "its own proposals are applied"
    );
    assert_eq!((replica.proposals(), replica.read_rounds()), (1, 1));
}

#[test]
fn knobs_make_it_unavailable_and_unsure() {
    let replica = MemoryReplica::new();
    replica.set_available(false);
    assert_eq!(now(replica.read_index(SOON)), Err(Unavailable::NoLeader));
    let refused = now(replica.propose(put(1), SOON));
    assert_eq!(
        refused,
        Err(ProposeError::NotProposed(Unavailable::NoLeader))
    );
    assert_eq!(replica.status().leader, None);
    replica.set_available(true);
    replica.refuse_next_proposal();
    assert!(matches!(
        now(replica.propose(put(1), SOON)),
        Err(ProposeError::NotProposed(_))
    ));
    replica.lose_next_answer();
    assert!(matches!(
        now(replica.propose(put(1), SOON)),
        Err(ProposeError::Unknown(_))
    ));
    let again = now(replica.propose(put(1), SOON));
    assert_eq!(
        again,
        Ok(Outcome::Applied { index: 1 }),
        "it had been applied"
    );
}

#[test]
fn watchers_wake_when_the_view_moves() {
    let replica = MemoryReplica::new();
    let mut watching = pin!(replica.applied_past(0));
    let mut context = Context::from_waker(Waker::noop());
    assert_eq!(watching.as_mut().poll(&mut context), Poll::Pending);
    replica.commit_elsewhere(put(1));
    assert_eq!(watching.as_mut().poll(&mut context), Poll::Ready(1));
}
