//! The rules of the machine, said as simply as possible.

use holdfast_machine::{Command, Key, Malformed, Outcome, Space, Transaction, Write};
use holdfast_types::{RecordHeader, TxnId};
use std::collections::BTreeMap;

#[derive(Default, Clone)]
pub(crate) struct Oracle {
    pub(crate) rows: BTreeMap<Key, (u64, Vec<u8>)>,
    pub(crate) answers: BTreeMap<TxnId, Outcome>,
    pub(crate) time_ms: u64,
}

impl Oracle {
    pub(crate) fn apply(&mut self, index: u64, command: &Command) -> Outcome {
        self.time_ms = self.time_ms.max(command.proposed_at_ms());
        let Command::Transaction(txn) = command else {
            return Outcome::Applied { index };
        };
        if let Some(answer) = self.answers.get(&txn.txn_id) {
            return answer.clone();
        }
        let outcome = self.transact(index, txn);
        self.answers.insert(txn.txn_id, outcome.clone());
        outcome
    }

    fn transact(&mut self, index: u64, txn: &Transaction) -> Outcome {
        let at = |key: &[u8]| self.rows.get(key).map_or(0, |row| row.0);
        let asserts = txn.asserts.iter().map(|(key, at)| (key.as_slice(), *at));
        let writes = txn
            .writes
            .iter()
            .map(|write| (write.key(), write.replaces()));
        if let Some((key, _)) = asserts.chain(writes).find(|(key, seen)| at(key) != *seen) {
            return Outcome::Conflict { key: key.to_vec() };
        }
        let revision = |value: &[u8]| RecordHeader::parse(value).unwrap().revision;
        for write in &txn.writes {
            if let Write::Put(put) = write
                && put.key[0] == Space::Record as u8
                && revision(&put.value)
                    != self.rows.get(&put.key).map_or(0, |row| revision(&row.1)) + 1
            {
                return Outcome::Malformed(Malformed::Record);
            }
        }
        for write in &txn.writes {
            match write {
                Write::Put(put) => self
                    .rows
                    .insert(put.key.clone(), (index, put.value.clone())),
                Write::Delete(delete) => self.rows.remove(&delete.key),
            };
        }
        Outcome::Applied { index }
    }
}
