//! A crash at every step that changes the disk.
//!
//! A child process, this test binary again, runs a workload and aborts at its n-th step; the parent reopens what is left
//! and compares it with the states that the acknowledgements allow. n runs from 1 until the child comes through. A killed
//! process keeps what it gave to the operating system; that acknowledged means synced is for tests that cut the power.

use crate::failpoint::CRASH_AT;
use crate::{
    Applied, ApplyEntry, LogBounds, Options, Payload, Purged, SnapshotChunk, SnapshotHeader,
    Stores, open,
};
use bytes::Bytes;
use holdfast_machine::{Command, Put, SystemKey, Transaction, Write};
use holdfast_types::TxnId;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command as Process;
use std::sync::mpsc;

const DIR: &str = "HOLDFAST_TEST_CRASH_DIR";
const STEPS_MAX: u64 = 500;

/// The child's directory, if this is the child.
fn child_dir() -> Option<PathBuf> {
    std::env::var_os(DIR).map(PathBuf::from)
}

/// Runs `child` with a crash at each step in turn, and `check` on what is left. Answers how many steps there were.
fn crash_everywhere(child: &str, prepare: impl Fn(&Path), check: impl Fn(&Path)) -> u64 {
    for at in 1..STEPS_MAX {
        let dir = tempfile::tempdir().unwrap();
        prepare(dir.path());
        let output = Process::new(std::env::current_exe().unwrap())
            .args([child, "--exact", "--ignored", "--nocapture"])
            .env(CRASH_AT, at.to_string())
            .env(DIR, dir.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let crashed = said.contains("crash at step");
        assert!(
            output.status.success() != crashed,
            "neither through nor crashed: {said}"
        );
        let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(dir.path())));
        assert!(checked.is_ok(), "after {said}");
        if !crashed {
            return at - 1;
        }
    }
    panic!("still crashing after {STEPS_MAX} steps");
}

fn note(dir: &Path, line: &str) {
    let notes = dir.join("notes");
    let mut file = OpenOptions::new()
        .append(true)
        .create(true)
        .open(notes)
        .unwrap();
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
}

fn noted(dir: &Path) -> Vec<String> {
    let notes = fs::read_to_string(dir.join("notes")).unwrap_or_default();
    notes.lines().map(str::to_owned).collect()
}

fn open_in(dir: &Path) -> Stores {
    let options = Options {
        log_write_buffer_bytes: 1 << 20,
        state_write_buffer_bytes: 1 << 20,
        block_cache_bytes: 1 << 20,
        ..Options::default()
    };
    open(&dir.join("data"), &options).unwrap()
}

/// An entry that writes one row; the one at 0, as in Raft, writes none.
fn put(index: u64) -> ApplyEntry {
    let mut txn_id = [0; 16];
    txn_id[..8].copy_from_slice(&index.to_be_bytes());
    let transaction = Transaction {
        txn_id: TxnId(txn_id),
        proposed_at_ms: index,
        asserts: Vec::new(),
        writes: vec![Write::Put(Put {
            key: SystemKey::Node(index).to_bytes(),
            replaces: 0,
            value: index.to_be_bytes().to_vec(),
        })],
    };
    ApplyEntry {
        index,
        log_id: Bytes::from(format!("id {index}")),
        payload: match index {
            0 => Payload::Blank,
            _ => Payload::Command(Command::Transaction(transaction)),
        },
    }
}

/// One call on the log, and what it does to a model of it.
#[derive(Clone, Copy)]
enum Call {
    Append(u64, u64, u8),
    Vote(&'static str),
    Truncate(u64),
    Purge(u64),
}

const CALLS: [Call; 10] = [
    Call::Append(0, 5, b'a'),
    Call::Vote("first"),
    Call::Truncate(2),
    Call::Append(3, 6, b'b'),
    Call::Purge(1),
    Call::Append(6, 9, b'b'),
    Call::Vote("second"),
    Call::Truncate(4),
    Call::Purge(8),
    Call::Append(9, 12, b'c'),
];

#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Model {
    first: u64,
    entries: Vec<(u64, u8)>,
    vote: Option<String>,
}

