//! `holdfast kv put | patch | delete | undelete | destroy`.

use super::Place;
use super::located::Located;
use crate::failure::Failure;
use crate::input;
use crate::session::Session;
use clap::Args;
use holdfast_client::{Request, Response};
use serde_json::{Map, Value as Json, json};

/// Write a secret, as a new version where the mount keeps versions.
#[derive(Args)]
pub(crate) struct Put {
    #[command(flatten)]
    place: Place,
    /// Members: key=value, key=@file, key=- for standard input; or a whole object: @file.json, or - for standard input.
    #[arg(required = true)]
    data: Vec<String>,
    /// Only if this is the current version; 0: only if there is none.
    #[arg(long, value_name = "VERSION")]
    cas: Option<u64>,
}

/// Change members of a secret and keep the others (version 2).
#[derive(Args)]
pub(crate) struct Patch {
    #[command(flatten)]
    place: Place,
    /// Members to set, as for `put`.
    data: Vec<String>,
    /// Remove this member; may be repeated.
    #[arg(
        long = "remove-data",
        visible_alias = "remove",
        value_name = "KEY",
        value_delimiter = ','
    )]
    remove: Vec<String>,
    /// Only if this is the current version.
    #[arg(long, value_name = "VERSION")]
    cas: Option<u64>,
}

/// Delete the latest version, or those given. Deleted versions can be brought back.
#[derive(Args)]
pub(crate) struct Delete {
    #[command(flatten)]
    place: Place,
    /// Versions, with commas.
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',')]
    versions: Vec<u64>,
}

/// Bring deleted versions back.
#[derive(Args)]
pub(crate) struct Undelete {
    #[command(flatten)]
    place: Place,
    /// Versions, with commas.
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',', required = true)]
    versions: Vec<u64>,
}

/// Destroy versions for good.
#[derive(Args)]
pub(crate) struct Destroy {
    #[command(flatten)]
    place: Place,
    /// Versions, with commas.
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',', required = true)]
    versions: Vec<u64>,
}

impl Put {
    pub(super) async fn run(self, at: &Session) -> Result<(), Failure> {
        let data = input::object(&self.data)?;
        let located = self.place.locate(at).await?;
        if self.cas.is_some() {
            located.require_versions()?;
        }
        let body = if located.is_versioned() {
            versioned(data, self.cas)
        } else {
            Json::Object(data)
        };
        let response = at.call(Request::post(&located.route("data"), body)).await?;
        written(at, &located, &response)
    }
}

impl Patch {
    pub(super) async fn run(self, at: &Session) -> Result<(), Failure> {
        let mut data = input::object(&self.data)?;
        data.extend(self.remove.into_iter().map(|key| (key, Json::Null)));
        if data.is_empty() {
            return Err(Failure::local(
                "nothing to change: give key=value or --remove-data KEY",
            ));
        }
        let located = self.place.locate(at).await?;
        located.require_versions()?;
        let response = at
            .call(Request::patch(
                &located.route("data"),
                versioned(data, self.cas),
            ))
            .await?;
        written(at, &located, &response)
    }
}

fn versioned(data: Map<String, Json>, cas: Option<u64>) -> Json {
    match cas {
        Some(cas) => json!({ "data": data, "options": { "cas": cas } }),
        None => json!({ "data": data }),
    }
}

fn written(at: &Session, located: &Located, response: &Response) -> Result<(), Failure> {
    if at.out.is_json() {
        return at.out.body(response.body.as_ref());
    }
    match response.data() {
        None => at.out.line(&format!("Written: {}", located.route("data"))),
        Some(metadata) => {
            at.out.heading("Secret path")?;
            at.out.line(&format!("{}\n", located.route("data")))?;
            at.out.heading("Metadata")?;
            at.out.pairs(metadata)
        }
    }
}

impl Delete {
    pub(super) async fn run(self, at: &Session) -> Result<(), Failure> {
        if !self.versions.is_empty() {
            return on_versions(at, &self.place, "delete", &self.versions, "Deleted").await;
        }
        let located = self.place.locate(at).await?;
        at.call(Request::delete(&located.route("data"))).await?;
        at.out.done(&format!(
            "Deleted, if it was there: {}",
            located.route("data")
        ))
    }
}

impl Undelete {
    pub(super) async fn run(self, at: &Session) -> Result<(), Failure> {
        on_versions(at, &self.place, "undelete", &self.versions, "Brought back").await
    }
}

impl Destroy {
    pub(super) async fn run(self, at: &Session) -> Result<(), Failure> {
        on_versions(at, &self.place, "destroy", &self.versions, "Destroyed").await
    }
}

async fn on_versions(
    at: &Session,
    place: &Place,
    kind: &str,
    versions: &[u64],
    done: &str,
) -> Result<(), Failure> {
    let located = place.locate(at).await?;
    located.require_versions()?;
    at.call(Request::post(
        &located.route(kind),
        json!({ "versions": versions }),
    ))
    .await?;
    at.out.done(&format!(
        "{done}, where they were: versions {versions:?} of {}",
        located.route("data")
    ))
}
