//! `cargo xtask`: the developer commands of Holdfast. `cargo xtask help` lists them.
//!
//! It prepares the machine, runs cargo and checks the repository. All that it builds or downloads goes to one
//! cache directory outside the clone (`places`), so that a second clone starts warm.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a developer's command speaks on the terminal"
)]

mod bench;
mod cargo;
mod chaos;
mod child;
mod ci;
mod clients;
mod command_line;
mod deny;
mod packages;
mod places;
mod progress;
mod rocksdb;
mod setup;
mod sim;
mod tests_run;
mod tidy;
mod up;

use command_line::{Task, USAGE};
use std::process::ExitCode;

fn main() -> ExitCode {
    let typed = command_line::parse(std::env::args().skip(1));
    let Ok(task) = typed.inspect_err(|why| eprintln!("error: {why}\n\n{USAGE}")) else {
        return ExitCode::from(2);
    };
    run(task).unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

/// Does it. What another program does for it ends with that program's code.
fn run(task: Task) -> anyhow::Result<ExitCode> {
    let places = &places::Places::find()?;
    match task {
        Task::Help => println!("{USAGE}"),
        Task::Rocksdb => println!("{}", rocksdb::ensure(places)?.display()),
        Task::Build { release } => drop(cargo::build_server(places, release)?),
        Task::Setup => setup::run(places)?,
        Task::Ci(choice) => ci::run(places, &choice)?,
        Task::Tidy => tidy::run(places)?,
        Task::Sim { release, args } => return sim::run(places, release, &args),
        Task::Chaos { args } => return chaos::run(places, &args),
        Task::Nightly(night) => return chaos::nightly(places, &night),
        Task::Bench { args } => bench::run(places, &args)?,
        Task::Up { state_dir, binary } => up::run(places, state_dir, binary)?,
    }
    Ok(ExitCode::SUCCESS)
}
