//! `holdfast-sim`: simulated clusters from seeds. `cargo xtask sim` builds and starts it.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a developer's command speaks on the terminal"
)]

mod command_line;
mod commands;
#[cfg(feature = "mutants")]
mod mutants;
mod show;
mod sweep;

use clap::Parser as _;
use command_line::Args;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = Args::parse();
    match commands::go(&args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(3)
        }
    }
}
