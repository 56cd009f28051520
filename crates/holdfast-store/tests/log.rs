//! The log through its door: order, durability, truncation, purge, space, faults.

#[cfg(test)]
mod support;

use holdfast_store::{LogBounds, OpenError, Options, Purged, open};
use std::fs;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use support::{append, entry, open_at, options, purged, size_of, vote, wal_of};

fn indexes(found: &[(u64, bytes::Bytes)]) -> Vec<u64> {
    found.iter().map(|(index, _)| *index).collect()
}

#[test]
fn what_was_acknowledged_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let stores = open_at(dir.path());
    assert!(stores.pristine && stores.quarantine.is_none());
    let id = stores.store_id;
    let log = &stores.log;
    append(log, (0..10).map(|i| entry(i, 100)).collect()).unwrap();
    vote(log, b"vote 7").unwrap();
    log.truncate_after(Some(7)).unwrap();
    append(log, vec![entry(8, 5)]).unwrap();
    log.purge(purged(2)).unwrap();
    log.save_committed(Some("c".into())).unwrap();
    assert!(append(log, vec![entry(10, 5)]).is_err(), "a gap is refused");
    log.close();
    assert!(append(log, vec![entry(9, 5)]).is_err(), "closed");
    drop(stores);

    let stores = open_at(dir.path());
    let log = &stores.log;
    assert!(!stores.pristine);
    assert_eq!(stores.store_id, id);
    assert_eq!(
        log.bounds(),
        LogBounds {
            purged: Some(purged(2)),
            last: Some(8)
        }
    );
    let found = log.read(0, 99, usize::MAX).unwrap();
    assert_eq!(indexes(&found), (3..9).collect::<Vec<_>>());
    assert_eq!(found[5], entry(8, 5));
    assert_eq!(indexes(&log.read(4, 7, 150).unwrap()), [4], "cut by bytes");
    assert_eq!(indexes(&log.read(4, 7, 200).unwrap()), [4, 5]);
    assert_eq!(log.vote().unwrap(), "vote 7");
    assert_eq!(log.committed().unwrap(), "c");
}

#[test]
fn answers_in_order_and_reads_before_durable() {
    let dir = tempfile::tempdir().unwrap();
    let stores = open_at(dir.path());
    let (sender, receiver) = std::sync::mpsc::channel();
    for i in 0..200u64 {
        let sender = sender.clone();
        let done = Box::new(move |result: Result<(), _>| sender.send((i, result)).unwrap());
        stores.log.append(vec![entry(i, 10)], done).unwrap();
        assert_eq!(indexes(&stores.log.read(i, i + 1, 0).unwrap()), [i]);
    }
    let answered: Vec<u64> = receiver.iter().take(200).map(|(i, _)| i).collect();
    assert_eq!(answered, (0..200).collect::<Vec<_>>());
    let timings = stores.log.sync_timings();
    assert!(
        (1..=200).contains(&timings.count) && timings.longest_us > 0,
        "{timings:?}"
    );
    assert_eq!(stores.log.sync_timings().longest_us, 0);
}

#[test]
fn reads_cross_from_disk_to_memory() {
    let dir = tempfile::tempdir().unwrap();
    let small = Options {
        log_tail_bytes: 1000,
        ..options()
    };
    let stores = open(dir.path(), &small).unwrap();
    for i in 0..100 {
        append(&stores.log, vec![entry(i, 100)]).unwrap();
    }
    let found = stores.log.read(5, 100, usize::MAX).unwrap();
    assert_eq!(indexes(&found), (5..100).collect::<Vec<_>>());
    assert!(found.iter().all(|(i, bytes)| *bytes == entry(*i, 100).1));
    assert_eq!(stores.log.read(5, 100, 5000).unwrap().len(), 50);
}

#[test]
fn a_snapshot_ahead_of_the_log_moves_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let stores = open_at(dir.path());
    append(&stores.log, vec![entry(0, 5), entry(1, 5)]).unwrap();
    stores.log.purge(purged(50)).unwrap();
    stores.log.purge(purged(20)).unwrap();
    append(&stores.log, vec![entry(51, 5)]).unwrap();
    let bounds = stores.log.bounds();
    assert_eq!((bounds.last, bounds.purged), (Some(51), Some(purged(50))));
    stores.log.truncate_after(None).unwrap();
    assert_eq!(stores.log.bounds().last, None);
    stores
        .state
        .apply(vec![support::applied(50, holdfast_store::Payload::Blank)])
        .unwrap();
    stores.state.build_snapshot().unwrap();
    drop(stores);
    let stores = open_at(dir.path());
    assert_eq!(stores.quarantine, None);
    let bounds = stores.log.bounds();
    assert_eq!((bounds.last, bounds.purged), (None, Some(purged(50))));
}

#[test]
fn a_log_that_lost_acknowledged_entries_is_quarantined() {
    let dir = tempfile::tempdir().unwrap();
    let stores = open_at(dir.path());
    for i in 0..50 {
        append(&stores.log, vec![entry(i, 100)]).unwrap();
    }
    drop(stores);
    let wal = wal_of(dir.path());
    let file = fs::OpenOptions::new().write(true).open(&wal).unwrap();
    let len = file.metadata().unwrap().len();
    file.set_len(len - 37).unwrap();
    for attempt in 0..2 {
        let stores = open_at(dir.path());
        let why = stores.quarantine.expect("it must not vote").to_string();
        assert!(
            why.contains("up to 49") && why.contains("new node id"),
            "{why}"
        );
        assert!(!stores.pristine);
        let refused = append(&stores.log, vec![entry(49, 1)]).unwrap_err();
        assert!(
            refused.0.contains("must not vote"),
            "attempt {attempt}: {refused}"
        );
        assert!(vote(&stores.log, b"v").is_err());
        assert!(stores.state.apply(Vec::new()).is_err());
        assert_eq!(
            stores.log.read(0, 99, usize::MAX).unwrap().len(),
            49,
            "still readable"
        );
    }
}

