//! The one binary: server, dev cluster, operator and client commands. Thin: everything is in `cmd`.

mod cli;
mod cmd;
mod failure;
#[cfg(test)]
mod help_tests;
mod input;
mod output;
mod session;
mod token_file;

use std::process::ExitCode;

/// Wipes what is freed: plaintext of requests and answers passes through many buffers.
#[global_allocator]
static ALLOCATOR: holdfast_memory::ZeroizingAllocator = holdfast_memory::ZeroizingAllocator;

fn main() -> ExitCode {
    let hardening = holdfast_memory::harden_process();
    match cli::parse(std::env::args_os()) {
        Ok(cli) => cmd::run(cli, &hardening),
        Err(shown) => shown,
    }
}
