//! `holdfast token`: make, look up, renew, revoke.

use super::paths::answer;
use crate::failure::Failure;
use crate::input;
use crate::session::Session;
use clap::{Args, Subcommand};
use holdfast_client::Request;
use serde_json::{Map, Value as Json, json};

#[derive(Subcommand)]
pub(crate) enum TokenCommand {
    Lookup(Lookup),
    Create(Create),
    Revoke(Revoke),
    Renew(Renew),
}

/// Which token a command is about.
#[derive(Args)]
struct Which {
    /// The token, or `-` for standard input; the one in use if absent.
    token: Option<String>,
    /// Name it by its accessor instead.
    #[arg(long, conflicts_with = "token", value_name = "ACCESSOR")]
    accessor: Option<String>,
}

/// What is known about a token.
#[derive(Args)]
pub(crate) struct Lookup {
    #[command(flatten)]
    which: Which,
}

/// Make a child of the token in use.
#[derive(Args)]
pub(crate) struct Create {
    /// Policy of the new token; may be repeated. The parent's if absent.
    #[arg(long = "policy", value_name = "NAME")]
    policies: Vec<String>,
    /// How long it lives, such as 1h.
    #[arg(long, value_name = "DURATION")]
    ttl: Option<String>,
    /// How long it lives at most, however often it is renewed.
    #[arg(long, value_name = "DURATION")]
    explicit_max_ttl: Option<String>,
    /// Live on for this long after each renewal, without end.
    #[arg(long, value_name = "DURATION")]
    period: Option<String>,
    /// Shown in records.
    #[arg(long, value_name = "TEXT")]
    display_name: Option<String>,
    /// Uses it is good for; 0 for any number.
    #[arg(long, alias = "use-limit", value_name = "COUNT")]
    num_uses: Option<u64>,
    /// Given to people reading records; may be repeated.
    #[arg(long = "metadata", value_name = "KEY=VALUE")]
    metadata: Vec<String>,
    /// Without a parent: it outlives the token in use.
    #[arg(long)]
    orphan: bool,
    /// Without the default policy.
    #[arg(long)]
    no_default_policy: bool,
    /// Cannot be renewed.
    #[arg(long)]
    no_renew: bool,
    /// Print this member of the answer alone, such as client_token.
    #[arg(long, value_name = "NAME")]
    field: Option<String>,
}

/// Revoke a token with all its children.
#[derive(Args)]
pub(crate) struct Revoke {
    #[command(flatten)]
    which: Which,
    /// The token in use itself.
    #[arg(long = "self", conflicts_with = "token")]
    own: bool,
}

/// Renew a token.
#[derive(Args)]
pub(crate) struct Renew {
    #[command(flatten)]
    which: Which,
    /// Ask for this long, such as 1h.
    #[arg(long, value_name = "DURATION")]
    increment: Option<String>,
}

impl Which {
    /// The route of a verb and the body that names the token.
    fn about(&self, verb: &str) -> Result<(String, Map<String, Json>), Failure> {
        let mut body = Map::new();
        if let Some(accessor) = &self.accessor {
            body.insert("accessor".to_owned(), Json::from(accessor.as_str()));
            return Ok((format!("auth/token/{verb}-accessor"), body));
        }
        let Some(given) = &self.token else {
            return Ok((format!("auth/token/{verb}-self"), body));
        };
        let token = input::secret(Some(given), "")?;
        body.insert("token".to_owned(), Json::from(token.as_str()));
        Ok((format!("auth/token/{verb}"), body))
    }
}

impl TokenCommand {
    pub(crate) async fn run(self, at: &Session) -> Result<(), Failure> {
        match self {
            Self::Lookup(Lookup { which }) => {
                let (path, body) = which.about("lookup")?;
                let request = if body.is_empty() {
                    Request::get(&path)
                } else {
                    Request::post(&path, Json::Object(body))
                };
                answer(at, &at.call(request).await?, None)
            }
            Self::Create(create) => create.run(at).await,
            Self::Revoke(revoke) => revoke.run(at).await,
            Self::Renew(Renew { which, increment }) => {
                let (path, mut body) = which.about("renew")?;
                if let Some(increment) = increment {
                    body.insert("increment".to_owned(), Json::from(increment));
                }
                answer(
                    at,
                    &at.call(Request::post(&path, Json::Object(body))).await?,
                    None,
                )
            }
        }
    }
}

impl Create {
    async fn run(self, at: &Session) -> Result<(), Failure> {
        let mut body = Map::new();
        if !self.policies.is_empty() {
            body.insert("policies".to_owned(), json!(self.policies));
        }
        let texts = [
            ("ttl", self.ttl),
            ("explicit_max_ttl", self.explicit_max_ttl),
            ("period", self.period),
            ("display_name", self.display_name),
        ];
        for (name, value) in texts {
            if let Some(value) = value {
                body.insert(name.to_owned(), Json::from(value));
            }
        }
        if let Some(uses) = self.num_uses {
            body.insert("num_uses".to_owned(), Json::from(uses));
        }
        if !self.metadata.is_empty() {
            body.insert(
                "meta".to_owned(),
                json!(input::text_pairs(&self.metadata, "--metadata")?),
            );
        }
        for (name, set) in [
            ("no_parent", self.orphan),
            ("no_default_policy", self.no_default_policy),
        ] {
            if set {
                body.insert(name.to_owned(), Json::from(true));
            }
        }
        if self.no_renew {
            body.insert("renewable".to_owned(), Json::from(false));
        }
        let path = if self.orphan {
            "auth/token/create-orphan"
        } else {
            "auth/token/create"
        };
        answer(
            at,
            &at.call(Request::post(path, Json::Object(body))).await?,
            self.field.as_deref(),
        )
    }
}

impl Revoke {
    async fn run(self, at: &Session) -> Result<(), Failure> {
        if !self.own && self.which.token.is_none() && self.which.accessor.is_none() {
            return Err(Failure::local(
                "which token? Give it, its --accessor, or --self for the one in use",
            ));
        }
        let (path, body) = self.which.about("revoke")?;
        at.call(Request::post(&path, Json::Object(body))).await?;
        at.out.done("Revoked, with all its children.")
    }
}
