//! What the developer sees once the cluster serves: a few aligned lines, and what to try next.

use std::io::{self, IsTerminal};
use std::path::Path;

use super::bring_up::HELLO;
use super::files::StateDir;
use crate::places::on_path;

/// One step that was done.
pub(crate) fn done(what: &str) {
    println!("✓ {what}");
}

/// The summary.
pub(crate) fn print(binary: &Path, state: &StateDir, first_run: bool, leader: u64) {
    let style = Style::of_terminal();
    println!("\n{}\n", style.bold("Holdfast is up"));
    for node in &state.nodes {
        let role = if node.id == leader {
            "leader"
        } else {
            "follower"
        };
        println!("  node {}   http://{}   {role}", node.id, node.api);
    }
    let kept = if first_run { "saved" } else { "kept" };
    println!();
    println!(
        "  keys     {}   ({kept}, mode 0600: the shares and the root token)",
        home(&state.keys_file())
    );
    println!("  data     {}", home(&state.dir));
    println!("\n{}\n", style.bold("Try, in another terminal"));
    let program = if on_path("holdfast").is_some_and(|found| found == binary) {
        "holdfast".to_owned()
    } else {
        binary.display().to_string()
    };
    if let [first, ..] = state.nodes.as_slice() {
        println!("  export VAULT_ADDR=http://{}", first.api);
    }
    println!(
        "  export VAULT_TOKEN=$(cat {})",
        state.token_file().display()
    );
    println!();
    println!("  {program} kv get secret/{HELLO}");
    println!("  {program} kv put secret/db user=app password=s3cret");
    println!("  {program} operator members");
    println!("\nCtrl-C stops all nodes; the next `cargo xtask up` finds the same cluster.\n");
}

/// The path as people write it, with `~`.
fn home(path: &Path) -> String {
    std::env::var_os("HOME")
        .filter(|home| !home.is_empty())
        .and_then(|home| path.strip_prefix(home).ok().map(Path::to_path_buf))
        .map_or_else(
            || path.display().to_string(),
            |rest| format!("~/{}", rest.display()),
        )
}

/// Bold on a terminal, plain elsewhere.
struct Style {
    terminal: bool,
}

impl Style {
    fn of_terminal() -> Self {
        Self {
            terminal: io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
        }
    }

    fn bold(&self, text: &str) -> String {
        if self.terminal {
            format!("\x1b[1m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}
