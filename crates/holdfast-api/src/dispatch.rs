//! From the edge into the pipeline: a bounded number at once, each to its end even if the client leaves or the handler panics.

use crate::limits::Limits;
use futures::future::BoxFuture;
use holdfast_barrier::CommitError;
use holdfast_contract::{Incoming, Refusal};
use holdfast_request::{Answer, Core};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// What answers requests: the node's core, or a stand-in for tests.
pub trait Pipeline: Send + Sync + 'static {
    /// Answers one request.
    fn handle(&self, incoming: Incoming) -> BoxFuture<'_, Answer>;
}

impl Pipeline for Core {
    fn handle(&self, incoming: Incoming) -> BoxFuture<'_, Answer> {
        Box::pin(self.handle(incoming))
    }
}

/// Paths that say how a node is, or open it. They have room of their own.
const RESERVED: [&str; 5] = [
    "sys/health",
    "sys/seal-status",
    "sys/unseal",
    "sys/init",
    "sys/leader",
];

/// The way into the pipeline, shared by all connections and both protocols.
pub(crate) struct Dispatch {
    pipeline: Arc<dyn Pipeline>,
    general: Arc<Semaphore>,
    reserved: Arc<Semaphore>,
    queue_time: Duration,
    request_time: Duration,
}

impl Dispatch {
    pub(crate) fn new(pipeline: Arc<dyn Pipeline>, limits: &Limits) -> Self {
        Self {
            pipeline,
            general: Arc::new(Semaphore::new(limits.requests)),
            reserved: Arc::new(Semaphore::new(limits.reserved_requests)),
            queue_time: limits.queue_time,
            request_time: limits.request_time,
        }
    }

    /// Answers one request, within the time that one may take.
    pub(crate) async fn answer(&self, incoming: Incoming) -> Answer {
        let request_id = incoming.request_id.clone();
        let result = self.run(incoming).await;
        result.unwrap_or_else(|refusal| Answer {
            result: Err(refusal),
            request_id,
            mount_type: String::new(),
            index: None,
            age_ms: None,
        })
    }

    async fn run(&self, incoming: Incoming) -> Result<Answer, Refusal> {
        let reserved = RESERVED.contains(&incoming.path.as_str());
        let gate = Arc::clone(if reserved {
            &self.reserved
        } else {
            &self.general
        });
        let turn = timeout(self.queue_time, gate.acquire_owned()).await;
        let busy = || Refusal::Unavailable("this node has too many requests at once".to_owned());
        let permit = turn.map_err(|_| busy())?.map_err(|_| busy())?;
        let pipeline = Arc::clone(&self.pipeline);
        // A task of its own: a client that leaves cannot stop a change halfway, and a panic stays with its request.
        let task = tokio::spawn(async move {
            let answer = pipeline.handle(incoming).await;
            drop(permit);
            answer
        });
        match timeout(self.request_time, task).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(Refusal::Internal("the request's task ended early")),
            Err(_) => Err(CommitError::Unknown("the request took too long".to_owned()).into()),
        }
    }
}
