//! The command line: what every command shares, and how Vault's habits are taken.

use crate::cmd::Command;
use clap::{Args, Parser, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

/// Exit code for what this machine or the command line got wrong.
pub(crate) const EXIT_LOCAL: u8 = 1;
/// Exit code for what the server refused; of `status`, that it is sealed.
pub(crate) const EXIT_REFUSED: u8 = 2;

const AFTER_HELP: &str = "\
Exit codes: 0 done, 1 wrong here (usage, files, no connection), 2 refused by the server (for `status`: sealed).

Environment: HOLDFAST_ADDR (several with commas), HOLDFAST_TOKEN, HOLDFAST_CACERT, HOLDFAST_NAMESPACE and
HOLDFAST_SKIP_VERIFY, or the same with VAULT_. Without a token variable, ~/.holdfast-token and ~/.vault-token are read.";

/// Keeps secrets for a fleet: server, operator and client in one.
#[derive(Parser)]
#[command(name = "holdfast", version, after_help = AFTER_HELP, arg_required_else_help = true, max_term_width = 110)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Where and as whom.
#[derive(Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct Global {
    /// Address of a node, such as https://10.0.0.1:8200. Several are tried in turn.
    #[arg(
        long,
        alias = "address",
        global = true,
        value_name = "URL",
        value_delimiter = ','
    )]
    pub(crate) addr: Vec<String>,
    /// Token. Others on this machine can see arguments: prefer HOLDFAST_TOKEN or `holdfast login`.
    #[arg(long, global = true, value_name = "TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// Namespace.
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
    /// Certificate authority to trust, PEM.
    #[arg(long, alias = "ca_cert", global = true, value_name = "FILE")]
    pub(crate) ca_cert: Option<PathBuf>,
    /// Trust any server. Whoever sits between reads everything.
    #[arg(long, alias = "tls-skip-verify", global = true)]
    pub(crate) skip_verify: bool,
    /// Print exactly what the server sent, as JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// `json` is the same as --json.
    #[arg(long, global = true, hide = true, value_name = "FORMAT")]
    pub(crate) format: Option<Format>,
}

/// Form of the output, as Vault's CLI names it.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
}

impl Global {
    /// Whether answers are printed as JSON.
    pub(crate) fn wants_json(&self) -> bool {
        self.json || self.format == Some(Format::Json)
    }
}

/// Reads the command line; on `--help`, `--version` or a mistake it has been printed and the exit code is left.
pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Cli, ExitCode> {
    Cli::try_parse_from(with_long_flags(args)).map_err(|shown| {
        // Whether it could be printed changes nothing.
        drop(shown.print());
        if shown.use_stderr() {
            ExitCode::from(EXIT_LOCAL)
        } else {
            ExitCode::SUCCESS
        }
    })
}

/// Vault's CLI takes long flags after one dash (`-mount=secret`). So do we: no flag here has more than one short letter.
fn with_long_flags(args: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut literal = false;
    let widen = |arg: OsString| {
        literal |= arg == "--";
        let text = arg.to_str().unwrap_or_default();
        let name = text.strip_prefix('-').unwrap_or_default();
        let long = name.len() > 1 && name.starts_with(|first: char| first.is_ascii_alphabetic());
        if long && !literal {
            OsString::from(format!("-{text}"))
        } else {
            arg
        }
    };
    args.into_iter().map(widen).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_declaration_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn single_dashes_make_long_flags() {
        let widened = with_long_flags(
            ["-mount=a", "-h", "-", "--cas", "k=-x", "-5", "--", "-raw"].map(OsString::from),
        );
        assert_eq!(
            widened,
            ["--mount=a", "-h", "-", "--cas", "k=-x", "-5", "--", "-raw"]
        );
    }

    #[test]
    fn vaults_spelling_parses() {
        for line in [
            "holdfast kv get -mount=secret -version=2 -format=json foo",
            "holdfast kv put -cas=0 secret/foo a=b",
            "holdfast operator init -key-shares=1 -key-threshold=1",
            "holdfast secrets enable -path=kv -version=2 kv",
            "holdfast token create -policy=a -policy=b -ttl=1h",
            "holdfast write -force auth/x",
            "holdfast kv metadata put -max-versions=3 -custom-metadata=a=b secret/foo",
        ] {
            let parsed = Cli::try_parse_from(with_long_flags(line.split(' ').map(OsString::from)));
            assert!(
                parsed.is_ok(),
                "{line}: {}",
                parsed
                    .err()
                    .map(|shown| shown.to_string())
                    .unwrap_or_default()
            );
        }
    }
}
