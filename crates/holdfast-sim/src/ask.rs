//! One request to one node, as a client on the network would make it, and what its answer tells.

use crate::node::Door;
use holdfast_barrier::{CommitError, Freshness, TxnError};
use holdfast_check::{Consistency, Outcome, Seen};
use holdfast_consensus::{Host, hosted};
use holdfast_contract::{Incoming, Operation, Refusal, Reply};
use holdfast_request::Answer;
use holdfast_types::CanonPath;
use serde_json::{Map, Value as Json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// How long a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(6);

/// A request.
pub(crate) struct Ask {
    pub(crate) operation: Operation,
    pub(crate) path: String,
    pub(crate) token: Option<String>,
    pub(crate) body: Json,
    pub(crate) freshness: Freshness,
    pub(crate) query: Vec<(String, String)>,
}

impl Ask {
    pub(crate) fn new(operation: Operation, path: impl Into<String>, token: Option<&str>) -> Self {
        Self {
            operation,
            path: path.into(),
            token: token.map(str::to_owned),
            body: Json::Object(Map::new()),
            freshness: Freshness::Linearizable,
            query: Vec::new(),
        }
    }

    pub(crate) fn version(mut self, version: u64) -> Self {
        self.query.push(("version".to_owned(), version.to_string()));
        self
    }

    pub(crate) fn body(mut self, body: Json) -> Self {
        self.body = body;
        self
    }

    pub(crate) fn fresh(mut self, consistency: Consistency) -> Self {
        self.freshness = match consistency {
            Consistency::Linearizable => Freshness::Linearizable,
            Consistency::AtLeast { index } => Freshness::AtLeast(index),
            Consistency::Bounded { millis } => Freshness::BoundedMs(millis),
            Consistency::Stale => Freshness::Stale,
        };
        self
    }
}

/// How the API says that a conditional write came too late.
const CAS_MISMATCH: &str = "check-and-set parameter did not match";

/// Sends it and waits; `None` when no answer came: the node died, or took too long.
pub(crate) async fn ask(door: &Door, ask: Ask) -> Option<Answer> {
    let Json::Object(body) = ask.body else {
        return None;
    };
    let incoming = Incoming {
        request_id: "simulated".to_owned(),
        operation: ask.operation,
        path: CanonPath::parse(&ask.path).ok()?,
        namespace: String::new(),
        token: ask.token,
        body,
        query: ask.query,
        remote_addr: "127.0.0.1:1".to_owned(),
        freshness: ask.freshness,
    };
    let (done, answer) = oneshot::channel();
    let core = Arc::clone(&door.core);
    let host: Arc<dyn Host> = door.life.clone();
    let task = tokio::spawn(hosted(Arc::clone(&host), async move {
        // Whoever asked may have stopped waiting.
        let _ = done.send(core.handle(incoming).await);
    }));
    host.adopt(task.abort_handle());
    tokio::time::timeout(PATIENCE, answer).await.ok()?.ok()
}

/// What a refusal means to whoever keeps the books; `changes` when the request would have changed something.
pub(crate) fn refused(refusal: &Refusal, changes: bool) -> Outcome {
    match refusal {
        Refusal::Invalid(text) if text.contains(CAS_MISMATCH) => Outcome::CasMismatch,
        Refusal::Denied => Outcome::Denied,
        Refusal::Sealed
        | Refusal::Txn(TxnError::Sealed)
        | Refusal::Commit(CommitError::Txn(TxnError::Sealed)) => Outcome::Sealed,
        Refusal::Commit(CommitError::Unknown(_)) if changes => Outcome::Unknown,
        // What is wrong inside says nothing about what was done.
        Refusal::Internal(_) if changes => Outcome::Unknown,
        _ => Outcome::Unavailable,
    }
}

/// Whether an answer says that something is broken inside, or that a request was malformed, which none is: no fault that a run
/// makes explains it.
pub(crate) fn is_broken(refusal: &Refusal) -> bool {
    match refusal {
        Refusal::Invalid(text) => !text.contains(CAS_MISMATCH),
        Refusal::Internal(_)
        | Refusal::Txn(TxnError::Corrupt(_))
        | Refusal::Commit(CommitError::Txn(TxnError::Corrupt(_))) => true,
        _ => false,
    }
}

/// What an answer about a secret shows.
pub(crate) fn seen(
    answer: &Answer,
    reply: Option<&Reply>,
    value: impl Fn(&str) -> Option<u64>,
) -> Seen {
    let mut seen = Seen {
        index: answer.index,
        age_ms: answer.age_ms,
        ..Seen::default()
    };
    let Some(data) = reply.and_then(|reply| reply.data.as_ref()) else {
        return seen;
    };
    let names = data.get("keys").and_then(Json::as_array);
    let names = names.into_iter().flatten().filter_map(Json::as_str);
    seen.keys = names.filter_map(&value).collect();
    let metadata = data.get("metadata").unwrap_or(&Json::Null);
    let version = data.get("version").or_else(|| metadata.get("version"));
    seen.version = version.and_then(Json::as_u64);
    let text = data.get("data").and_then(|data| data.get("value"));
    seen.value = text.and_then(Json::as_str).and_then(value);
    seen
}
