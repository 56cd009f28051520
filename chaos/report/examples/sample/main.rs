//! Writes sample reports of made-up runs into a directory, to look at the page without a cluster.
//!
//! `cargo run -p holdfast-report --example sample -- DIRECTORY`. The same seeds give the same files.

#![expect(clippy::print_stdout, reason = "a command that says what it wrote")]

mod cluster;
mod verdicts;

use std::path::Path;
use std::{env, fs, io};

use cluster::Plan;
use holdfast_report::{Level, Run, html, html_index, json, json_complete, junit};

fn main() -> io::Result<()> {
    let directory = env::args()
        .nth(1)
        .unwrap_or_else(|| "sample-reports".to_owned());
    let directory = Path::new(&directory);
    fs::create_dir_all(directory)?;
    let runs = samples();
    for run in &runs {
        let page = html(run);
        println!(
            "{:>9} bytes, {:>6} operations: {}.html",
            page.len(),
            run.history.operations.len(),
            run.stem()
        );
        fs::write(directory.join(run.stem() + ".html"), page)?;
        fs::write(directory.join(run.stem() + ".json"), json(run))?;
    }
    fs::write(
        directory.join("first.complete.json"),
        json_complete(&runs[0]),
    )?;
    fs::write(directory.join("junit.xml"), junit(&runs))?;
    fs::write(directory.join("index.html"), html_index(&runs))
}

fn samples() -> Vec<Run> {
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
