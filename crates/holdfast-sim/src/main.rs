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
use command_line::{Args, Exit};
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(shown) => {
            // Whether it could be printed changes nothing.
            drop(shown.print());
            let wrong = shown.use_stderr();
            return if wrong { Exit::Failed } else { Exit::Held }.into();
        }
    };
    let done = commands::go(&args);
    let exit = done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        Exit::Failed
    });
    exit.into()
}