#[test]
fn a_lost_vote_is_noticed_too() {
    let dir = tempfile::tempdir().unwrap();
    let stores = open_at(dir.path());
    append(&stores.log, vec![entry(0, 100)]).unwrap();
    vote(&stores.log, b"a vote").unwrap();
    drop(stores);
    let wal = wal_of(dir.path());
    let file = fs::OpenOptions::new().write(true).open(&wal).unwrap();
    file.set_len(file.metadata().unwrap().len() - 3).unwrap();
    assert!(open_at(dir.path()).quarantine.is_some());
}

#[test]
fn a_flipped_bit_in_the_middle_is_never_silent() {
    let dir = tempfile::tempdir().unwrap();
    let stores = open_at(dir.path());
    for i in 0..50 {
        append(&stores.log, vec![entry(i, 100)]).unwrap();
    }
    drop(stores);
    let wal = wal_of(dir.path());
    let file = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(&wal)
        .unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, 3000).unwrap();
    file.write_all_at(&[byte[0] ^ 1], 3000).unwrap();
    match open(dir.path(), &options()) {
        Err(OpenError::Corrupt(_)) => {}
        Ok(stores) => assert!(stores.quarantine.is_some()),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn a_wiped_log_or_watermark_is_quarantined() {
    for lost in ["log", "watermark"] {
        let dir = tempfile::tempdir().unwrap();
        let stores = open_at(dir.path());
        append(&stores.log, vec![entry(0, 100)]).unwrap();
        drop(stores);
        let path = dir.path().join(lost);
        if path.is_dir() {
            fs::remove_dir_all(&path).unwrap();
        } else {
            fs::remove_file(&path).unwrap();
        }
        let stores = open_at(dir.path());
        assert!(stores.quarantine.is_some() && !stores.pristine, "{lost}");
    }
}

#[test]
fn purging_gives_space_back() {
    let dir = tempfile::tempdir().unwrap();
    let small = Options {
        log_write_buffer_bytes: 256 << 10,
        log_tail_bytes: 64 << 10,
        log_reclaim_bytes: 512 << 10,
        ..options()
    };
    let stores = open(dir.path(), &small).unwrap();
    let log = &stores.log;
    let mut random = 1u64;
    let mut noise = move |index: u64| {
        let byte = move || {
            random = random
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            random.to_be_bytes()[0]
        };
        let bytes: Vec<u8> = std::iter::repeat_with(byte).take(8 << 10).collect();
        random = random.wrapping_add(index);
        (index, bytes::Bytes::from(bytes))
    };
    for start in (0..1600).step_by(16) {
        append(log, (start..start + 16).map(&mut noise).collect()).unwrap();
    }
    let place = dir.path().join("log");
    let before = size_of(&place);
    assert!(before > 10 << 20, "12.5 MiB of noise take {before} bytes");
    log.purge(purged(1590)).unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut index = 1600;
    while size_of(&place) > before / 4 {
        assert!(
            Instant::now() < deadline,
            "{} of {before} bytes remain",
            size_of(&place)
        );
        append(log, vec![noise(index)]).unwrap();
        log.purge(purged(index - 5)).unwrap();
        index += 1;
    }
    assert_eq!(log.read(0, index, usize::MAX).unwrap()[0].0, index - 5);
}

#[test]
fn the_first_fault_stops_everything_and_is_told_once() {
    let dir = tempfile::tempdir().unwrap();
    let told = Arc::new(AtomicUsize::new(0));
    let untailed = Options {
        log_tail_bytes: 0,
        ..options()
    };
    let stores = open(dir.path(), &untailed).unwrap();
    for i in 0..20 {
        append(&stores.log, vec![entry(i, 100)]).unwrap();
    }
    drop(stores);
    // Reopening has moved the entries into a table; damage it.
    drop(open(dir.path(), &untailed).unwrap());
    let tables = fs::read_dir(dir.path().join("log")).unwrap();
    let table = tables
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|end| end == "sst"))
        .expect("recovery writes a table");
    let file = fs::OpenOptions::new().write(true).open(table).unwrap();
    file.write_all_at(&[0xff; 8], 100).unwrap();
    let damaged = open(dir.path(), &untailed).map(|stores| {
        let count = || {
            let counter = Arc::clone(&told);
            stores.log.on_fault(Box::new(move |_| {
                counter.fetch_add(1, Ordering::SeqCst);
            }));
        };
        count();
        assert!(stores.log.read(0, 20, usize::MAX).is_err());
        assert!(
            append(&stores.log, vec![entry(20, 1)]).is_err(),
            "nothing is written any more"
        );
        assert!(stores.state.apply(Vec::new()).is_err());
        assert!(stores.log.health().is_err());
        assert_eq!(told.load(Ordering::SeqCst), 1);
        // Who asks late is told at once.
        count();
        told.load(Ordering::SeqCst)
    });
    match damaged {
        Ok(told) => assert_eq!(told, 2),
        Err(error) => assert!(matches!(error, OpenError::Corrupt(_)), "{error}"),
    }
}

#[test]
fn purged_is_the_callers_bytes() {
    let upto = Purged {
        index: 0,
        log_id: bytes::Bytes::new(),
    };
    let dir = tempfile::tempdir().unwrap();
    let stores = open_at(dir.path());
    append(&stores.log, vec![entry(0, 1)]).unwrap();
    stores.log.purge(upto.clone()).unwrap();
    assert_eq!(stores.log.bounds().purged, Some(upto));
}
