//! State of this node's seal.

use super::call::{Question, ask, flag, number, open, text};
use crate::dispatch::Dispatch;
use holdfast_contract::Operation;
use holdfast_proto::v1::{SealStatusRequest, SealStatusResponse, seal_server};
use std::sync::Arc;
use tonic::{Request, Response, Status};

pub(super) struct Seal(pub(super) Arc<Dispatch>);

#[tonic::async_trait]
impl seal_server::Seal for Seal {
    async fn status(
        &self,
        request: Request<SealStatusRequest>,
    ) -> Result<Response<SealStatusResponse>, Status> {
        let (asker, _) = open(request);
        let (data, _) = ask(
            &self.0,
            &asker,
            Question::new(Operation::Read, "sys/seal-status"),
        )
        .await?
        .data()?;
        let count = |name| u32::try_from(number(&data, name)).unwrap_or(u32::MAX);
        Ok(Response::new(SealStatusResponse {
            initialized: flag(&data, "initialized"),
            sealed: flag(&data, "sealed"),
            threshold: count("t"),
            shares: count("n"),
            progress: count("progress"),
            nonce: text(&data, "nonce"),
            version: text(&data, "version"),
            cluster_name: text(&data, "cluster_name"),
            cluster_id: text(&data, "cluster_id"),
        }))
    }
}
