//! `holdfast dev`: an unsealed cluster of real server processes, for developers and test suites.
//!
//! Invariants: the servers are children of the main thread and end with it, even when it is killed; what is written about the
//! cluster (keys and root token included) is readable by its owner only; nothing is announced before it works.

mod bring_up;
mod folder;
mod layout;
mod nodes;
mod ports;
mod root_token;
mod state;
mod summary;

use anyhow::Context;
use clap::Args;
use folder::Folder;
use layout::Layout;
use nodes::Nodes;
use state::State;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How often the servers are looked at.
const WATCH_PERIOD: Duration = Duration::from_millis(200);

/// Run an unsealed cluster for development: real server processes that end with this one.
#[derive(Args)]
pub(crate) struct DevArgs {
    /// How many nodes [default: 1, or as many as the data directory has].
    #[arg(long, value_name = "N")]
    nodes: Option<u64>,
    /// Where the first node's API listens; the others take free ports [default: 127.0.0.1:8200].
    #[arg(long, value_name = "ADDR", env = "VAULT_DEV_LISTEN_ADDRESS")]
    listen: Option<SocketAddr>,
    /// Keep the cluster here and find it again next time; without it all is gone on exit.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Write nodes, unseal keys and root token to this JSON file (mode 0600) once all is ready.
    #[arg(long, value_name = "FILE")]
    state_file: Option<PathBuf>,
    /// Serve HTTPS with a certificate of the cluster's own authority.
    #[arg(long)]
    tls: bool,
    /// Leave the cluster as a production one starts: sealed, a new one uninitialised.
    #[arg(long)]
    sealed: bool,
    /// Use this root token.
    #[arg(
        long,
        value_name = "TOKEN",
        env = "VAULT_DEV_ROOT_TOKEN_ID",
        hide_env_values = true
    )]
    root_token: Option<String>,
}

/// Runs until SIGINT or SIGTERM, or until no server is left.
pub(crate) fn run(args: &DevArgs) -> anyhow::Result<ExitCode> {
    holdfast_memory::keep_new_files_private();
    // The servers are told to end with the thread that starts them: that must be the main one, so all happens on it.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(serve(args))
}

async fn serve(args: &DevArgs) -> anyhow::Result<ExitCode> {
    let started = Instant::now();
    let mut signals = Signals::catch()?;
    anyhow::ensure!(
        !(args.sealed && args.root_token.is_some()),
        "--root-token needs a cluster that is not --sealed"
    );
    if let Some(file) = &args.state_file {
        state::remove(file)?;
    }
    let folder = Folder::open(args.data_dir.as_deref())?;
    let (layout, mut state) = Layout::prepare(&folder, args)?;
    let mut nodes = Nodes::start(&layout)?;
    let ready = tokio::select! {
        ready = make_ready(args, &layout, &mut state, &mut nodes) => Some(ready),
        () = signals.first() => None,
    };
    let code = match ready {
        Some(Ok(())) => {
            if let Some(file) = &args.state_file {
                state
                    .write(file)
                    .with_context(|| format!("--state-file {}", file.display()))?;
            }
            summary::print(&folder, &layout, &state, args.sealed, started.elapsed());
            watch(&mut nodes, &mut signals).await
        }
        Some(Err(error)) => {
            nodes.kill();
            return Err(error);
        }
        None => ExitCode::SUCCESS,
    };
    if let Some(file) = &args.state_file {
        state::remove(file)?;
    }
    // Nobody will ask temporary data for what it promised: it need not end in order.
    if folder.is_kept() {
        nodes.stop().await;
    } else {
        nodes.kill();
    }
    Ok(code)
}

async fn make_ready(
    args: &DevArgs,
    layout: &Layout,
    state: &mut State,
    nodes: &mut Nodes,
) -> anyhow::Result<()> {
    bring_up::await_answers(layout, nodes).await?;
    if !args.sealed {
        bring_up::open(layout, state, nodes).await?;
        root_token::settle(layout, state, args.root_token.as_deref()).await?;
        bring_up::mount(layout, state, nodes).await?;
    }
    state.set_pids(&nodes.pids());
    state.write(&layout.record)
}

/// Says which servers end, until asked to stop or none is left.
async fn watch(nodes: &mut Nodes, signals: &mut Signals) -> ExitCode {
    let mut ticks = tokio::time::interval(WATCH_PERIOD);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = signals.first() => return ExitCode::SUCCESS,
        }
        for ended in nodes.newly_ended() {
            summary::tell(&ended.to_string());
        }
        if nodes.none_left() {
            return ExitCode::FAILURE;
        }
    }
}

/// SIGINT and SIGTERM.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn catch() -> anyhow::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn first(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
