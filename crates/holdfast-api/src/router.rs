//! What answers which request: gRPC services by their path, everything else HTTP.

use crate::grpc;
use crate::http_front::HttpFront;
use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use std::sync::Arc;
use tonic::{Code, Status};

/// The router of one listener.
pub(crate) fn build(front: Arc<HttpFront>) -> Router {
    grpc::routes(&front.dispatch)
        .into_axum_router()
        .fallback(move |request: Request| {
            let front = Arc::clone(&front);
            async move { other(&front, request).await }
        })
}

async fn other(front: &HttpFront, request: Request) -> Response {
    let kind = request
        .headers()
        .get(CONTENT_TYPE)
        .map(http::HeaderValue::as_bytes);
    if kind.is_some_and(|kind| kind.starts_with(b"application/grpc")) {
        let status = Status::new(Code::Unimplemented, "no such service or method");
        return status.into_http::<axum::body::Body>().into_response();
    }
    front.serve(request).await
}
