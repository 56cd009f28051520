//! KV version 2: get, put, list, delete.

use super::call::{Question, ask, flag, malformed, number, open, text, told};
use crate::body::json_object;
use crate::dispatch::Dispatch;
use holdfast_contract::{Operation, Refusal};
use holdfast_proto::v1::{
    DeleteRequest, DeleteResponse, GetRequest, GetResponse, ListRequest, ListResponse, PutRequest,
    PutResponse, VersionMetadata, kv_v2_server,
};
use serde_json::{Map, Value as Json, json};
use std::sync::Arc;
use tonic::{Request, Response, Status};

pub(super) struct KvV2(pub(super) Arc<Dispatch>);

#[tonic::async_trait]
impl kv_v2_server::KvV2 for KvV2 {
    async fn get(&self, request: Request<GetRequest>) -> Result<Response<GetResponse>, Status> {
        let (asker, wanted) = open(request);
        let mut question = Question::new(Operation::Read, at(&wanted.mount, "data", &wanted.path)?);
        if wanted.version > 0 {
            question = question.query("version", wanted.version.to_string());
        }
        question.consistency = wanted.consistency;
        let mut outcome = ask(&self.0, &asker, question).await?;
        // A deleted version is an answer: its metadata, without the secret.
        if let Err(Refusal::Gone(data)) = &mut outcome.result {
            let data = std::mem::take(data);
            return got(&data, outcome.index).map(Response::new);
        }
        let (data, index) = outcome.data()?;
        got(&data, index).map(Response::new)
    }

    async fn put(&self, request: Request<PutRequest>) -> Result<Response<PutResponse>, Status> {
        let (asker, wanted) = open(request);
        let secret = json_object(wanted.data_json.as_bytes())
            .map_err(|why| told(&in_field("data_json", &why)))?;
        let mut question =
            Question::new(Operation::Write, at(&wanted.mount, "data", &wanted.path)?);
        question
            .body
            .insert("data".to_owned(), Json::Object(secret));
        if let Some(cas) = wanted.cas {
            question
                .body
                .insert("options".to_owned(), json!({ "cas": cas }));
        }
        let (data, index) = ask(&self.0, &asker, question).await?.data()?;
        Ok(Response::new(PutResponse {
            metadata: Some(metadata(&data)),
            index,
        }))
    }

    async fn list(&self, request: Request<ListRequest>) -> Result<Response<ListResponse>, Status> {
        let (asker, wanted) = open(request);
        let mut question = Question::new(
            Operation::List,
            at(&wanted.mount, "metadata", &wanted.path)?,
        );
        if !wanted.after.is_empty() {
            question = question.query("after", wanted.after);
        }
        if wanted.limit > 0 {
            question = question.query("limit", wanted.limit.to_string());
        }
        question.consistency = wanted.consistency;
        let (data, index) = ask(&self.0, &asker, question).await?.data()?;
        let keys = data
            .get("keys")
            .and_then(Json::as_array)
            .ok_or_else(malformed)?;
        let keys = keys
            .iter()
            .filter_map(Json::as_str)
            .map(str::to_owned)
            .collect();
        Ok(Response::new(ListResponse { keys, index }))
    }

    async fn delete(
        &self,
        request: Request<DeleteRequest>,
    ) -> Result<Response<DeleteResponse>, Status> {
        let (asker, wanted) = open(request);
        let question = if wanted.versions.is_empty() {
            Question::new(Operation::Delete, at(&wanted.mount, "data", &wanted.path)?)
        } else {
            let mut question =
                Question::new(Operation::Write, at(&wanted.mount, "delete", &wanted.path)?);
            question
                .body
                .insert("versions".to_owned(), Json::from(wanted.versions));
            question
        };
        let (_, index) = ask(&self.0, &asker, question).await?.data()?;
        Ok(Response::new(DeleteResponse { index }))
    }
}

/// The route of a secret. Mount and path are joined once here and parsed once behind it, so neither can climb out.
fn at(mount: &str, kind: &str, path: &str) -> Result<String, Status> {
    let mount = mount.trim_matches('/');
    if mount.is_empty() {
        return Err(told(&Refusal::field("mount", "is required")));
    }
    if path.is_empty() && kind != "metadata" {
        return Err(told(&Refusal::field("path", "is required")));
    }
    Ok(if path.is_empty() {
        format!("{mount}/{kind}")
    } else {
        format!("{mount}/{kind}/{path}")
    })
}

fn in_field(name: &str, why: &Refusal) -> Refusal {
    Refusal::field(name, &why.to_string())
}

fn got(data: &Map<String, Json>, index: u64) -> Result<GetResponse, Status> {
    let known = data
        .get("metadata")
        .and_then(Json::as_object)
        .ok_or_else(malformed)?;
    let secret = data
        .get("data")
        .filter(|secret| !secret.is_null())
        .map(Json::to_string);
    Ok(GetResponse {
        data_json: secret,
        metadata: Some(metadata(known)),
        index,
    })
}

fn metadata(data: &Map<String, Json>) -> VersionMetadata {
    let custom = data.get("custom_metadata").and_then(Json::as_object);
    VersionMetadata {
        version: number(data, "version"),
        created_time: text(data, "created_time"),
        deletion_time: text(data, "deletion_time"),
        destroyed: flag(data, "destroyed"),
        custom_metadata: custom
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| value.as_str().map(|value| (key.clone(), value.to_owned())))
            .collect(),
    }
}