impl Model {
    fn after(&self, call: Call) -> Self {
        let mut next = self.clone();
        match call {
            Call::Append(from, to, byte) => next.entries.extend((from..to).map(|i| (i, byte))),
            Call::Vote(vote) => next.vote = Some(vote.to_owned()),
            Call::Truncate(after) => next.entries.retain(|(index, _)| *index <= after),
            Call::Purge(upto) => {
                next.first = upto + 1;
                next.entries.retain(|(index, _)| *index > upto);
            }
        }
        next
    }

    fn of(stores: &Stores) -> Self {
        let LogBounds { purged, last } = stores.log.bounds();
        let found = stores.log.read(0, u64::MAX, usize::MAX).unwrap();
        assert_eq!(found.last().map(|(index, _)| *index), last);
        Self {
            first: purged.map_or(0, |purged| purged.index + 1),
            entries: found
                .iter()
                .map(|(index, bytes)| (*index, bytes[0]))
                .collect(),
            vote: stores
                .log
                .vote()
                .map(|vote| String::from_utf8(vote.to_vec()).unwrap()),
        }
    }
}

fn make(stores: &Stores, call: Call) {
    let (sender, receiver) = mpsc::channel();
    let done = Box::new(move |result| sender.send(result).unwrap());
    match call {
        Call::Append(from, to, byte) => {
            let entries = (from..to)
                .map(|i| (i, Bytes::from(vec![byte; 50])))
                .collect();
            stores.log.append(entries, done).unwrap();
        }
        Call::Vote(vote) => stores.log.save_vote(Bytes::from(vote), done).unwrap(),
        Call::Truncate(after) => return stores.log.truncate_after(Some(after)).unwrap(),
        Call::Purge(index) => {
            let log_id = Bytes::from_static(b"id");
            return stores.log.purge(Purged { index, log_id }).unwrap();
        }
    }
    receiver.recv().unwrap().unwrap();
}

#[test]
#[ignore = "the child of the test below"]
fn child_of_the_log() {
    let Some(dir) = child_dir() else { return };
    let stores = open_in(&dir);
    stores.state.apply((0..=8).map(put).collect()).unwrap();
    stores.state.build_snapshot().unwrap();
    for (number, call) in CALLS.into_iter().enumerate() {
        note(&dir, "begun");
        make(&stores, call);
        if matches!(call, Call::Append(..) | Call::Vote(_)) {
            note(&dir, &format!("acknowledged {}", number + 1));
        }
    }
}

#[test]
fn a_crash_never_loses_or_halves_what_the_log_was_given() {
    let mut states = vec![Model::default()];
    for call in CALLS {
        states.push(states[states.len() - 1].after(call));
    }
    let check = |dir: &Path| {
        let notes = noted(dir);
        let begun = notes.iter().filter(|line| *line == "begun").count();
        let acknowledged = notes
            .iter()
            .filter_map(|line| line.strip_prefix("acknowledged ")?.parse().ok())
            .max()
            .unwrap_or(0);
        let stores = open_in(dir);
        assert_eq!(stores.quarantine, None);
        let found = Model::of(&stores);
        assert!(
            states[acknowledged..=begun].contains(&found),
            "{found:?} after {acknowledged} acknowledged and {begun} begun"
        );
        let next = stores
            .log
            .bounds()
            .last
            .map_or(found.first, |last| last + 1);
        make(&stores, Call::Append(next, next + 2, b'z'));
        drop(stores);
        let expected = found.after(Call::Append(next, next + 2, b'z'));
        assert_eq!(Model::of(&open_in(dir)), expected, "the log goes on");
    };
    let steps = crash_everywhere("crash::child_of_the_log", |_| {}, check);
    assert!(
        steps > 40,
        "only {steps} steps: the crash points are not reached"
    );
}

#[test]
#[ignore = "the child of the test below"]
fn child_of_the_state() {
    let Some(dir) = child_dir() else { return };
    let stores = open_in(&dir);
    for index in 0..6 {
        stores.state.apply(vec![put(index)]).unwrap();
        if index == 2 {
            stores.state.build_snapshot().unwrap();
            note(&dir, "flushed");
        }
    }
    std::process::abort(); // closing would flush
}

