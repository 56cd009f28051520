//! `holdfast server`: one production node.

use anyhow::Context;
use clap::Args;
use holdfast_memory::{DeathSignal, Hardening, Protection};
use holdfast_node::{Config, Ended};
use std::path::PathBuf;
use std::process::ExitCode;

/// Exit code of a node whose disk failed: its supervisor should start it again.
const EXIT_STORAGE: u8 = 74;
/// Worker threads of a node: requests are short and the ciphers are fast.
const STACK_BYTES: usize = 2 * 1024 * 1024;

/// Run one node. It starts sealed.
#[derive(Args)]
pub(crate) struct ServerArgs {
    /// The node's configuration file (TOML).
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// End when the process that started this one ends. For development clusters and tests.
    #[arg(long, hide = true)]
    die_with_parent: bool,
}

/// Runs until asked to end (SIGTERM, SIGINT) or the disk fails.
pub(crate) fn run(args: &ServerArgs, hardening: &Hardening) -> anyhow::Result<ExitCode> {
    if args.die_with_parent {
        holdfast_memory::parent_death_signal(DeathSignal::Kill)
            .context("arranging to end with the parent process")?;
    }
    holdfast_memory::keep_new_files_private();
    let config = Config::load(&args.config)?;
    holdfast_node::start_logging(&config.log);
    tell_only_where_it_panicked();
    report(hardening);
    if let Err(error) = holdfast_memory::raise_nofile_limit() {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(STACK_BYTES)
        .build()?;
    let ended = runtime.block_on(async {
        let asked = asked_to_end()?;
        anyhow::Ok(holdfast_node::run(config, asked).await?)
    })?;
    Ok(match ended {
        Ended::Asked => ExitCode::SUCCESS,
        Ended::Fatal(_) => ExitCode::from(EXIT_STORAGE),
    })
}

/// Resolves at the first SIGTERM or SIGINT.
fn asked_to_end() -> anyhow::Result<impl Future<Output = ()> + Send> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Says which protections of memory are active, and warns of what is missing.
fn report(hardening: &Hardening) {
    let keys = match hardening.key_pages {
        Protection::MemfdSecret => "memfd_secret",
        Protection::Locked => "mlock",
        Protection::Unlocked => "none",
    };
    tracing::info!(
        keys,
        no_debuggers = hardening.dumpable_off,
        no_core_files = hardening.core_limit_zero,
        no_new_privileges = hardening.no_new_privs,
        "memory protection"
    );
    if hardening.key_pages == Protection::Unlocked {
        tracing::warn!(
            "keys are in memory that may be swapped; raise RLIMIT_MEMLOCK (LimitMEMLOCK= in the unit)"
        );
    }
    if hardening.swap_on {
        tracing::warn!(
            "this machine swaps: what is not a key may reach its disk; turn swap off or encrypt it"
        );
    }
}

/// A panic's text may hold a value that came in; its place in the code does not.
fn tell_only_where_it_panicked() {
    std::panic::set_hook(Box::new(|panic| match panic.location() {
        Some(place) => tracing::error!(file = place.file(), line = place.line(), "panicked"),
        None => tracing::error!("panicked"),
    }));
}
