//! Which runs are made up.

use crate::cluster::Plan;
use crate::verdicts;
use holdfast_report::{Broken, LeftOut, Level, Run, Summary, Sweep};

pub(crate) fn samples() -> Vec<Run> {
    let plan = |scenario, nodes, seconds, faults, clients| Plan {
        scenario,
        nodes,
        seconds,
        faults,
        clients,
        seed: 42,
        level: Level::Proc,
        violation: false,
    };
    let mut runs = vec![
        plan("leader-kill", 3, 60, 6, 6).run(),
        Plan {
            violation: true,
            seed: 7,
            ..plan("pause-and-read", 5, 45, 4, 6)
        }
        .run(),
        Plan {
            seed: 3,
            level: Level::Sim,
            ..plan("partition-mix", 7, 120, 14, 8)
        }
        .run(),
        Plan {
            seed: 60,
            ..plan("storm", 5, 600, 60, 6)
        }
        .run(),
        Plan {
            seed: 1,
            ..plan("one-kill", 3, 12, 1, 3)
        }
        .run(),
        Plan {
            seed: 5,
            ..plan("heavy", 3, 300, 12, 60)
        }
        .run(),
    ];
    let mut empty = plan("empty", 3, 0, 0, 0).run();
    empty.verdicts.clear();
    runs.push(empty);
    runs
}

/// These runs as a sweep, with one that could not be done and one that was not tried.
pub(crate) fn sweep(runs: &[Run]) -> Sweep {
    Sweep {
        title: "Sweep of made-up runs".to_owned(),
        runs: runs.iter().map(Summary::of).collect(),
        broken: vec![Broken {
            scenario: "clock-jump".to_owned(),
            seed: 4,
            level: Level::Proc,
            error: "node 2 to answer: it ended: exit code 1".to_owned(),
            reproduce: "holdfast-chaos run clock-jump --seed 4".to_owned(),
        }],
        left_out: vec![LeftOut {
            scenario: "hung-disk".to_owned(),
            level: Level::Proc,
            reason: "hung-disk does not work here: /dev/loop-control is missing".to_owned(),
        }],
        mutants: verdicts::mutants(),
        unfinished: None,
    }
}
