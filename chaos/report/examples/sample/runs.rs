//! Which runs are made up.

use crate::cluster::Plan;
use holdfast_report::{Level, Run};

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
    empty.mutants.clear();
    runs.push(empty);
    runs
}
