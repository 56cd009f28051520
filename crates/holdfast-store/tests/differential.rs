//! The same random life on RocksDB and on the disk in memory: after every step everything observable is equal.
//!
//! Of a kill both keep what was handed to the operating system, and nothing of the state that was not flushed; the process
//! on RocksDB is killed by going on with a copy of its files.

#[cfg(test)]
mod support;

use support::random::Random;
use support::script::{Action, Script};
use support::world::World;

const STEPS: u64 = 70;

/// How many seeds are tried, when told so.
const SEEDS: &str = "HOLDFAST_TEST_SEEDS";

/// Both worlds do the same and are compared; whether they may go on.
fn step(worlds: &mut [World; 2], script: &mut Script, action: &Action, place: &str) -> bool {
    let told = worlds.each_mut().map(|world| world.perform(action, script));
    assert_eq!(told[0], told[1], "{place}: {action:?}");
    let looks = place.bytes().fold(0u64, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(byte.into())
    });
    let seen = worlds
        .each_ref()
        .map(|world| world.observe(&mut Random(looks)));
    assert_eq!(seen[0], seen[1], "{place}: {action:?}");
    !worlds[0].is_quarantined()
}

#[test]
fn both_disks_live_the_same_life() {
    let seeds = std::env::var(SEEDS).map_or(6, |seeds| seeds.parse().unwrap());
    for seed in 0..seeds {
        let mut script = Script::new(seed);
        let mut worlds = [World::local(), World::memory()];
        let alive = (0..STEPS).all(|number| {
            let action = script.action(&worlds[1].standing());
            let place = format!("seed {seed}, step {number}");
            step(&mut worlds, &mut script, &action, &place)
        });
        if alive {
            let place = format!("seed {seed}, the end");
            let ruin = Script::ruin(&worlds[1].standing());
            let goes_on = ruin.map(|action| step(&mut worlds, &mut script, &action, &place));
            assert_eq!(goes_on, [true, true, false], "{place}");
        }
    }
}
