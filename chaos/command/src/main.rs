//! `holdfast-chaos`: breaks clusters of real processes and judges what they did.
#![expect(
    clippy::print_stderr,
    reason = "a command says on the terminal why it could not go on"
)]

use clap::Parser;
use holdfast_chaos::cli::Cli;
use holdfast_chaos::commands;
use holdfast_chaos::exit::Exit;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(shown) => {
            // Whether it could be printed changes nothing.
            drop(shown.print());
            let exit = if shown.use_stderr() {
                Exit::Harness
            } else {
                Exit::Pass
            };
            return exit.into();
        }
    };
    match commands::run(cli.command) {
        Ok(exit) => exit.into(),
        Err(error) => {
            eprintln!("error: {error:#}");
            Exit::Harness.into()
        }
    }
}
