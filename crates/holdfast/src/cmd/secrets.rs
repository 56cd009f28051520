//! `holdfast secrets`: mounts of secrets engines.

use super::paths::answer;
use crate::failure::Failure;
use crate::input;
use crate::output::shown;
use crate::session::Session;
use clap::{Args, Subcommand};
use holdfast_client::Request;
use serde_json::{Map, Value as Json, json};

#[derive(Subcommand)]
pub(crate) enum Secrets {
    Enable(Enable),
    Disable(Disable),
    /// All mounts.
    List,
    Tune(Tune),
}

/// Mount an engine.
#[derive(Args)]
pub(crate) struct Enable {
    /// Kind of engine, such as kv, kv-v2.
    kind: String,
    /// Where; the kind's name if absent.
    #[arg(long)]
    path: Option<String>,
    /// Version of the engine: `--version 2` is short for `--option version=2`.
    #[arg(long, value_name = "NUMBER")]
    version: Option<u8>,
    #[command(flatten)]
    settings: Settings,
}

/// Remove a mount with everything in it.
#[derive(Args)]
pub(crate) struct Disable {
    /// Where it is mounted.
    path: String,
}

/// Show or change a mount's settings.
#[derive(Args)]
pub(crate) struct Tune {
    /// Where it is mounted.
    path: String,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Args)]
struct Settings {
    /// For people.
    #[arg(long)]
    description: Option<String>,
    /// Lease of what it gives, such as 1h.
    #[arg(long, value_name = "DURATION")]
    default_lease_ttl: Option<String>,
    /// Longest lease of what it gives.
    #[arg(long, value_name = "DURATION")]
    max_lease_ttl: Option<String>,
    /// Option of the engine; may be repeated.
    #[arg(long = "option", alias = "options", value_name = "KEY=VALUE")]
    options: Vec<String>,
}

impl Secrets {
    pub(crate) async fn run(self, at: &Session) -> Result<(), Failure> {
        match self {
            Self::Enable(enable) => enable.run(at).await,
            Self::Disable(Disable { path }) => {
                at.call(Request::delete(&mount(&path))).await?;
                at.out.done(&format!(
                    "Disabled: {}/ and everything in it is gone.",
                    path.trim_matches('/')
                ))
            }
            Self::List => list(at).await,
            Self::Tune(tune) => tune.run(at).await,
        }
    }
}

fn mount(path: &str) -> String {
    format!("sys/mounts/{}", path.trim_matches('/'))
}

impl Enable {
    async fn run(self, at: &Session) -> Result<(), Failure> {
        let path = self.path.unwrap_or_else(|| self.kind.clone());
        let mut options = input::text_pairs(&self.settings.options, "--option")?;
        if let Some(version) = self.version {
            options.insert("version".to_owned(), Json::from(version.to_string()));
        }
        let mut config = Map::new();
        set(
            &mut config,
            "default_lease_ttl",
            self.settings.default_lease_ttl,
        );
        set(&mut config, "max_lease_ttl", self.settings.max_lease_ttl);
        let mut body = Map::new();
        body.insert("type".to_owned(), Json::from(self.kind.as_str()));
        set(&mut body, "description", self.settings.description);
        body.insert("config".to_owned(), Json::Object(config));
        if !options.is_empty() {
            body.insert("options".to_owned(), Json::Object(options));
        }
        at.call(Request::post(&mount(&path), Json::Object(body)))
            .await?;
        at.out.done(&format!(
            "Enabled: {} at {}/",
            self.kind,
            path.trim_matches('/')
        ))
    }
}

impl Tune {
    async fn run(self, at: &Session) -> Result<(), Failure> {
        let path = format!("{}/tune", mount(&self.path));
        let mut body = Map::new();
        set(&mut body, "description", self.settings.description);
        set(
            &mut body,
            "default_lease_ttl",
            self.settings.default_lease_ttl,
        );
        set(&mut body, "max_lease_ttl", self.settings.max_lease_ttl);
        if !self.settings.options.is_empty() {
            body.insert(
                "options".to_owned(),
                json!(input::text_pairs(&self.settings.options, "--option")?),
            );
        }
        if body.is_empty() {
            return answer(at, &at.call(Request::get(&path)).await?, None);
        }
        at.call(Request::post(&path, Json::Object(body))).await?;
        at.out
            .done(&format!("Tuned: {}/", self.path.trim_matches('/')))
    }
}

fn set(body: &mut Map<String, Json>, name: &str, value: Option<String>) {
    if let Some(value) = value {
        body.insert(name.to_owned(), Json::from(value));
    }
}

async fn list(at: &Session) -> Result<(), Failure> {
    let response = at.call(Request::get("sys/mounts")).await?;
    if at.out.is_json() {
        return at.out.body(response.body.as_ref());
    }
    let mut rows: Vec<Vec<String>> = Vec::new();
    for (path, mount) in response.data().into_iter().flatten() {
        let text = |name: &str| {
            mount
                .get(name)
                .filter(|value| !value.is_null())
                .map(shown)
                .unwrap_or_default()
        };
        let version = mount
            .get("options")
            .and_then(|options| options.get("version"))
            .map(shown)
            .unwrap_or_default();
        rows.push(vec![
            path.clone(),
            text("type"),
            version,
            text("accessor"),
            text("description"),
        ]);
    }
    rows.sort();
    at.out.table(
        &["Path", "Type", "Version", "Accessor", "Description"],
        &rows,
    )
}
