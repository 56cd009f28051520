//! What the tests of the store share: small directories, entries, transactions.

#![allow(
    dead_code,
    clippy::allow_attributes,
    reason = "each test file uses a part of it"
)]

pub(crate) mod random;
pub(crate) mod script;
pub(crate) mod simulated;
pub(crate) mod subject;
pub(crate) mod world;

use bytes::Bytes;
use holdfast_machine::{Command, Put, StorageFault, SystemKey, Transaction, Write};
use holdfast_store::{
    ApplyEntry, LogStore, Options, Payload, Purged, SNAPSHOT_CHUNK_BYTES_MAX, SnapshotHandle,
    StateStore, Stores, open,
};
use holdfast_types::TxnId;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc;

pub(crate) fn options() -> Options {
    Options {
        log_write_buffer_bytes: 1 << 20,
        state_write_buffer_bytes: 8 << 20,
        block_cache_bytes: 1 << 20,
        ..Options::default()
    }
}

pub(crate) fn open_at(dir: &Path) -> Stores {
    open(dir, &options()).unwrap()
}

pub(crate) fn entry(index: u64, len: usize) -> (u64, Bytes) {
    let byte = u8::try_from(index % 251).unwrap();
    (index, Bytes::from(vec![byte; len]))
}

/// Appends and waits until it is durable.
pub(crate) fn append(log: &LogStore, entries: Vec<(u64, Bytes)>) -> Result<(), StorageFault> {
    let (sender, receiver) = mpsc::channel();
    log.append(
        entries,
        Box::new(move |result| sender.send(result).unwrap()),
    )?;
    receiver.recv().unwrap()
}

pub(crate) fn vote(log: &LogStore, vote: &'static [u8]) -> Result<(), StorageFault> {
    let (sender, receiver) = mpsc::channel();
    log.save_vote(
        Bytes::from_static(vote),
        Box::new(move |result| sender.send(result).unwrap()),
    )?;
    receiver.recv().unwrap()
}

pub(crate) fn purged(index: u64) -> Purged {
    Purged {
        index,
        log_id: Bytes::from(format!("log id {index}")),
    }
}

/// Writes a new system row at `index`.
pub(crate) fn put(index: u64, value: &[u8]) -> ApplyEntry {
    let mut txn_id = [0; 16];
    txn_id[..8].copy_from_slice(&index.to_be_bytes());
    applied(
        index,
        Payload::Command(Command::Transaction(Transaction {
            txn_id: TxnId(txn_id),
            proposed_at_ms: 1_000 + index,
            asserts: Vec::new(),
            writes: vec![Write::Put(Put {
                key: SystemKey::Node(index).to_bytes(),
                replaces: 0,
                value: value.to_vec(),
            })],
        })),
    )
}

pub(crate) fn applied(index: u64, payload: Payload) -> ApplyEntry {
    ApplyEntry {
        index,
        log_id: Bytes::from(format!("log id {index}")),
        payload,
    }
}

/// The fullest write-ahead log of the log database.
pub(crate) fn wal_of(dir: &Path) -> PathBuf {
    let logs = fs::read_dir(dir.join("log")).unwrap();
    let wals = logs
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "log"));
    wals.max_by_key(|path| fs::metadata(path).unwrap().len())
        .unwrap()
}

/// Bytes of the files directly in a directory.
pub(crate) fn size_of(dir: &Path) -> u64 {
    let files = fs::read_dir(dir).unwrap();
    files
        .filter_map(|entry| entry.ok()?.metadata().ok())
        .map(|about| about.len())
        .sum()
}

/// The tables of a database.
pub(crate) fn tables_of(dir: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(dir).unwrap();
    files
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "sst"))
        .collect()
}

/// A store with about 4 MiB of incompressible rows.
pub(crate) fn filled(dir: &Path) -> Stores {
    let stores = open_at(dir);
    stores
        .state
        .apply(vec![applied(0, Payload::Membership("m0".into()))])
        .unwrap();
    for index in 1..=64u64 {
        let mut value = vec![0; 64 << 10];
        blake3::Hasher::new()
            .update(&index.to_be_bytes())
            .finalize_xof()
            .fill(&mut value);
        stores.state.apply(vec![put(index, &value)]).unwrap();
    }
    stores
}

/// Sends a snapshot whole.
pub(crate) fn send(from: &SnapshotHandle, to: &StateStore) -> SnapshotHandle {
    let mut writer = to.receive(from.header().clone()).unwrap();
    let mut reader = from.read_from(writer.cursor()).unwrap();
    while let Some(chunk) = reader.next_chunk().unwrap() {
        assert!(chunk.bytes.len() <= SNAPSHOT_CHUNK_BYTES_MAX);
        writer.write(&chunk).unwrap();
    }
    writer.finish().unwrap()
}

/// Names in a directory, sorted.
pub(crate) fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
