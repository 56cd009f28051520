//! Does what was typed.

use std::process::ExitCode;

use anyhow::Result;

use crate::command_line::{Task, USAGE};
use crate::places::Places;
use crate::{bench, cargo, chaos, ci, rocksdb, setup, sim, tidy, up};

/// What another program does for it ends with that program's code.
pub(crate) fn run(task: Task) -> Result<ExitCode> {
    let places = &Places::find()?;
    match task {
        Task::Help => println!("{USAGE}"),
        Task::Rocksdb => println!("{}", rocksdb::ensure(places)?.display()),
        Task::Build { release } => drop(cargo::build_server(places, release)?),
        Task::Setup => setup::run(places)?,
        Task::Ci(choice) => ci::run(places, &choice)?,
        Task::Tidy => tidy::run(places)?,
        Task::Sim { release, args } => return sim::run(places, release, &args),
        Task::Chaos { release, args } => return chaos::run(places, release, &args),
        Task::Nightly(night) => return chaos::nightly(places, &night),
        Task::Bench { args } => bench::run(places, &args)?,
        Task::Up { state_dir, binary } => up::run(places, state_dir, binary)?,
    }
    Ok(ExitCode::SUCCESS)
}
