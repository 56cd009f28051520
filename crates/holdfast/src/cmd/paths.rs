//! `holdfast read | write | list | delete PATH`: any route, as it is.

use crate::failure::Failure;
use crate::input;
use crate::output::shown;
use crate::session::Session;
use clap::Args;
use holdfast_client::{Request, Response};
use serde_json::{Map, Value as Json};

/// Read any path.
#[derive(Args)]
pub(crate) struct Read {
    /// The path, as in the API, without /v1/.
    path: String,
    /// Query parameters, key=value.
    query: Vec<String>,
    /// Print this member of the data alone, as it is.
    #[arg(long, value_name = "NAME")]
    field: Option<String>,
}

/// Write to any path.
#[derive(Args)]
pub(crate) struct Write {
    /// The path, as in the API, without /v1/.
    path: String,
    /// Members: key=value, key=@file, key=-; or a whole object: @file.json, or - for standard input.
    data: Vec<String>,
    /// Write without data.
    #[arg(long, short = 'f')]
    force: bool,
    /// Print this member of the answer's data alone, as it is.
    #[arg(long, value_name = "NAME")]
    field: Option<String>,
}

/// List the names below any path.
#[derive(Args)]
pub(crate) struct List {
    /// The path, as in the API, without /v1/.
    path: String,
    /// Everything below, not only the next level.
    #[arg(long)]
    recursive: bool,
}

/// Delete any path.
#[derive(Args)]
pub(crate) struct Delete {
    /// The path, as in the API, without /v1/.
    path: String,
    /// Query parameters, key=value.
    query: Vec<String>,
}

impl Read {
    pub(crate) async fn run(self, at: &Session) -> Result<(), Failure> {
        let response = at
            .call(with_query(Request::get(&self.path), &self.query)?)
            .await?;
        answer(at, &response, self.field.as_deref())
    }
}

impl Write {
    pub(crate) async fn run(self, at: &Session) -> Result<(), Failure> {
        if self.data.is_empty() && !self.force {
            return Err(Failure::local(
                "nothing to write: give key=value, @file.json or -, or --force to write without data",
            ));
        }
        let body = input::object(&self.data)?;
        let response = at
            .call(Request::post(&self.path, Json::Object(body)))
            .await?;
        if response.body.is_none() {
            return at.out.done(&format!("Written: {}", self.path));
        }
        answer(at, &response, self.field.as_deref())
    }
}

impl List {
    pub(crate) async fn run(self, at: &Session) -> Result<(), Failure> {
        let request = if self.recursive {
            Request::scan(&self.path)
        } else {
            Request::list(&self.path)
        };
        let response = at.call(request).await?;
        names(at, &response)
    }
}

impl Delete {
    pub(crate) async fn run(self, at: &Session) -> Result<(), Failure> {
        let response = at
            .call(with_query(Request::delete(&self.path), &self.query)?)
            .await?;
        if response.body.is_none() {
            return at
                .out
                .done(&format!("Deleted, if it was there: {}", self.path));
        }
        answer(at, &response, None)
    }
}

fn with_query(request: Request, pairs: &[String]) -> Result<Request, Failure> {
    let pairs = input::text_pairs(pairs, "the query")?;
    Ok(pairs.iter().fold(request, |request, (name, value)| {
        request.query(name, shown(value))
    }))
}

/// Names under a heading, or the server's JSON.
pub(crate) fn names(at: &Session, response: &Response) -> Result<(), Failure> {
    if at.out.is_json() {
        return at.out.body(response.body.as_ref());
    }
    let rows: Vec<Vec<String>> = response.keys().into_iter().map(|key| vec![key]).collect();
    at.out.table(&["Keys"], &rows)
}

/// One member of an object, as it is, for scripts.
pub(crate) fn field(at: &Session, data: &Map<String, Json>, name: &str) -> Result<(), Failure> {
    let value = data
        .get(name)
        .ok_or_else(|| Failure::local(format!("the answer has no field \"{name}\"")))?;
    if at.out.is_json() {
        at.out.json(value)
    } else {
        at.out.line(&shown(value))
    }
}

/// Any answer: data, lease and token, or what is there instead.
pub(crate) fn answer(at: &Session, response: &Response, only: Option<&str>) -> Result<(), Failure> {
    let body = response.body.as_ref();
    let parts = ["data", "auth"].map(|part| {
        body.and_then(|body| body.get(part))
            .and_then(Json::as_object)
    });
    if let Some(name) = only {
        let whole = body.and_then(Json::as_object);
        let found = parts
            .into_iter()
            .chain([whole])
            .flatten()
            .find(|object| object.contains_key(name));
        return field(at, found.unwrap_or(&Map::new()), name);
    }
    if let Some(text) = &response.text {
        return at.out.line(text.trim_end());
    }
    if at.out.is_json() {
        return at.out.body(body);
    }
    let mut members = Map::new();
    if let Some(lease) = body
        .and_then(|body| body.get("lease_id"))
        .filter(|lease| lease.as_str() != Some(""))
    {
        members.insert("lease_id".to_owned(), lease.clone());
    }
    match parts {
        // Answers without an envelope are shown whole.
        [None, None] => members.extend(body.and_then(Json::as_object).cloned().unwrap_or_default()),
        found => members.extend(found.into_iter().flatten().flat_map(Map::clone)),
    }
    at.out.pairs(&members)
}
