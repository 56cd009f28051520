//! The state through its door: batches, views, scans, the digest, damage.

#[cfg(test)]
mod support;

use holdfast_machine::{Outcome, Row, Space, SystemKey, View as _};
use holdfast_store::{OpenError, Payload, VerifyError, open};
use std::fs;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use support::{append, applied, entry, open_at, options, put, tables_of};

#[test]
fn rows_position_and_membership_move_together() {
    let dir = tempfile::tempdir().unwrap();
    let stores = open_at(dir.path());
    let state = &stores.state;
    assert_eq!(state.applied(), holdfast_store::Applied::default());
    let outcomes = state
        .apply(vec![
            applied(0, Payload::Membership("m0".into())),
            put(1, b"one"),
            applied(2, Payload::Blank),
            put(3, b"three"),
        ])
        .unwrap();
    assert_eq!(
        outcomes,
        [
            None,
            Some(Outcome::Applied { index: 1 }),
            None,
            Some(Outcome::Applied { index: 3 })
        ]
    );
    let before = state.view();
    state.apply(vec![put(4, b"four")]).unwrap();
    let after = state.view();
    let key = SystemKey::Node(4).to_bytes();
    assert_eq!(
        (before.position().index, before.position().time_ms),
        (3, 1003)
    );
    assert_eq!(before.get(&key).unwrap(), None);
    assert_eq!(after.position().index, 4);
    let row = Row {
        written_at: 4,
        value: b"four".to_vec(),
    };
    assert_eq!(after.get(&key).unwrap(), Some(row));
    let digest = state.verify_digest().unwrap();
    assert_eq!(digest, state.digest());
    drop((before, after, stores));

    let stores = open_at(dir.path());
    let applied = stores.state.applied();
    assert_eq!(applied.log_id.unwrap(), "log id 4");
    assert_eq!(applied.membership.unwrap(), "m0");
    assert_eq!(stores.state.verify_digest().unwrap(), digest);
    let refused = stores.state.apply(vec![put(6, b"a gap")]);
    assert!(refused.is_err());
}

