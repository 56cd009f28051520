//! The commands, and what they share. They print; what they call does not.
#![expect(
    clippy::print_stdout,
    reason = "the command's answers go to the terminal"
)]

mod check;
mod doctor;
mod interrupt;
mod list;
mod list_workload;
mod place;
mod reach;
mod run;
mod sweep;

use crate::cli::Command;
use crate::exit::Exit;

/// Runs a command to its end.
///
/// # Errors
/// When the harness could not do what was asked.
pub fn run(command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::List(args) => list::run(&args),
        Command::Run(args) => run::run(&args),
        Command::Reproduce(args) => run::reproduce(&args),
        Command::Check(args) => check::check(&args),
        Command::Report(args) => check::report(&args),
        Command::Sweep(args) => sweep::run(&args),
        Command::Doctor(args) => doctor::run(&args),
    }
}
