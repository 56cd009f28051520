//! `holdfast policy`: who may do what.

use super::paths::names;
use crate::failure::Failure;
use crate::input;
use crate::session::Session;
use clap::Subcommand;
use holdfast_client::Request;
use serde_json::{Value as Json, json};
use std::path::PathBuf;

#[derive(Subcommand)]
pub(crate) enum Policy {
    /// Names of all policies.
    List,
    /// Print a policy.
    Read {
        /// Its name.
        name: String,
    },
    /// Write a policy from a file, or `-` for standard input; HCL or JSON.
    Write {
        /// Its name.
        name: String,
        /// The file.
        file: PathBuf,
    },
    /// Delete a policy. Tokens that hold it lose what it gave at once.
    Delete {
        /// Its name.
        name: String,
    },
}

fn at_name(name: &str) -> String {
    format!("sys/policies/acl/{name}")
}

impl Policy {
    pub(crate) async fn run(self, at: &Session) -> Result<(), Failure> {
        match self {
            Self::List => names(at, &at.call(Request::list("sys/policies/acl")).await?),
            Self::Read { name } => {
                let response = at.call(Request::get(&at_name(&name))).await?;
                if at.out.is_json() {
                    return at.out.body(response.body.as_ref());
                }
                let text = response
                    .data()
                    .and_then(|data| data.get("policy"))
                    .and_then(Json::as_str);
                at.out.line(text.unwrap_or_default().trim_end())
            }
            Self::Write { name, file } => {
                let text = if file.as_os_str() == "-" {
                    input::stdin_text()?
                } else {
                    input::file_text(&file)?
                };
                at.call(Request::post(
                    &at_name(&name),
                    json!({ "policy": text.as_str() }),
                ))
                .await?;
                at.out.done(&format!("Written: policy {name}"))
            }
            Self::Delete { name } => {
                at.call(Request::delete(&at_name(&name))).await?;
                at.out
                    .done(&format!("Deleted, if it was there: policy {name}"))
            }
        }
    }
}
