//! What every gRPC method shares: from metadata and a path to an [`Incoming`], from an answer to a message or a status.

use crate::dispatch::Dispatch;
use crate::http_front::{Remote, request_id};
use crate::{headers, status};
use holdfast_barrier::Freshness;
use holdfast_contract::{Incoming, Operation, Refusal, Reply};
use holdfast_proto::v1::{Consistency, consistency::Want};
use holdfast_types::CanonPath;
use serde_json::{Map, Value as Json};
use tonic::{Extensions, Request, Status};

/// Who asks: the parts of a request that no message holds.
pub(super) struct Asker {
    headers: http::HeaderMap,
    remote_addr: String,
}

/// What is asked.
pub(super) struct Question {
    pub(super) operation: Operation,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) body: Map<String, Json>,
    pub(super) consistency: Option<Consistency>,
}

impl Question {
    pub(super) fn new(operation: Operation, path: impl Into<String>) -> Self {
        Self {
            operation,
            path: path.into(),
            query: Vec::new(),
            body: Map::new(),
            consistency: None,
        }
    }

    pub(super) fn query(mut self, name: &str, value: impl Into<String>) -> Self {
        self.query.push((name.to_owned(), value.into()));
        self
    }
}

/// What came of it: the refusal too, since some of them are answers here.
pub(super) struct Outcome {
    pub(super) result: Result<Reply, Refusal>,
    pub(super) index: u64,
    request_id: String,
}

/// Takes a request apart.
pub(super) fn open<T>(request: Request<T>) -> (Asker, T) {
    let (metadata, extensions, message) = request.into_parts();
    let remote_addr = remote(&extensions);
    (
        Asker {
            headers: metadata.into_headers(),
            remote_addr,
        },
        message,
    )
}

fn remote(extensions: &Extensions) -> String {
    extensions
        .get::<Remote>()
        .map(|remote| remote.0.to_string())
        .unwrap_or_default()
}

/// Asks the pipeline.
pub(super) async fn ask(
    dispatch: &Dispatch,
    asker: &Asker,
    question: Question,
) -> Result<Outcome, Status> {
    let incoming = incoming(asker, question).map_err(|refusal| told(&refusal))?;
    let request_id = incoming.request_id.clone();
    let answer = dispatch.answer(incoming).await;
    Ok(Outcome {
        result: answer.result,
        index: answer.index.unwrap_or(0),
        request_id,
    })
}

impl Outcome {
    /// The answer's data, or the status of the refusal.
    pub(super) fn data(self) -> Result<(Map<String, Json>, u64), Status> {
        let index = self.index;
        match self.result {
            Ok(reply) => Ok((reply.data.unwrap_or_default(), index)),
            Err(refusal) => {
                status::log(&refusal, &self.request_id);
                Err(told(&refusal))
            }
        }
    }
}

fn incoming(asker: &Asker, question: Question) -> Result<Incoming, Refusal> {
    let path = CanonPath::parse(&question.path).map_err(|why| Refusal::Invalid(why.to_string()))?;
    if path.is_directory() && question.operation == Operation::Write {
        return Err(Refusal::field("path", "must not end in '/'"));
    }
    headers::refuse_wrapping(&asker.headers)?;
    Ok(Incoming {
        request_id: request_id(),
        operation: question.operation,
        path,
        namespace: headers::namespace(&asker.headers)?,
        token: headers::token(&asker.headers)?,
        body: question.body,
        query: question.query,
        remote_addr: asker.remote_addr.clone(),
        freshness: match question
            .consistency
            .and_then(|consistency| consistency.want)
        {
            Some(Want::Stale(true)) => Freshness::Stale,
            Some(Want::BoundedMs(age)) => Freshness::BoundedMs(age),
            Some(Want::AtLeastIndex(index)) => Freshness::AtLeast(index),
            Some(Want::Stale(false)) | None => Freshness::Linearizable,
        },
    })
}

/// A refusal as a status: the same table as HTTP's.
pub(super) fn told(refusal: &Refusal) -> Status {
    let text = status::message(refusal).unwrap_or_else(|| "nothing there".to_owned());
    Status::new(status::of(refusal).grpc, text)
}

/// An answer of the product's own that lacks a member is the product's own fault.
pub(super) fn malformed() -> Status {
    Status::internal("internal error")
}

/// Members of an answer by name, empty when absent.
pub(super) fn text(data: &Map<String, Json>, name: &str) -> String {
    data.get(name)
        .and_then(Json::as_str)
        .unwrap_or_default()
        .to_owned()
}

pub(super) fn flag(data: &Map<String, Json>, name: &str) -> bool {
    data.get(name).and_then(Json::as_bool).unwrap_or(false)
}

pub(super) fn number(data: &Map<String, Json>, name: &str) -> u64 {
    data.get(name).and_then(Json::as_u64).unwrap_or(0)
}
