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

use command_line::Task;
use places::Places;
use std::process::ExitCode;

fn main() -> ExitCode {
    let task = match command_line::parse(std::env::args().skip(1)) {
        Ok(task) => task,
        Err(reason) => {
            eprintln!("error: {reason}\n\n{}", command_line::USAGE);
            return ExitCode::from(2);
        }
    };
    if let Err(error) = run(task) {
        eprintln!("error: {error:#}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn run(task: Task) -> anyhow::Result<()> {
    let places = Places::find()?;
    match task {
        Task::Help => println!("{}", command_line::USAGE),
        Task::Setup => setup::run(&places)?,
        Task::Rocksdb => println!("{}", rocksdb::ensure(&places)?.display()),
        Task::Build { release } => drop(cargo::build_server(&places, release)?),
        Task::Ci(choice) => ci::run(&places, &choice)?,
        Task::Tidy => tidy::run(&places)?,
        Task::Sim { args } => sim::run(&places, &args)?,
        Task::Chaos { nightly, args } => chaos::run(&places, nightly, &args)?,
        Task::Bench { args } => bench::run(&places, &args)?,
        Task::Up { state_dir, binary } => up::run(&places, state_dir, binary)?,
    }
    Ok(())
}
