//! `holdfast kv get | list`.

use super::Place;
use crate::cmd::paths::{self, names};
use crate::failure::Failure;
use crate::session::Session;
use clap::Args;
use holdfast_client::Request;
use serde_json::{Map, Value as Json};

/// Read a secret.
#[derive(Args)]
pub(crate) struct Get {
    #[command(flatten)]
    place: Place,
    /// This version instead of the latest.
    #[arg(long, value_name = "NUMBER")]
    version: Option<u64>,
    /// Print this member alone, as it is.
    #[arg(long, value_name = "NAME")]
    field: Option<String>,
}

/// List the names below a path.
#[derive(Args)]
pub(crate) struct List {
    #[command(flatten)]
    place: Place,
    /// Everything below, not only the next level.
    #[arg(long)]
    recursive: bool,
}

impl Get {
    pub(super) async fn run(self, at: &Session) -> Result<(), Failure> {
        let located = self.place.locate(at).await?;
        let mut request = Request::get(&located.route("data"));
        if let Some(version) = self.version {
            located.require_versions()?;
            request = request.query("version", version.to_string());
        }
        let response = at
            .call(request)
            .await
            .map_err(|failure| deleted(failure, located.is_versioned()))?;
        let data = response.data().cloned().unwrap_or_default();
        let member = |name: &str| {
            data.get(name)
                .and_then(Json::as_object)
                .cloned()
                .unwrap_or_default()
        };
        let secret = if located.is_versioned() {
            member("data")
        } else {
            data.clone()
        };
        if let Some(name) = &self.field {
            return paths::field(at, &secret, name);
        }
        if at.out.is_json() {
            return at.out.body(response.body.as_ref());
        }
        if located.is_versioned() {
            at.out.heading("Secret path")?;
            at.out.line(&format!("{}\n", located.route("data")))?;
            at.out.heading("Metadata")?;
            at.out.pairs(&member("metadata"))?;
            at.out.line("")?;
            at.out.heading("Data")?;
        }
        at.out.pairs(&secret)
    }
}

/// A deleted version is told as such, with its number.
fn deleted(mut failure: Failure, versioned: bool) -> Failure {
    let of = |body: &Json| -> Option<Map<String, Json>> {
        body.get("data")?.get("metadata")?.as_object().cloned()
    };
    if versioned && let Some(metadata) = failure.body.as_ref().and_then(of) {
        let version = metadata
            .get("version")
            .map(Json::to_string)
            .unwrap_or_default();
        let destroyed = metadata
            .get("destroyed")
            .and_then(Json::as_bool)
            .unwrap_or(false);
        failure.text = if destroyed {
            format!("version {version} was destroyed")
        } else {
            format!(
                "version {version} was deleted; `holdfast kv undelete --versions {version} PATH` brings it back"
            )
        };
    }
    failure
}

impl List {
    pub(super) async fn run(self, at: &Session) -> Result<(), Failure> {
        let route = self.place.locate(at).await?.route("metadata");
        let request = if self.recursive {
            Request::scan(&route)
        } else {
            Request::list(&route)
        };
        names(at, &at.call(request).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deleted_version_is_told_apart_from_an_absent_one() {
        let body = |metadata: Json| {
            Some(serde_json::json!({ "data": { "data": null, "metadata": metadata } }))
        };
        let failure = |body| Failure {
            code: 2,
            text: "the server answered 404".to_owned(),
            body,
        };
        let gone = deleted(
            failure(body(
                serde_json::json!({ "version": 3, "destroyed": false }),
            )),
            true,
        );
        assert!(gone.text.contains("version 3 was deleted"), "{}", gone.text);
        let destroyed = deleted(
            failure(body(serde_json::json!({ "version": 3, "destroyed": true }))),
            true,
        );
        assert!(
            destroyed.text.contains("was destroyed"),
            "{}",
            destroyed.text
        );
        assert_eq!(deleted(failure(None), true).text, "the server answered 404");
    }
}
