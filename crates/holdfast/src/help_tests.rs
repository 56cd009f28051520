//! Golden texts of `--help`: people and scripts read them, so a change should be seen in review.
//!
//! After a wanted change: `HOLDFAST_BLESS=1 cargo test -p holdfast help`, and commit only differences that you understand.

use crate::cli::Cli;
use clap::CommandFactory;
use std::path::Path;

fn help(path: &[&str]) -> String {
    let mut command = Cli::command().term_width(100);
    command.build();
    let found = path.iter().fold(&mut command, |command, name| {
        command.find_subcommand_mut(name).expect("a command")
    });
    let text = found.render_long_help().to_string();
    // What every command shares is told once, in the root's own help.
    text.split("\nConnection:")
        .next()
        .unwrap_or_default()
        .lines()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect()
}

#[test]
fn main_commands_explain_themselves_as_reviewed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/help");
    for path in [
        &["operator", "init"][..],
        &["operator", "unseal"],
        &["kv", "put"],
        &["kv", "get"],
        &["cluster", "certs"],
        &["login"],
    ] {
        let file = folder.join(format!("{}.txt", path.join("-")));
        let shown = help(path);
        if std::env::var_os("HOLDFAST_BLESS").is_some() {
            std::fs::write(&file, &shown).unwrap();
        }
        let expected = std::fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(shown, expected, "{}", file.display());
    }
}
