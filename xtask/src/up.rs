//! `cargo xtask up`: three nodes on this machine, from a bare clone to a secret that was written and read back.
//!
//! Invariants: a second run finds the first one's cluster, keys and data in the state directory; what is secret there is its
//! owner's alone, and never an argument of a process; the nodes end with this process, even when it is killed.

mod bring_up;
mod files;
mod http;
mod keys;
mod nodes;
mod summary;
mod watch;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::cargo;
use crate::places::Places;
use crate::stop::Stop;
use bring_up::Came;
use files::StateDir;
use nodes::Nodes;

impl Stop {
    /// An error once asked to stop.
    fn check(&self) -> Result<()> {
        if self.asked() {
            bail!("stopped before the cluster was ready");
        }
        Ok(())
    }
}

/// Runs the cluster until Ctrl-C. `binary` is for those who built it already.
pub(crate) fn run(
    places: &Places,
    state_dir: Option<PathBuf>,
    binary: Option<PathBuf>,
) -> Result<()> {
    let binary = match binary {
        Some(built) => built,
        None => cargo::build_server(places, false)?,
    };
    let state_dir = match state_dir {
        Some(dir) => dir,
        None => files::default_state_dir()?,
    };
    let stop = Stop::catch(&[SIGINT, SIGTERM])?;
    let state = files::prepare(&places.root, &binary, &state_dir)?;
    let mut nodes = Nodes::start(&binary, &state)?;
    let done = serve(&binary, &state, &mut nodes, &stop);
    if done.is_ok() || stop.asked() {
        println!();
        nodes.stop();
        return Ok(());
    }
    nodes.stop();
    done
}

fn serve(binary: &Path, state: &StateDir, nodes: &mut Nodes, stop: &Stop) -> Result<()> {
    let Came { first_run, leader } = bring_up::run(state, nodes, stop)?;
    summary::print(binary, state, first_run, leader);
    watch::until_stopped(state, nodes, stop, leader)
}
