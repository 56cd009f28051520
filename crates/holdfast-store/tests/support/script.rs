//! What a node is asked to do, from a seed: the same for every disk.

use super::random::Random;
use super::{applied, entry, purged};
use bytes::Bytes;
use holdfast_machine::{Command, Delete, Put, SystemKey, Transaction, Write};
use holdfast_store::{ApplyEntry, Payload, Purged};
use holdfast_types::TxnId;
use std::collections::BTreeMap;

/// One call, or one misfortune.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    Append(Vec<(u64, Bytes)>),
    Vote(Bytes),
    Truncate(Option<u64>),
    Purge(Purged),
    Committed(Option<Bytes>),
    /// Entries of the script up to here.
    Apply(u64),
    Snapshot,
    /// A snapshot at this entry comes from a peer, perhaps in two attempts.
    Install(u64, bool),
    /// A view is kept, and the one kept before is let go.
    KeepView,
    Reopen,
    Kill,
}

/// Where a node stands, for what can come next.
pub(crate) struct Standing {
    pub(crate) first: u64,
    pub(crate) end: u64,
    /// The next entry to apply.
    pub(crate) next: u64,
    /// The state is durable before this entry.
    pub(crate) flushed: u64,
}

/// Actions, and the entries that are applied: an index always has the same one.
pub(crate) struct Script {
    random: Random,
    entries: Vec<Payload>,
    /// Rows once all entries are applied: node and index at which it was written.
    rows: BTreeMap<u64, u64>,
}

impl Script {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            random: Random(seed),
            entries: vec![Payload::Membership("m0".into())],
            rows: BTreeMap::new(),
        }
    }

    pub(crate) fn action(&mut self, at: &Standing) -> Action {
        let random = &mut self.random;
        match random.below(100) {
            0..25 => {
                let (count, len) = (1 + random.below(4), random.below(600));
                let len = usize::try_from(len).unwrap();
                Action::Append((at.end..at.end + count).map(|i| entry(i, len)).collect())
            }
            25..33 => Action::Vote(Bytes::copy_from_slice(&random.next().to_be_bytes())),
            33..40 => {
                let keep = at.first + random.below(at.end - at.first + 1);
                Action::Truncate(keep.checked_sub(1))
            }
            40..48 if at.next > 0 => {
                // Now and then what no snapshot holds yet: a kill must then be noticed.
                let ahead = random.chance(30);
                let some = random.below(at.flushed);
                Action::Purge(purged(if ahead { at.next - 1 } else { some }))
            }
            48..54 => {
                let some = random.chance(80);
                Action::Committed(
                    some.then(|| Bytes::copy_from_slice(&random.next().to_be_bytes())),
                )
            }
            54..77 => Action::Apply(at.next + random.below(6)),
            77..82 => Action::Snapshot,
            82..86 => Action::Install(at.next + random.below(8), random.chance(50)),
            86..90 => Action::KeepView,
            90..94 => Action::Reopen,
            94.. => Action::Kill,
            _ => Action::KeepView,
        }
    }

    /// What costs a node its vote: the log is purged up to an entry whose effect is then lost.
    pub(crate) fn ruin(at: &Standing) -> [Action; 3] {
        let upto = at.next + 1;
        [
            Action::Apply(upto),
            Action::Purge(purged(upto)),
            Action::Kill,
        ]
    }

    /// The entry at an index.
    pub(crate) fn entry(&mut self, index: u64) -> ApplyEntry {
        let at = usize::try_from(index).unwrap();
        while self.entries.len() <= at {
            let next = self.invent(self.entries.len() as u64);
            self.entries.push(next);
        }
        let payload = match &self.entries[at] {
            Payload::Blank => Payload::Blank,
            Payload::Membership(membership) => Payload::Membership(membership.clone()),
            Payload::Command(command) => Payload::Command(command.clone()),
        };
        applied(index, payload)
    }

    fn invent(&mut self, index: u64) -> Payload {
        let proposed_at_ms = 1_000 + index * 10;
        let command = match self.random.below(20) {
            0 => return Payload::Blank,
            1 => return Payload::Membership(format!("m{index}").into()),
            2 => Command::Tick { proposed_at_ms },
            3 => Command::Checkpoint { proposed_at_ms },
            _ => Command::Transaction(self.transaction(index, proposed_at_ms)),
        };
        Payload::Command(command)
    }

    /// One row, changed as it stands or, sometimes, as it does not.
    fn transaction(&mut self, index: u64, proposed_at_ms: u64) -> Transaction {
        let node = self.random.below(12);
        let (key, stands) = (
            SystemKey::Node(node).to_bytes(),
            self.rows.get(&node).copied(),
        );
        let replaces = stands.unwrap_or(0);
        let removes = stands.is_some() && self.random.chance(30);
        let write = if removes {
            self.rows.remove(&node);
            Write::Delete(Delete { key, replaces })
        } else {
            let conflicts = self.random.chance(15);
            if !conflicts {
                self.rows.insert(node, index);
            }
            Write::Put(Put {
                key,
                replaces: replaces + u64::from(conflicts),
                value: self.random.next().to_be_bytes().to_vec(),
            })
        };
        let mut txn_id = [1; 16];
        txn_id[..8].copy_from_slice(&index.to_be_bytes());
        Transaction {
            txn_id: TxnId(txn_id),
            proposed_at_ms,
            asserts: Vec::new(),
            writes: vec![write],
        }
    }
}
