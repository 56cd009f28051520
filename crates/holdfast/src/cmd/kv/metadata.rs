//! `holdfast kv metadata`: what is known about a secret beside its value.

use super::Place;
use crate::failure::Failure;
use crate::input;
use crate::output::shown;
use crate::session::Session;
use clap::{Args, Subcommand};
use holdfast_client::Request;
use serde_json::{Map, Value as Json};

#[derive(Subcommand)]
pub(crate) enum Metadata {
    /// Versions and settings of a secret.
    Get(Place),
    /// Set settings. Custom metadata is replaced.
    Put(Settings),
    /// Set settings. Custom metadata is merged.
    Patch(Settings),
    /// Remove a secret with all its versions, for good.
    Delete(Place),
}

#[derive(Args)]
pub(crate) struct Settings {
    #[command(flatten)]
    place: Place,
    /// Versions to keep; 0 takes the mount's.
    #[arg(long, value_name = "COUNT")]
    max_versions: Option<u64>,
    /// Whether every write must name the current version.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    cas_required: Option<bool>,
    /// Delete versions this long after they were written, such as 720h.
    #[arg(long, value_name = "DURATION")]
    delete_version_after: Option<String>,
    /// Given by you; may be repeated.
    #[arg(long = "custom-metadata", value_name = "KEY=VALUE")]
    custom: Vec<String>,
    /// Remove this member of the custom metadata (patch only); may be repeated.
    #[arg(long = "remove-custom-metadata", value_name = "KEY")]
    remove: Vec<String>,
}

impl Metadata {
    pub(super) async fn run(self, at: &Session) -> Result<(), Failure> {
        match self {
            Self::Get(place) => get(at, &place).await,
            Self::Put(settings) if !settings.remove.is_empty() => Err(Failure::local(
                "--remove-custom-metadata is for `kv metadata patch`; put replaces all of it",
            )),
            Self::Put(settings) => settings.send(at, Request::post).await,
            Self::Patch(settings) => settings.send(at, Request::patch).await,
            Self::Delete(place) => {
                let located = place.locate(at).await?;
                located.require_versions()?;
                at.call(Request::delete(&located.route("metadata"))).await?;
                at.out.done(&format!(
                    "Removed with all its versions, if it was there: {}",
                    located.route("metadata")
                ))
            }
        }
    }
}

impl Settings {
    fn body(&self) -> Result<Map<String, Json>, Failure> {
        let mut body = Map::new();
        if let Some(count) = self.max_versions {
            body.insert("max_versions".to_owned(), Json::from(count));
        }
        if let Some(required) = self.cas_required {
            body.insert("cas_required".to_owned(), Json::from(required));
        }
        if let Some(after) = &self.delete_version_after {
            body.insert(
                "delete_version_after".to_owned(),
                Json::from(after.as_str()),
            );
        }
        let mut custom = input::text_pairs(&self.custom, "--custom-metadata")?;
        custom.extend(self.remove.iter().map(|key| (key.clone(), Json::Null)));
        if !custom.is_empty() {
            body.insert("custom_metadata".to_owned(), Json::Object(custom));
        }
        Ok(body)
    }

    async fn send(&self, at: &Session, request: fn(&str, Json) -> Request) -> Result<(), Failure> {
        let body = self.body()?;
        let located = self.place.locate(at).await?;
        located.require_versions()?;
        at.call(request(&located.route("metadata"), Json::Object(body)))
            .await?;
        at.out
            .done(&format!("Written: {}", located.route("metadata")))
    }
}

async fn get(at: &Session, place: &Place) -> Result<(), Failure> {
    let located = place.locate(at).await?;
    located.require_versions()?;
    let response = at.call(Request::get(&located.route("metadata"))).await?;
    if at.out.is_json() {
        return at.out.body(response.body.as_ref());
    }
    let mut members = response.data().cloned().unwrap_or_default();
    let versions = members.shift_remove("versions").unwrap_or_default();
    at.out.heading("Metadata")?;
    at.out.pairs(&members)?;
    at.out.line("")?;
    at.out.heading("Versions")?;
    let rows: Vec<Vec<String>> = versions
        .as_object()
        .into_iter()
        .flatten()
        .map(|(number, of)| row(number, of))
        .collect();
    at.out
        .table(&["Version", "Created", "Deleted", "Destroyed"], &rows)
}

fn row(number: &str, of: &Json) -> Vec<String> {
    let text = |name: &str| of.get(name).map(shown).unwrap_or_default();
    vec![
        number.to_owned(),
        text("created_time"),
        text("deletion_time"),
        text("destroyed"),
    ]
}
