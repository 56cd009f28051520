//! The doctor tells what works here, soon, and leaves nothing.

use holdfast_nemesis::doctor;
use std::time::{Duration, Instant};

#[test]
#[expect(clippy::print_stderr, reason = "what a machine can do is worth a look")]
fn tells_what_works_within_ten_seconds() {
    let started = Instant::now();
    let abilities = doctor();
    let took = started.elapsed();
    for ability in &abilities {
        let works = if ability.works { "works" } else { "FAILS" };
        eprintln!(
            "{works} {:16} {} [{}]",
            ability.name, ability.why, ability.needs
        );
    }
    assert!(took < Duration::from_secs(10), "{took:?}");
    for always in [
        "kill",
        "pause",
        "memory-pressure",
        "fd-exhaustion",
        "wiped-disk",
        "bit-flip",
        "clock-jump",
    ] {
        let ability = abilities.iter().find(|it| it.name == always).unwrap();
        assert!(ability.works, "{ability:?}");
    }
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    assert!(!mounts.contains("holdfast-doctor-"), "{mounts}");
}
