//! The commands, one file each.

mod cluster;
mod dev;
mod kv;
mod login;
mod operator;
mod paths;
mod policy;
mod secrets;
mod server;
mod status;
mod token;

use crate::cli::{Cli, EXIT_LOCAL};
use crate::failure::Failure;
use crate::output::{Output, remark};
use crate::session::Session;
use clap::Subcommand;
use holdfast_memory::Hardening;
use std::process::ExitCode;

/// What to do.
#[derive(Subcommand)]
pub(crate) enum Command {
    Server(server::ServerArgs),
    Dev(dev::DevArgs),
    /// State of a node: sealed or not, who leads. Exit code 2 when sealed.
    Status,
    Login(login::Login),
    /// Keys, shares and members of a cluster.
    #[command(subcommand)]
    Operator(operator::Operator),
    /// Secrets in a KV mount, of either version.
    #[command(subcommand)]
    Kv(kv::Kv),
    Read(paths::Read),
    Write(paths::Write),
    List(paths::List),
    Delete(paths::Delete),
    /// Mounts of secrets engines.
    #[command(subcommand)]
    Secrets(secrets::Secrets),
    /// Tokens.
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// Policies.
    #[command(subcommand)]
    Policy(policy::Policy),
    /// Preparations that need no running cluster.
    #[command(subcommand)]
    Cluster(cluster::Cluster),
}

/// Runs a command to its exit code.
pub(crate) fn run(cli: Cli, hardening: &Hardening) -> ExitCode {
    let out = Output::new(cli.global.wants_json());
    let done = match cli.command {
        Command::Server(args) => {
            server::run(&args, hardening).map_err(|error| Failure::local(format!("{error:#}")))
        }
        Command::Dev(args) => dev::run(&args).map_err(|error| Failure::local(format!("{error:#}"))),
        Command::Cluster(command) => command.run(out).map(|()| ExitCode::SUCCESS),
        command => on_server(command, cli.global),
    };
    done.unwrap_or_else(|failure| told(&failure, out))
}

fn told(failure: &Failure, out: Output) -> ExitCode {
    if out.is_json()
        && let Some(body) = &failure.body
        && out.json(body).is_err()
    {
        return ExitCode::from(EXIT_LOCAL);
    }
    if !failure.text.is_empty() {
        remark(&format!("error: {}", failure.text));
    }
    ExitCode::from(failure.code)
}

/// Commands that talk to a server.
fn on_server(command: Command, global: crate::cli::Global) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::because("cannot start", &error))?;
    let session = Session::open(global)?;
    runtime.block_on(async {
        let at = &session;
        match command {
            Command::Status => return status::run(at).await,
            Command::Login(command) => command.run(at).await,
            Command::Operator(command) => command.run(at).await,
            Command::Kv(command) => command.run(at).await,
            Command::Read(command) => command.run(at).await,
            Command::Write(command) => command.run(at).await,
            Command::List(command) => command.run(at).await,
            Command::Delete(command) => command.run(at).await,
            Command::Secrets(command) => command.run(at).await,
            Command::Token(command) => command.run(at).await,
            Command::Policy(command) => command.run(at).await,
            Command::Server(_) | Command::Dev(_) | Command::Cluster(_) => Ok(()),
        }?;
        Ok(ExitCode::SUCCESS)
    })
}
