//! The simulated disk: what it keeps and loses, its faults, and that the store on it notices.

#[cfg(test)]
mod support;

use holdfast_machine::{SystemKey, View as _};
use holdfast_store::memory::{DiskOp, Lies};
use holdfast_store::{OpenError, Options, VerifyError};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::simulated::{Simulated, append_later, counted};
use support::subject::run;
use support::{entry, options, put};

#[test]
fn an_honest_disk_keeps_what_it_acknowledged() {
    for seed in 0..150 {
        run(seed, |_| {}).unwrap_or_else(|why| panic!("seed {seed}: {why}"));
    }
}

#[test]
fn the_same_seed_writes_the_same_bytes() {
    let written = |seed| {
        let bytes: Arc<Mutex<Vec<u8>>> = Arc::default();
        let notes = Arc::clone(&bytes);
        let tap = move |piece: &[u8]| notes.lock().unwrap().extend_from_slice(piece);
        run(seed, |simulated| simulated.disk.set_tap(tap.clone())).unwrap();
        blake3::hash(&bytes.lock().unwrap())
    };
    assert_eq!(written(3), written(3));
    assert_ne!(written(3), written(4));
}

#[test]
fn a_lying_log_is_noticed() {
    let simulated = Simulated::new(1);
    let lies = Lies {
        log: true,
        watermark: false,
    };
    simulated.disk.lie(lies);
    let stores = simulated.open();
    let answers = append_later(&stores.log, vec![entry(0, 9)]);
    simulated.settle();
    assert_eq!(answers.try_recv(), Ok(Ok(())), "the lie is believed");
    assert!(simulated.disk.durable_log().entries.is_empty());
    simulated.disk.crash(0);
    let why = simulated.open().quarantine.expect("the watermark knows");
    assert!(why.to_string().contains("with entries up to 0"), "{why}");
}

#[test]
fn a_disk_that_lies_about_everything_loses_what_it_acknowledged() {
    let lies = Lies {
        log: true,
        watermark: true,
    };
    let lost = (0..20).filter(|seed| run(*seed, |simulated| simulated.disk.lie(lies)).is_err());
    assert!(lost.count() > 10, "the checks above can fail");
}

#[test]
fn a_disk_that_went_back_in_time_is_noticed_only_by_others() {
    let simulated = Simulated::new(1);
    let stores = simulated.open();
    let _answers = append_later(&stores.log, vec![entry(0, 9)]);
    simulated.settle();
    let image = simulated.disk.image();
    let _answers = append_later(&stores.log, vec![entry(1, 9)]);
    simulated.settle();
    let promised = stores.log.batches().promised;
    simulated.disk.restore(&image);
    let stores = simulated.open();
    let found = stores.log.batches().found;
    assert!(
        found < promised,
        "whoever was told {promised} can tell: {found}"
    );
    assert_eq!(
        (stores.log.bounds().last, stores.quarantine),
        (Some(0), None)
    );
}

#[test]
fn a_life_that_is_over_changes_nothing_and_answers_nobody() {
    let simulated = Simulated::new(1);
    simulated.disk.set_latency(|_| Duration::from_millis(2));
    let old = simulated.open();
    assert!(matches!(
        simulated.open_with(&options()),
        Err(OpenError::InUse)
    ));
    let answers = append_later(&old.log, vec![entry(0, 9)]);
    simulated.pass(Duration::from_millis(3));
    simulated.disk.crash(0);
    let late = append_later(&old.log, vec![entry(1, 9)]);
    old.state.apply(vec![put(1, b"ghost")]).unwrap();
    let new = simulated.open();
    simulated.settle();
    assert_eq!(
        new.log.bounds().last,
        Some(0),
        "written and not yet answered"
    );
    old.log.close();
    assert!(answers.try_recv().is_err() && late.try_recv().is_err());
    assert_eq!(new.state.applied().log_id, None);
    drop(old);
    let found = simulated.disk.durable_log().entries;
    assert_eq!(found, [entry(0, 9)]);
}

