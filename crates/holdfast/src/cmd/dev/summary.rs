//! What the developer sees: addresses, how to go on, where things are.

#![expect(clippy::print_stdout, reason = "the command speaks on the terminal")]

use super::folder::Folder;
use super::layout::Layout;
use super::state::State;
use std::time::Duration;

/// Prints the summary. A development cluster's keys are no secret from its developer.
pub(super) fn print(folder: &Folder, layout: &Layout, state: &State, sealed: bool, took: Duration) {
    let count = state.nodes.len();
    let plural = if count == 1 { "" } else { "s" };
    let how = if sealed { "sealed" } else { "unsealed" };
    println!(
        "\nHoldfast for development: {count} node{plural}, {how}, ready in {:.1} s\n",
        took.as_secs_f64()
    );
    let width = state
        .nodes
        .iter()
        .map(|node| node.api_addr.len())
        .max()
        .unwrap_or(0);
    for node in &state.nodes {
        let pid = node
            .pid
            .map(|pid| format!("   pid {pid}"))
            .unwrap_or_default();
        println!("  node {}   {:width$}{pid}", node.id, node.api_addr);
    }
    println!();
    if let Some(first) = state.nodes.first() {
        println!("  export VAULT_ADDR='{}'", first.api_addr);
    }
    if let Some(token) = &state.root_token {
        println!("  export VAULT_TOKEN='{}'", token.replace('\'', r"'\''"));
    }
    if state.ca_cert.is_some() {
        println!("  export VAULT_CACERT='{}'", layout.ca_file.display());
    }
    println!();
    for key in &state.unseal_keys {
        println!("  unseal key   {key}");
    }
    let fate = if folder.is_kept() {
        "kept"
    } else {
        "removed on exit"
    };
    println!("  files        {} ({fate})\n", folder.path().display());
    println!("Not for production: its keys are on this screen. Ctrl-C ends it.");
}

/// Prints one event.
pub(super) fn tell(event: &str) {
    println!("{event}");
}