#[test]
fn scans_are_bounded_by_prefix_start_and_count() {
    let dir = tempfile::tempdir().unwrap();
    let stores = open_at(dir.path());
    stores
        .state
        .apply((0..10).map(|i| put(i + 1, b"x")).collect())
        .unwrap();
    let view = stores.state.view();
    let prefix = SystemKey::nodes_prefix();
    let keys = |from: &[u8], limit| -> Vec<u8> {
        let found = view.scan(&prefix, from, limit).unwrap();
        let alone = view.scan_keys(&prefix, from, limit).unwrap();
        assert!(found.iter().map(|(key, _)| key).eq(&alone));
        found.iter().map(|(key, _)| *key.last().unwrap()).collect()
    };
    assert_eq!(keys(&[], 99), (1..=10).collect::<Vec<_>>());
    assert_eq!(keys(&SystemKey::Node(8).to_bytes(), 99), [8, 9, 10]);
    assert_eq!(keys(&SystemKey::Node(3).to_bytes(), 2), [3, 4]);
    assert_eq!(keys(&[], 0), []);
    assert!(
        view.scan(&[Space::Record as u8], &[], 9)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn a_damaged_table_is_an_error_and_not_a_short_scan() {
    let dir = tempfile::tempdir().unwrap();
    let stores = open_at(dir.path());
    let rows: Vec<_> = (1..=3000).map(|i| put(i, &[b'v'; 100])).collect();
    stores.state.apply(rows).unwrap();
    drop(stores);
    let table = tables_of(&dir.path().join("state/1")).pop().unwrap();
    let file = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(table)
        .unwrap();
    let middle = file.metadata().unwrap().len() / 2;
    let mut byte = [0];
    file.read_exact_at(&mut byte, middle).unwrap();
    file.write_all_at(&[byte[0] ^ 4], middle).unwrap();
    match open(dir.path(), &options()) {
        Ok(stores) => {
            let scan = stores.state.view().scan(&[], &[], 100_000);
            assert!(scan.is_err(), "{} rows", scan.unwrap().len());
            let fault = stores.state.apply(vec![put(3001, b"x")]);
            assert!(fault.is_err(), "corruption stops the store");
        }
        Err(error) => assert!(matches!(error, OpenError::Corrupt(_)), "{error}"),
    }
}

#[test]
fn an_edited_row_breaks_the_digest() {
    let dir = tempfile::tempdir().unwrap();
    let stores = open_at(dir.path());
    stores
        .state
        .apply(vec![put(1, b"genuine"), put(2, b"other")])
        .unwrap();
    drop(stores);
    let raw = rocksdb::DB::open_default(dir.path().join("state/1")).unwrap();
    let mut row = 1u64.to_be_bytes().to_vec();
    row.extend_from_slice(b"forged!");
    raw.put(SystemKey::Node(1).to_bytes(), row).unwrap();
    drop(raw);
    let stores = open_at(dir.path());
    match stores.state.verify_digest() {
        Err(VerifyError::Mismatch(mismatch)) => assert_eq!(mismatch.index, 2),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_state_behind_the_purged_log_is_quarantined() {
    let dir = tempfile::tempdir().unwrap();
    let stores = open_at(dir.path());
    append(&stores.log, (0..10).map(|i| entry(i, 1)).collect()).unwrap();
    stores
        .state
        .apply((1..5).map(|i| put(i, b"x")).collect())
        .unwrap();
    stores.log.purge(support::purged(4)).unwrap();
    drop(stores);
    assert_eq!(open_at(dir.path()).quarantine, None);
    let stores = open_at(dir.path());
    stores.log.purge(support::purged(5)).unwrap();
    drop(stores);
    let why = open_at(dir.path()).quarantine.unwrap().to_string();
    assert!(why.contains("the state ends at entry 4"), "{why}");
}

#[test]
fn a_directory_open_to_others_is_refused() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("data");
    drop(open_at(&dir));
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    for (name, private, open_to_others) in [
        ("", 0o700, 0o755),
        ("log", 0o700, 0o710),
        ("state", 0o700, 0o701),
        ("store-id", 0o600, 0o644),
        ("watermark", 0o600, 0o620),
    ] {
        let path = dir.join(name);
        assert_eq!(mode(&path), private, "{name}");
        fs::set_permissions(&path, fs::Permissions::from_mode(open_to_others)).unwrap();
        match open(&dir, &options()) {
            Err(OpenError::Permissions { remedy, .. }) => {
                assert!(remedy.starts_with("chmod "), "{remedy}");
                let status = std::process::Command::new("sh")
                    .args(["-c", &remedy])
                    .status();
                assert!(status.unwrap().success());
            }
            Err(other) => panic!("{name}: {other}"),
            Ok(_) => panic!("{name} is open to others and was accepted"),
        }
        drop(open_at(&dir));
    }
}

#[test]
fn foreign_and_busy_directories_are_refused() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("data");
    let stores = open_at(&dir);
    assert!(matches!(open(&dir, &options()), Err(OpenError::InUse)));
    append(&stores.log, vec![entry(0, 1)]).unwrap();
    drop(stores);
    let id = dir.join("store-id");
    let ours = fs::read(&id).unwrap();
    fs::write(&id, "holdfast data directory, format 2\nx\n").unwrap();
    assert!(matches!(open(&dir, &options()), Err(OpenError::Foreign(_))));
    fs::remove_file(&id).unwrap();
    assert!(
        matches!(open(&dir, &options()), Err(OpenError::Foreign(_))),
        "a used directory does not become a new one by losing its identity"
    );
    fs::write(&id, ours).unwrap();
    fs::set_permissions(&id, fs::Permissions::from_mode(0o600)).unwrap();
    drop(open_at(&dir));
    let other = parent.path().join("home");
    fs::create_dir(&other).unwrap();
    fs::set_permissions(&other, fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(other.join("letter.txt"), "dear").unwrap();
    assert!(matches!(
        open(&other, &options()),
        Err(OpenError::Foreign(_))
    ));
}
