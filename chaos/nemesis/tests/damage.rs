//! Flipped bits: in the file that is meant, where they are said to be, and the same for the same seed.
#![expect(clippy::unwrap_used, reason = "a surprise fails the test")]

mod support;

use holdfast_nemesis::{DamageFile, DataFile, Nemesis, NemesisError, Target};
use std::fs;
use std::path::Path;
use support::Lab;

const FILES: [&str; 7] = [
    "log/000007.log",
    "log/000005.sst",
    "log/MANIFEST-000004",
    "state/3/000009.sst",
    "state/3/MANIFEST-000002",
    "state/current",
    "watermark",
];

/// A data directory as a stopped node leaves it. The log ends in room that was only set aside.
fn data(lab: &Lab) -> Target {
    let dir = lab.fresh();
    for file in FILES {
        let path = dir.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let room = if file.ends_with(".log") { 100_000 } else { 0 };
        fs::write(path, [vec![0xa5; 1000], vec![0; room]].concat()).unwrap();
    }
    fs::write(dir.join("log/000008.log"), "").unwrap();
    lab.grounds.target(1, None, &dir).unwrap()
}

/// Which files changed, by how many bits, the last of them where.
fn changed(dir: &Path) -> Vec<(&'static str, u32, usize)> {
    let mut found = Vec::new();
    for file in FILES {
        let bytes = fs::read(dir.join(file)).unwrap();
        let expected = |place| if place < 1000 { 0xa5 } else { 0 };
        let flipped = |(place, byte): (usize, &u8)| (byte ^ expected(place)).count_ones();
        let bits = bytes.iter().enumerate().map(flipped).sum();
        let last = bytes.iter().enumerate().rposition(|it| flipped(it) > 0);
        if let Some(last) = last {
            found.push((file, bits, last));
        }
    }
    found
}

#[test]
fn every_kind_of_file_is_found_and_damaged() {
    let lab = Lab::new();
    let kinds: [(DataFile, &[&str]); 5] = [
        (DataFile::Log, &["log/000007.log"]),
        (DataFile::Table, &["log/000005.sst", "state/3/000009.sst"]),
        (DataFile::LogManifest, &["log/MANIFEST-000004"]),
        (DataFile::StateManifest, &["state/3/MANIFEST-000002"]),
        (DataFile::Watermark, &["watermark"]),
    ];
    for (kind, names) in kinds {
        for (bits, seed) in [(1, 1), (1, 2), (40, 3)] {
            let target = data(&lab);
            let mut damage = DamageFile::new(kind, bits, seed).unwrap();
            damage.install(std::slice::from_ref(&target)).unwrap();
            let seen = damage.verify().unwrap();
            let [(file, count, last)] = changed(target.data_dir())[..] else {
                panic!("{kind:?}: {:?}", changed(target.data_dir()));
            };
            assert!(names.contains(&file), "{file}");
            assert_eq!(u64::from(count), bits);
            assert!(last < 1000, "only where something was written");
            assert!(seen.bites && seen.text.contains(file), "{}", seen.text);
            damage.heal().unwrap();
            assert_eq!(changed(target.data_dir()).len(), 1, "damage stays");
        }
    }
}

#[test]
fn a_seed_decides() {
    let lab = Lab::new();
    let places = |seed| {
        let target = data(&lab);
        let mut damage = DamageFile::new(DataFile::Table, 3, seed).unwrap();
        damage.install(std::slice::from_ref(&target)).unwrap();
        damage.verify().unwrap().text
    };
    assert_eq!(places(5), places(5));
    assert_ne!(places(5), places(6));
}

#[test]
fn a_running_node_and_an_empty_one_are_refused() {
    let lab = Lab::new();
    let mut damage = DamageFile::new(DataFile::Log, 1, 1).unwrap();
    let (_worker, running) = lab.run("exec sleep 60");
    assert!(matches!(
        damage.install(&[running]),
        Err(NemesisError::StillRuns { .. })
    ));
    let empty = lab.grounds.target(1, None, &lab.fresh()).unwrap();
    assert!(matches!(
        damage.install(&[empty]),
        Err(NemesisError::Lacks { .. })
    ));
    assert!(DamageFile::new(DataFile::Log, 0, 1).is_err());
}
