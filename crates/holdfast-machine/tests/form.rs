//! Rules of form, the bounded memory, and the order of the log, one case each.

use holdfast_machine::testing::MemoryTable;
use holdfast_machine::{
    Batch, Command, Delete, Machine, Malformed, Outcome, Put, Space, Table as _, Transaction,
    VALUE_BYTES_MAX, Write,
};
use holdfast_types::TxnId;
use holdfast_types::limits::{DEDUPE_ENTRIES, KEY_BYTES_MAX, TXN_ASSERTS_MAX};

#[cfg(test)]
mod helpers {
    use super::{Batch, Command, Outcome};
    use super::{Machine, MemoryTable, Put, Space, Transaction, TxnId, Write};

    pub(crate) fn txn(writes: Vec<Write>) -> Transaction {
        Transaction {
            txn_id: TxnId([1; 16]),
            proposed_at_ms: 5,
            asserts: Vec::new(),
            writes,
        }
    }

    pub(crate) fn put(key: &[u8], value: &[u8]) -> Write {
        Write::Put(Put {
            key: key.to_vec(),
            replaces: 0,
            value: value.to_vec(),
        })
    }

    pub(crate) fn system(name: &[u8]) -> Vec<u8> {
        [&[Space::System as u8], name].concat()
    }

    /// The answer to one transaction on an empty state.
    pub(crate) fn answer(txn: Transaction) -> Outcome {
        let table = MemoryTable::default();
        let mut machine = Machine::load(&table).unwrap();
        let mut batch = Batch::new();
        let command = Command::Transaction(txn);
        machine.apply(&table, &mut batch, 1, &command).unwrap()
    }
}

use helpers::{answer, put, system, txn};

#[test]
fn each_rule_of_form_is_kept() {
    let malformed = |writes, rule| {
        assert_eq!(answer(txn(writes)), Outcome::Malformed(rule), "{rule}");
    };
    let record = [Space::Record as u8, 1];
    assert_eq!(
        answer(txn(vec![put(&system(b"a"), b"")])),
        Outcome::Applied { index: 1 }
    );
    assert_eq!(answer(txn(Vec::new())), Outcome::Applied { index: 1 });
    for space in [
        0,
        Space::Dedupe as u8,
        Space::DedupeRing as u8,
        Space::Machine as u8,
        6,
        255,
    ] {
        malformed(vec![put(&[space, 1], b"x")], Malformed::Key);
    }
    malformed(vec![put(b"", b"x")], Malformed::Key);
    malformed(vec![put(&[Space::System as u8], b"x")], Malformed::Key);
    malformed(vec![put(&vec![2; KEY_BYTES_MAX + 1], b"x")], Malformed::Key);
    let twice = put(&system(b"a"), b"x");
    malformed(vec![twice.clone(), twice.clone()], Malformed::Rows);
    let gone = Delete {
        key: system(b"a"),
        replaces: 0,
    };
    malformed(vec![Write::Delete(gone)], Malformed::Rows);
    malformed(vec![put(&record, b"no header")], Malformed::Record);
    let large = vec![0; VALUE_BYTES_MAX + 1];
    malformed(vec![put(&system(b"a"), &large)], Malformed::Record);
    let many = (0..9u8).map(|n| put(&system(&[n]), &large[..VALUE_BYTES_MAX]));
    malformed(many.collect(), Malformed::Rows);

    let mut asserting = txn(vec![twice]);
    asserting.asserts = vec![(system(b"a"), 0)];
    assert_eq!(
        answer(asserting.clone()),
        Outcome::Malformed(Malformed::Rows),
        "one row twice"
    );
    let names = 0..=u32::try_from(TXN_ASSERTS_MAX).unwrap();
    asserting.asserts = names.map(|n| (system(&n.to_be_bytes()), 0)).collect();
    assert_eq!(
        answer(asserting),
        Outcome::Malformed(Malformed::Rows),
        "too many"
    );
}

#[test]
fn entries_come_in_order_and_each_once() {
    let table = MemoryTable::default();
    let mut machine = Machine::load(&table).unwrap();
    let mut batch = Batch::new();
    let tick = Command::Tick { proposed_at_ms: 1 };
    for wrong in [0, 5, 4] {
        let result = machine.apply(&table, &mut batch, wrong, &tick);
        assert_eq!(result.is_ok(), wrong == 5, "{wrong}");
    }
    assert!(
        machine.apply(&table, &mut batch, 5, &tick).is_err(),
        "twice"
    );
}

#[test]
fn the_memory_of_transactions_is_bounded() {
    let mut table = MemoryTable::default();
    let mut machine = Machine::load(&table).unwrap();
    let empty = |number: u64| {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&number.to_be_bytes());
        let txn_id = TxnId(id);
        Command::Transaction(Transaction {
            txn_id,
            ..txn(Vec::new())
        })
    };
    let mut batch = Batch::new();
    for number in 0..DEDUPE_ENTRIES {
        machine
            .apply(&table, &mut batch, number + 1, &empty(number))
            .unwrap();
    }
    table.write(&batch);
    let remembered = |table: &MemoryTable| {
        let rows = table.rows();
        rows.filter(|(key, _)| key[0] == Space::Dedupe as u8)
            .count() as u64
    };
    assert_eq!(remembered(&table), DEDUPE_ENTRIES);
    let mut at = DEDUPE_ENTRIES;
    let mut batch = Batch::new();
    let mut answer = |number: u64, batch: &mut Batch| {
        at += 1;
        (
            at,
            machine.apply(&table, batch, at, &empty(number)).unwrap(),
        )
    };
    let (_, outcome) = answer(0, &mut batch);
    assert_eq!(outcome, Outcome::Applied { index: 1 }, "still remembered");
    answer(DEDUPE_ENTRIES, &mut batch);
    let (now, outcome) = answer(0, &mut batch);
    assert_eq!(
        outcome,
        Outcome::Applied { index: now },
        "forgotten, so it is a new one"
    );
    let (_, outcome) = answer(2, &mut batch);
    assert_eq!(outcome, Outcome::Applied { index: 3 }, "the third still is");
    table.write(&batch);
    assert_eq!(remembered(&table), DEDUPE_ENTRIES);
}

#[test]
fn a_corrupt_row_is_a_fault_and_no_outcome() {
    let mut table = MemoryTable::default();
    table.tamper(&system(b"a"), vec![1, 2, 3]);
    assert!(table.get(&system(b"a")).unwrap().is_some());
    let mut machine = Machine::load(&table).unwrap();
    let command = Command::Transaction(txn(vec![put(&system(b"a"), b"x")]));
    assert!(
        machine
            .apply(&table, &mut Batch::new(), 1, &command)
            .is_err()
    );
    table.tamper(
        &[&[Space::Machine as u8], &b"scalars"[..]].concat(),
        vec![0, 0, 0, 0, 0, 0, 0, 1, 9],
    );
    assert!(Machine::load(&table).is_err());
}
