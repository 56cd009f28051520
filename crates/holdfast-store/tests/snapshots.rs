//! Snapshots from one store to another: whole, interrupted, damaged, and with views that outlive them.

#[cfg(test)]
mod support;

use holdfast_machine::{SystemKey, View as _};
use holdfast_store::{ReceiveError, SnapshotCursor};
use support::{filled, names, open_at, put, send};

#[test]
fn the_state_moves_whole_and_old_views_stay() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let source = filled(here.path());
    let target = open_at(there.path());
    target.state.apply(vec![put(1, b"to be replaced")]).unwrap();
    let old = target.state.view();
    let built = source.state.build_snapshot().unwrap();
    assert_eq!(
        source.state.current_snapshot().unwrap().header(),
        built.header()
    );
    assert_eq!(built.log_id().unwrap(), "log id 64");
    source
        .state
        .apply(vec![put(65, b"after the snapshot")])
        .unwrap();

    let received = send(&built, &target.state);
    target.state.install(&received).unwrap();
    let new = target.state.view();
    let key = SystemKey::Node(64).to_bytes();
    assert_eq!(new.position().index, 64);
    assert_eq!(
        new.get(&key).unwrap(),
        source.state.view().get(&key).unwrap()
    );
    assert_eq!(new.get(&SystemKey::Node(65).to_bytes()).unwrap(), None);
    assert_eq!(target.state.applied().membership.unwrap(), "m0");
    target.state.verify_digest().unwrap();
    assert_eq!(
        target.state.current_snapshot().unwrap().header(),
        built.header()
    );
    let first = SystemKey::Node(1).to_bytes();
    assert_eq!(old.get(&first).unwrap().unwrap().value, b"to be replaced");
    let root = there.path().join("state");
    assert_eq!(
        names(&root),
        ["1", "2", "current"],
        "a view holds the old state"
    );
    drop(old);
    assert_eq!(names(&root), ["2", "current"]);
    target.state.apply(vec![put(65, b"goes on")]).unwrap();

    drop((received, new, target));
    let target = open_at(there.path());
    assert_eq!(target.state.applied().position.index, 65);
    target.state.verify_digest().unwrap();
    assert!(names(&there.path().join("snapshots")).is_empty());
}

#[test]
fn a_snapshots_files_go_with_its_last_handle() {
    let dir = tempfile::tempdir().unwrap();
    let stores = open_at(dir.path());
    stores.state.apply(vec![put(1, b"x")]).unwrap();
    let first = stores.state.build_snapshot().unwrap();
    stores.state.apply(vec![put(2, b"x")]).unwrap();
    let _second = stores.state.build_snapshot().unwrap();
    let shelf = dir.path().join("snapshots");
    assert_eq!(names(&shelf).len(), 2);
    drop(first);
    assert_eq!(names(&shelf).len(), 1);
}

#[test]
fn an_empty_state_has_a_snapshot_too() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (source, target) = (open_at(here.path()), open_at(there.path()));
    let built = source.state.build_snapshot().unwrap();
    assert_eq!(built.log_id(), None);
    target.state.install(&send(&built, &target.state)).unwrap();
    assert_eq!(target.state.applied(), source.state.applied());
}

#[test]
fn an_interrupted_transfer_goes_on_after_a_restart() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let source = filled(here.path());
    let built = source.state.build_snapshot().unwrap();
    let mut reader = built.read_from(SnapshotCursor::default()).unwrap();
    let mut sent = 0;
    let mut at = SnapshotCursor::default();
    for _restart in 0..20 {
        let target = open_at(there.path());
        let mut writer = target.state.receive(built.header().clone()).unwrap();
        assert_eq!(
            writer.cursor(),
            at,
            "nothing that arrived is asked for again"
        );
        let busy = target.state.receive(built.header().clone());
        assert!(matches!(busy, Err(ReceiveError::Busy)));
        if let Some(chunk) = reader.next_chunk().unwrap() {
            writer.write(&chunk).unwrap();
            assert!(matches!(
                writer.write(&chunk),
                Err(ReceiveError::OutOfOrder)
            ));
            sent += 1;
            at = writer.cursor();
            reader = built.read_from(at).unwrap();
            continue;
        }
        let received = writer.finish().unwrap();
        target.state.install(&received).unwrap();
        target.state.verify_digest().unwrap();
        assert!(
            sent > built.header().files.len(),
            "{sent} chunks: a file takes several"
        );
        return;
    }
    panic!("not finished after {sent} chunks at {at:?}");
}

