//! HTTP `/v1`: a request becomes an [`Incoming`], the answer a response.

use crate::body::{self, BodyBudget};
use crate::dispatch::Dispatch;
use crate::limits::Limits;
use crate::verb::{self, Asked, What};
use crate::{headers, help, render};
use axum::body::Body;
use bytes::Bytes;
use holdfast_contract::{Incoming, Operation, Refusal};
use http::header::{CONNECTION, CONTENT_LENGTH};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, Version};
use serde_json::{Map, Value as Json};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::time::Instant;

/// Where the client connected from, as an extension of its requests.
#[derive(Clone, Copy)]
pub(crate) struct Remote(pub(crate) SocketAddr);

/// What HTTP requests need.
pub(crate) struct HttpFront {
    pub(crate) dispatch: Arc<Dispatch>,
    pub(crate) limits: Limits,
    pub(crate) bodies: BodyBudget,
}

impl HttpFront {
    /// Answers any request that is not gRPC.
    pub(crate) async fn serve(&self, request: Request<Body>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let method = parts.method.clone();
        let version = parts.version;
        let mut response = match self.answer(parts, body).await {
            Ok(response) => response,
            Err(Unserved { refusal, close }) => {
                let mut response = render::refusal(refusal);
                if close && version < Version::HTTP_2 {
                    response
                        .headers_mut()
                        .insert(CONNECTION, HeaderValue::from_static("close"));
                }
                response
            }
        };
        if method == Method::HEAD {
            let length = HeaderValue::from(response.body().len());
            response.headers_mut().insert(CONTENT_LENGTH, length);
            return response.map(|_| Body::empty());
        }
        response.map(Body::from)
    }

    async fn answer(&self, parts: Parts, body: Body) -> Result<Response<Bytes>, Unserved> {
        let deadline = Instant::now() + self.limits.request_time;
        let Asked { what, path, query } = verb::read(&parts.method, &parts.uri)?;
        let mut incoming = Incoming {
            request_id: request_id(),
            operation: Operation::Read,
            path,
            namespace: headers::namespace(&parts.headers)?,
            token: headers::token(&parts.headers)?,
            body: Map::new(),
            query,
            remote_addr: parts
                .extensions
                .get::<Remote>()
                .map(|remote| remote.0.to_string())
                .unwrap_or_default(),
            freshness: headers::freshness(&parts.headers)?,
        };
        headers::refuse_wrapping(&parts.headers)?;
        let What::Do(operation) = what else {
            return Ok(render::response(
                help::answer(&self.dispatch, incoming).await,
            ));
        };
        incoming.operation = operation;
        if operation == Operation::Patch {
            headers::require_merge_patch(&parts.headers)?;
        }
        if matches!(operation, Operation::Write | Operation::Patch) {
            incoming.body = self.read_object(&parts, body, deadline).await?;
        }
        Ok(render::response(self.dispatch.answer(incoming).await))
    }

    async fn read_object(
        &self,
        parts: &Parts,
        body: Body,
        deadline: Instant,
    ) -> Result<Map<String, Json>, Unserved> {
        let whole = body::read(body, &self.limits, &self.bodies, deadline)
            .await
            .map_err(|refusal| Unserved {
                refusal,
                close: true,
            })?;
        Ok(whole.into_object(&parts.headers)?)
    }
}

/// A refusal at the edge.
struct Unserved {
    refusal: Refusal,
    /// The body was not read whole, so the connection cannot go on.
    close: bool,
}

impl From<Refusal> for Unserved {
    fn from(refusal: Refusal) -> Self {
        Self {
            refusal,
            close: false,
        }
    }
}

/// A random name for a request, in the form of a UUID. Without randomness it is all zeros: the name is for logs only.
pub(crate) fn request_id() -> String {
    let mut bytes = [0; 16];
    if getrandom::fill(&mut bytes).is_err() {
        bytes = [0; 16];
    }
    let number =
        u128::from_be_bytes(bytes) & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{number:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!(
        "{}-{}-{}-{}-{}",
        part(0, 8),
        part(8, 12),
        part(12, 16),
        part(16, 20),
        part(20, 32)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids_are_random_uuids() {
        let (one, two) = (request_id(), request_id());
        assert_ne!(one, two);
        let parts: Vec<usize> = one.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12]);
        assert_eq!(one.as_bytes()[14], b'4');
        assert!(b"89ab".contains(&one.as_bytes()[19]), "{one}");
    }
}
