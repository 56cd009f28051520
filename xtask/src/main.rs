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
mod stop;
mod task;
mod tests_run;
mod tidy;
mod up;

use command_line::USAGE;
use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let codes = command_line::own_codes(words.first().map(String::as_str));
    let typed = command_line::parse(words.into_iter());
    let Ok(task) = typed.inspect_err(|why| eprintln!("error: {why}\n\n{USAGE}")) else {
        return ExitCode::from(codes.mistyped);
    };
    task::run(task).unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::from(codes.failed)
    })
}
