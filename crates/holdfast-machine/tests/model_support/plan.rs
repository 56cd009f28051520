//! Random logs that mostly make sense: a plan says what each transaction intends and where it errs, and is turned into
//! commands against the oracle, so that many compare-and-sets succeed.

use super::oracle::Oracle;
use holdfast_machine::{Command, Delete, Key, Put, Space, Transaction, Write};
use holdfast_types::{RECORD_OVERHEAD, RecordHeader, Suite, TxnId};
use proptest::prelude::*;

#[derive(Clone, Debug)]
pub(crate) enum Plan {
    Transaction {
        id: u8,
        time_ms: u64,
        steps: Vec<Step>,
    },
    Tick(u64),
    Checkpoint(u64),
}

#[derive(Clone, Debug)]
pub(crate) struct Step {
    row: u8,
    what: What,
    /// Sometimes it names a stale index or a wrong revision.
    error: u8,
    fill: u8,
}

#[derive(Clone, Copy, Debug)]
enum What {
    Assert,
    Put,
    Delete,
}

const STALE: u8 = 0;
const MISREVISED: std::ops::RangeInclusive<u8> = 1..=2;
const ROWS: u8 = 8;

pub(crate) fn plans(count: usize) -> impl Strategy<Value = Vec<Plan>> {
    let what = prop_oneof![
        2 => Just(What::Assert),
        4 => Just(What::Put),
        1 => Just(What::Delete)
    ];
    let step = (0..ROWS, what, 0u8..16, any::<u8>()).prop_map(|(row, what, error, fill)| Step {
        row,
        what,
        error,
        fill,
    });
    let transaction = (0u8..120, 0u64..1000, proptest::collection::vec(step, 0..4))
        .prop_map(|(id, time_ms, steps)| Plan::Transaction { id, time_ms, steps });
    let plan = prop_oneof![
        12 => transaction,
        1 => (0u64..1000).prop_map(Plan::Tick),
        1 => (0u64..1000).prop_map(Plan::Checkpoint)
    ];
    proptest::collection::vec(plan, count / 2..=count)
}

impl Plan {
    pub(crate) fn to_log(plans: &[Self]) -> Vec<Command> {
        let mut oracle = Oracle::default();
        let mut log = Vec::with_capacity(plans.len());
        for (index, plan) in (1..).zip(plans) {
            let command = plan.to_command(&oracle);
            oracle.apply(index, &command);
            log.push(command);
        }
        log
    }

    fn to_command(&self, oracle: &Oracle) -> Command {
        match self {
            Self::Tick(time) => Command::Tick {
                proposed_at_ms: *time,
            },
            Self::Checkpoint(time) => Command::Checkpoint {
                proposed_at_ms: *time,
            },
            Self::Transaction { id, time_ms, steps } => {
                let mut txn = Transaction {
                    txn_id: TxnId([*id; 16]),
                    proposed_at_ms: *time_ms,
                    asserts: Vec::new(),
                    writes: Vec::new(),
                };
                let mut seen = [false; ROWS as usize];
                for step in steps {
                    if !std::mem::replace(&mut seen[usize::from(step.row)], true) {
                        step.add_to(&mut txn, oracle);
                    }
                }
                Command::Transaction(txn)
            }
        }
    }
}

impl Step {
    fn add_to(&self, txn: &mut Transaction, oracle: &Oracle) {
        let key = key(self.row);
        let row = oracle.rows.get(&key);
        let mut seen = row.map_or(0, |row| row.0);
        if self.error == STALE {
            seen += 1;
        }
        match self.what {
            What::Assert => txn.asserts.push((key, seen)),
            What::Delete if seen > 0 => txn.writes.push(Write::Delete(Delete {
                key,
                replaces: seen,
            })),
            What::Delete | What::Put => {
                let old = row.and_then(|row| RecordHeader::parse(&row.1).ok());
                let wrong = u64::from(MISREVISED.contains(&self.error));
                let revision = old.map_or(1, |old| old.revision + 1) + wrong;
                txn.writes.push(Write::Put(Put {
                    value: value(&key, revision, self.fill),
                    key,
                    replaces: seen,
                }));
            }
        }
    }
}

/// The first half are records, the others plain rows.
pub(crate) fn key(row: u8) -> Key {
    let space = if row < ROWS / 2 {
        Space::Record
    } else {
        Space::System
    };
    vec![space as u8, row, row]
}

fn value(key: &[u8], revision: u64, fill: u8) -> Vec<u8> {
    if key[0] == Space::System as u8 {
        return vec![fill; usize::from(fill % 7)];
    }
    record(revision, fill)
}

pub(crate) fn record(revision: u64, fill: u8) -> Vec<u8> {
    let header = RecordHeader {
        suite: Suite::XChaCha20Poly1305,
        term: 1,
        revision,
        nonce: [fill; 24],
    };
    let mut out = header.to_bytes().to_vec();
    out.resize(RECORD_OVERHEAD + usize::from(fill % 5), fill);
    out
}

/// A transaction that creates one plain row.
pub(crate) fn put_at(id: u8, row: u8, fill: u8) -> Command {
    Command::Transaction(Transaction {
        txn_id: TxnId([id; 16]),
        proposed_at_ms: 1,
        asserts: Vec::new(),
        writes: vec![Write::Put(Put {
            key: vec![Space::System as u8, 100, row],
            replaces: 0,
            value: vec![fill],
        })],
    })
}