#[test]
fn a_damaged_file_is_received_again() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let source = filled(here.path());
    let target = open_at(there.path());
    let built = source.state.build_snapshot().unwrap();
    let mut writer = target.state.receive(built.header().clone()).unwrap();
    let mut reader = built.read_from(SnapshotCursor::default()).unwrap();
    let mut damaged = false;
    while let Some(mut chunk) = reader.next_chunk().unwrap() {
        let damages = !damaged && chunk.file_hash.is_some() && chunk.at.offset > 0;
        if damages {
            chunk.bytes[0] ^= 1;
            assert_eq!(writer.write(&chunk), Err(ReceiveError::Damaged));
            assert_eq!(
                writer.cursor(),
                SnapshotCursor {
                    offset: 0,
                    ..chunk.at
                }
            );
            reader = built.read_from(writer.cursor()).unwrap();
            damaged = true;
        } else {
            writer.write(&chunk).unwrap();
        }
    }
    assert!(damaged);
    target.state.install(&writer.finish().unwrap()).unwrap();
    target.state.verify_digest().unwrap();
}

#[test]
fn unfinished_and_ill_named_snapshots_are_refused() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let source = filled(here.path());
    let target = open_at(there.path());
    let built = source.state.build_snapshot().unwrap();
    let writer = target.state.receive(built.header().clone()).unwrap();
    assert!(matches!(writer.finish(), Err(ReceiveError::Incomplete)));
    for name in [
        "../../etc/passwd",
        "a/b",
        ".hidden",
        "",
        "x.part",
        "ünïcode",
    ] {
        let mut header = built.header().clone();
        header.files[0].name = name.to_owned();
        let refused = target.state.receive(header);
        assert!(matches!(refused, Err(ReceiveError::Header)), "{name}");
    }
    let mut twice = built.header().clone();
    let first = twice.files[0].clone();
    twice.files[1] = first;
    assert!(matches!(
        target.state.receive(twice),
        Err(ReceiveError::Header)
    ));
}

#[test]
fn what_is_not_its_header_or_goes_back_is_not_installed() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let source = open_at(here.path());
    let target = open_at(there.path());
    source.state.apply(vec![put(1, b"x")]).unwrap();
    target.state.apply(vec![put(1, b"x")]).unwrap();
    let built = source.state.build_snapshot().unwrap();
    let mut header = built.header().clone();
    header.summary[0] ^= 1;
    let mut writer = target.state.receive(header).unwrap();
    let mut reader = built.read_from(SnapshotCursor::default()).unwrap();
    while let Some(chunk) = reader.next_chunk().unwrap() {
        writer.write(&chunk).unwrap();
    }
    let lie = writer.finish().unwrap();
    assert!(target.state.install(&lie).is_err());
    let genuine = send(&built, &target.state);
    target.state.apply(vec![put(2, b"newer")]).unwrap();
    assert!(
        target.state.install(&genuine).is_err(),
        "the state never goes back"
    );
    assert_eq!(target.state.applied().position.index, 2);
    target.state.apply(vec![put(3, b"and it goes on")]).unwrap();
    target.state.verify_digest().unwrap();
    drop((lie, genuine));
    assert_eq!(names(&there.path().join("state")), ["1", "current"]);
}
