//! The bytes of every stored form. A changed file is a changed format: commit it only with a new format number.
//! `HOLDFAST_WRITE_GOLDEN=1` writes the files anew.

use holdfast_machine::testing::MemoryTable;
use holdfast_machine::{
    Batch, Command, Delete, Machine, Outcome, Put, Row, SystemKey, Transaction, Write,
};
use holdfast_types::TxnId;

#[cfg(test)]
mod helpers {
    use std::fs;
    use std::path::Path;

    /// Compares bytes with a file of hexadecimal lines, 32 bytes each.
    pub(crate) fn golden(name: &str, bytes: &[u8]) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/golden")
            .join(name);
        let lines: Vec<String> = bytes.chunks(32).map(hex::encode).collect();
        let text = lines.join("\n") + "\n";
        if std::env::var_os("HOLDFAST_WRITE_GOLDEN").is_some() {
            fs::write(&path, &text).unwrap();
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(text, expected, "{name}");
    }
}

use helpers::golden;

#[cfg(test)]
fn transaction() -> Command {
    Command::Transaction(Transaction {
        txn_id: TxnId([0xab; 16]),
        proposed_at_ms: 1_700_000_000_000,
        asserts: vec![(SystemKey::SealConfig.to_bytes(), 300)],
        writes: vec![
            Write::Put(Put {
                key: SystemKey::Node(3).to_bytes(),
                replaces: 0,
                value: b"a node".to_vec(),
            }),
            Write::Delete(Delete {
                key: SystemKey::Node(2).to_bytes(),
                replaces: 7,
            }),
        ],
    })
}

#[test]
fn commands() {
    for (name, command) in [
        ("transaction.hex", transaction()),
        (
            "tick.hex",
            Command::Tick {
                proposed_at_ms: 1_700_000_000_000,
            },
        ),
        (
            "checkpoint.hex",
            Command::Checkpoint {
                proposed_at_ms: 1_700_000_000_000,
            },
        ),
    ] {
        let bytes = command.encode().unwrap();
        golden(name, &bytes);
        assert_eq!(Command::decode(&bytes), Ok(command), "{name}");
    }
}

#[test]
fn rows_and_keys() {
    let row = Row {
        written_at: 0x0102,
        value: b"value".to_vec(),
    };
    golden("row.hex", &row.encode());
    assert_eq!(Row::decode(&row.encode()), Ok(row));
    assert!(Row::decode(&[0; 7]).is_err());
    assert!(Row::decode(&[0; 9]).is_err(), "index 0 is no entry");
    golden("key-seal-config.hex", &SystemKey::SealConfig.to_bytes());
    golden("key-keyring.hex", &SystemKey::Keyring.to_bytes());
    golden("key-seal-epoch.hex", &SystemKey::SealEpoch.to_bytes());
    golden("key-node.hex", &SystemKey::Node(3).to_bytes());
}

/// Every row of a small state: the scalars, the digest, the memory of transactions.
#[test]
fn state() {
    let mut table = MemoryTable::default();
    let mut machine = Machine::load(&table).unwrap();
    let mut batch = Batch::new();
    let put = |id: u8, key: Vec<u8>| {
        Command::Transaction(Transaction {
            txn_id: TxnId([id; 16]),
            proposed_at_ms: 1_700_000_000_000,
            asserts: Vec::new(),
            writes: vec![Write::Put(Put {
                key,
                replaces: 0,
                value: b"v".to_vec(),
            })],
        })
    };
    let node = SystemKey::Node(1).to_bytes();
    let log = [
        put(1, node.clone()),
        put(2, node.clone()),
        put(3, vec![9]),
        Command::Checkpoint {
            proposed_at_ms: 1_700_000_000_001,
        },
    ];
    let outcomes: Vec<Outcome> = (10..)
        .zip(&log)
        .map(|(index, command)| machine.apply(&table, &mut batch, index, command).unwrap())
        .collect();
    assert_eq!(outcomes[1], Outcome::Conflict { key: node });
    machine.save(&mut batch);
    table.write(&batch);
    let mut all = Vec::new();
    for (key, row) in table.rows() {
        for part in [key, row] {
            all.extend_from_slice(&(part.len() as u64).to_be_bytes());
            all.extend_from_slice(part);
        }
    }
    golden("state.hex", &all);
    golden("summary.hex", &machine.summary());
}
