//! `holdfast login`: checks a token and keeps it for later commands.

use crate::failure::Failure;
use crate::input;
use crate::session::Session;
use crate::token_file;
use clap::Args;
use holdfast_client::{Request, Token};
use std::path::PathBuf;

/// Check a token and keep it in ~/.holdfast-token, readable by you only.
#[derive(Args)]
pub(crate) struct Login {
    /// The token, or `-` for standard input. Asked for at a hidden prompt when absent, which keeps it out of the shell's history.
    token: Option<String>,
    /// Check it only.
    #[arg(long)]
    no_store: bool,
}

/// What is shown of a token. The token itself is not.
const SHOWN: [(&str, &str); 5] = [
    ("display_name", "Name"),
    ("accessor", "Accessor"),
    ("policies", "Policies"),
    ("ttl", "Seconds to live"),
    ("renewable", "Renewable"),
];

impl Login {
    pub(crate) async fn run(self, at: &Session) -> Result<(), Failure> {
        let token = Token::new(input::secret(self.token.as_deref(), "Token (hidden): ")?.as_str());
        let client = at.client.with_token(token.clone());
        let found = client.call(Request::get("auth/token/lookup-self")).await?;
        let kept = if self.no_store {
            None
        } else {
            Some(keep(&token)?)
        };
        if at.out.is_json() {
            return at.out.body(found.body.as_ref());
        }
        let mut shown = serde_json::Map::new();
        let data = found.data().cloned().unwrap_or_default();
        super::status::select(&mut shown, &data.into(), &SHOWN);
        at.out.pairs(&shown)?;
        match kept {
            Some(path) => at.out.line(&format!(
                "\nLogged in. The token is kept in {}.",
                path.display()
            )),
            None => at.out.line("\nThe token is good. It was not kept."),
        }
    }
}

fn keep(token: &Token) -> Result<PathBuf, Failure> {
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
    let home = home.ok_or_else(|| {
        Failure::local("HOME is not set, so there is nowhere to keep the token; use --no-store")
    })?;
    token_file::write(&PathBuf::from(home), token)
}