#[test]
fn a_crash_takes_unflushed_state_whole() {
    let check = |dir: &Path| {
        let stores = open_in(dir);
        let Applied {
            position, log_id, ..
        } = stores.state.applied();
        let flushed = noted(dir).contains(&"flushed".to_owned());
        assert!(!flushed || position.index >= 2, "{position:?}");
        let next = log_id.map_or(0, |_| position.index + 1);
        stores.state.verify_digest().unwrap();
        let view = stores.state.view();
        let rows = holdfast_machine::View::scan(&view, &SystemKey::nodes_prefix(), &[], 99);
        let rows = rows.unwrap().len() as u64;
        assert_eq!(rows, position.index, "rows and position agree");
        stores.state.apply((next..9).map(put).collect()).unwrap();
        stores.state.verify_digest().unwrap();
    };
    // The child aborts by itself at the end, so the number of steps is given here.
    for at in [20, 24, 26, 28, 30, 32, 34, STEPS_MAX] {
        let dir = tempfile::tempdir().unwrap();
        let output = Process::new(std::env::current_exe().unwrap())
            .args(["crash::child_of_the_state", "--exact", "--ignored"])
            .env(CRASH_AT, at.to_string())
            .env(DIR, dir.path())
            .output()
            .unwrap();
        assert!(!output.status.success());
        check(dir.path());
        let end = noted(dir.path()).contains(&"flushed".to_owned());
        assert!(at != STEPS_MAX || end, "the child came as far as the flush");
    }
}

/// A snapshot as its chunks, so that the child's steps are only those of receiving.
type Package = (SnapshotHeader, Vec<SnapshotChunk>);

fn package() -> Package {
    let dir = tempfile::tempdir().unwrap();
    let source = open_in(dir.path());
    source.state.apply((0..40).map(put).collect()).unwrap();
    let built = source.state.build_snapshot().unwrap();
    let mut reader = built.read_from(crate::SnapshotCursor::default()).unwrap();
    let chunks = std::iter::from_fn(|| reader.next_chunk().unwrap()).collect();
    (built.header().clone(), chunks)
}

fn receive_and_install(stores: &Stores, (header, chunks): &Package) {
    let mut writer = stores.state.receive(header.clone()).unwrap();
    let from = writer.cursor();
    for chunk in chunks.iter().filter(|chunk| chunk.at.file >= from.file) {
        writer.write(chunk).unwrap();
    }
    let received = writer.finish().unwrap();
    stores.state.install(&received).unwrap();
}

#[test]
#[ignore = "the child of the test below"]
fn child_of_installing() {
    let Some(dir) = child_dir() else { return };
    let sent = fs::read(dir.join("package")).unwrap();
    let stores = open_in(&dir);
    receive_and_install(&stores, &postcard::from_bytes(&sent).unwrap());
    note(&dir, "installed");
}

#[test]
fn a_crash_while_installing_leaves_the_old_state_or_the_new() {
    let package = package();
    let sent = postcard::to_allocvec(&package).unwrap();
    let prepare = |dir: &Path| {
        fs::write(dir.join("package"), &sent).unwrap();
        let stores = open_in(dir);
        stores.state.apply((0..5).map(put).collect()).unwrap();
    };
    let check = |dir: &Path| {
        let stores = open_in(dir);
        let index = stores.state.applied().position.index;
        let installed = noted(dir).contains(&"installed".to_owned());
        assert!(index == 39 || (index == 4 && !installed), "at {index}");
        stores.state.verify_digest().unwrap();
        let generations = fs::read_dir(dir.join("data/state")).unwrap();
        let generations = generations.filter(|entry| entry.as_ref().unwrap().path().is_dir());
        assert_eq!(generations.count(), 1, "the other one is gone");
        receive_and_install(&stores, &package);
        assert_eq!(stores.state.applied().position.index, 39);
        stores.state.verify_digest().unwrap();
    };
    let steps = crash_everywhere("crash::child_of_installing", prepare, check);
    assert!(
        steps > 20,
        "only {steps} steps: the crash points are not reached"
    );
}