#[test]
fn closing_writes_at_once_and_frees_the_directory() {
    let simulated = Simulated::new(1);
    simulated.disk.set_latency(|_| Duration::from_secs(1));
    let stores = simulated.open();
    assert!(stores.pristine);
    let first = append_later(&stores.log, vec![entry(0, 9)]);
    simulated.pass(Duration::from_millis(10));
    let second = append_later(&stores.log, vec![entry(1, 9)]);
    drop(stores);
    assert_eq!(
        (first.try_recv(), second.try_recv()),
        (Ok(Ok(())), Ok(Ok(())))
    );
    let stores = simulated.open();
    assert_eq!(
        (stores.log.bounds().last, stores.pristine),
        (Some(1), false)
    );
}

#[test]
fn operations_take_their_time_and_wait_together() {
    let simulated = Simulated::new(1);
    let seen: Arc<Mutex<Vec<DiskOp>>> = Arc::default();
    let notes = Arc::clone(&seen);
    simulated.disk.set_latency(move |op| {
        notes.lock().unwrap().push(op);
        Duration::from_millis(10)
    });
    let stores = simulated.open();
    let answers: Vec<_> = (0..5)
        .map(|i| append_later(&stores.log, vec![entry(i, 9)]))
        .collect();
    simulated.pass(Duration::from_millis(19));
    assert!(answers[0].try_recv().is_err());
    simulated.pass(Duration::from_millis(2));
    assert!(answers.iter().all(|answer| answer.try_recv().is_ok()));
    assert_eq!(
        *seen.lock().unwrap(),
        [DiskOp::Sync { ops: 5 }, DiskOp::Promise]
    );
    assert_eq!(stores.log.sync_timings().longest_us, 20_000);
}

#[test]
fn a_full_queue_refuses_instead_of_blocking_the_clock() {
    let simulated = Simulated::new(1);
    let small = Options {
        log_queue_bytes: 100,
        ..options()
    };
    let stores = simulated.open_with(&small).unwrap();
    let first = append_later(&stores.log, vec![entry(0, 200)]);
    assert!(stores.log.save_committed(None).is_err());
    simulated.settle();
    assert_eq!(first.try_recv(), Ok(Ok(())));
    stores.log.save_committed(None).unwrap();
    stores.log.health().unwrap();
}

#[test]
fn a_failed_write_stops_the_store_and_its_fate_is_unknown() {
    let mut fates = Vec::new();
    for choice in 0..16 {
        let simulated = Simulated::new(1);
        let (stores, told) = counted(&simulated);
        simulated.disk.fail_write(0);
        let failed = append_later(&stores.log, vec![entry(0, 9)]);
        simulated.settle();
        assert!(failed.try_recv().unwrap().is_err());
        assert!(stores.state.apply(vec![put(1, b"x")]).is_err());
        assert_eq!(told.load(Ordering::SeqCst), 1);
        simulated.disk.crash(choice);
        let stores = simulated.open();
        assert_eq!(stores.quarantine, None);
        fates.push(stores.log.bounds().last);
    }
    assert!(
        fates.contains(&None) && fates.contains(&Some(0)),
        "{fates:?}"
    );
}

#[test]
fn a_failure_that_is_taken_back_does_not_come() {
    let simulated = Simulated::new(1);
    let (stores, told) = counted(&simulated);
    simulated.disk.fail_write(0);
    simulated.disk.fail_no_write();
    let appended = append_later(&stores.log, vec![entry(0, 9)]);
    simulated.settle();
    assert!(appended.try_recv().unwrap().is_ok());
    assert_eq!(told.load(Ordering::SeqCst), 0);
    let within = |indexes| simulated.disk.durable_log_within(indexes).entries.len();
    assert_eq!((within(0..1), within(1..9)), (1, 0));
}

#[test]
fn a_full_disk_stops_the_store_until_it_is_reopened_with_room() {
    let simulated = Simulated::new(1);
    let (stores, told) = counted(&simulated);
    simulated.disk.set_full(true);
    let refused = append_later(&stores.log, vec![entry(0, 9)]);
    simulated.settle();
    let fault = refused.try_recv().unwrap().unwrap_err().to_string();
    assert!(fault.contains("no storage space"), "{fault}");
    simulated.disk.set_full(false);
    assert!(stores.log.health().is_err(), "crash only");
    assert_eq!(told.load(Ordering::SeqCst), 1);
    simulated.disk.kill(0);
    let stores = simulated.open();
    let kept = append_later(
        &stores.log,
        vec![(stores.log.bounds().last.map_or(0, |i| i + 1), "x".into())],
    );
    simulated.settle();
    assert_eq!(kept.try_recv(), Ok(Ok(())));
}

#[test]
fn damage_is_found_where_it_is_read() {
    let simulated = Simulated::new(1);
    let (stores, told) = counted(&simulated);
    let _answers = append_later(&stores.log, (0..3).map(|i| entry(i, 9)).collect());
    let rows = (1..4).map(|i| put(i, b"row")).collect();
    stores.state.apply(rows).unwrap();
    simulated.settle();
    let key = SystemKey::Node(2).to_bytes();
    let stored = simulated.disk.state_rows();
    let (_, genuine) = stored.iter().find(|(other, _)| *other == key).unwrap();
    simulated
        .disk
        .forge_row(&key, Some(b"\0\0\0\0\0\0\0\x02forged"));
    assert!(matches!(
        stores.state.verify_digest(),
        Err(VerifyError::Mismatch(_))
    ));
    simulated.disk.forge_row(&key, Some(genuine));
    stores.state.verify_digest().unwrap();
    assert!(simulated.disk.flip_log_entry(1) && !simulated.disk.flip_log_entry(7));
    assert_eq!(stores.log.read(0, 1, 99).unwrap().len(), 1);
    assert!(stores.log.read(0, 3, 99).is_err());
    assert_eq!(told.load(Ordering::SeqCst), 1);
    let scan = || stores.state.view().scan(&SystemKey::nodes_prefix(), &[], 9);
    assert_eq!(scan().unwrap().len(), 3);
    assert!(simulated.disk.damage_row(&key));
    assert!(stores.state.view().get(&key).is_err());
    assert!(scan().is_err());
}

#[test]
fn a_decayed_watermark_is_noticed() {
    let simulated = Simulated::new(1);
    let stores = simulated.open();
    let _answers = append_later(&stores.log, vec![entry(0, 9)]);
    drop(stores);
    assert!(simulated.disk.flip_watermark());
    let why = simulated.open().quarantine.expect("no promise can be read");
    assert!(why.to_string().contains("watermark"), "{why}");
}

#[test]
fn what_is_written_is_shown_once_and_found_afterwards() {
    let simulated = Simulated::new(1);
    let seen: Arc<Mutex<Vec<u8>>> = Arc::default();
    let notes = Arc::clone(&seen);
    simulated
        .disk
        .set_tap(move |piece| notes.lock().unwrap().extend_from_slice(piece));
    let stores = simulated.open();
    let _answers = append_later(&stores.log, vec![(0, "a canary in the log".into())]);
    stores
        .state
        .apply(vec![put(1, b"a canary in the state")])
        .unwrap();
    stores.state.build_snapshot().unwrap();
    simulated.settle();
    let mut lies = Vec::new();
    simulated
        .disk
        .visit_bytes(|piece| lies.extend_from_slice(piece));
    for canary in [&b"a canary in the log"[..], b"a canary in the state"] {
        for place in [&*seen.lock().unwrap(), &lies] {
            assert!(place.windows(canary.len()).any(|bytes| bytes == canary));
        }
    }
}

/// Seeded bugs: the tests above must fail while one lives.
#[cfg(feature = "mutants")]
#[cfg(test)]
mod mutants {
    use holdfast_mutant::Mutant;
    use std::process::Command;

    fn passes(test: &str, mutant: Option<Mutant>) -> bool {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args([test, "--exact"]);
        if let Some(mutant) = mutant {
            child.env("HOLDFAST_MUTANT", mutant.name());
        }
        child.output().unwrap().status.success()
    }

    #[test]
    fn each_is_killed() {
        for (mutant, test) in [
            (
                Mutant::AckBeforeSync,
                "an_honest_disk_keeps_what_it_acknowledged",
            ),
            (Mutant::WatermarkIgnored, "a_lying_log_is_noticed"),
        ] {
            assert!(passes(test, None), "{test} passes without mutants");
            assert!(!passes(test, Some(mutant)), "{} lives", mutant.name());
        }
    }
}
