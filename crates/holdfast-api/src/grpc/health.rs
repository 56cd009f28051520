//! Whether this node serves.

use super::call::{Question, ask, flag, open, text};
use crate::dispatch::Dispatch;
use holdfast_contract::Operation;
use holdfast_proto::v1::{CheckRequest, CheckResponse, health_server};
use std::sync::Arc;
use tonic::{Request, Response, Status};

pub(super) struct Health(pub(super) Arc<Dispatch>);

#[tonic::async_trait]
impl health_server::Health for Health {
    async fn check(
        &self,
        request: Request<CheckRequest>,
    ) -> Result<Response<CheckResponse>, Status> {
        let (asker, _) = open(request);
        let (data, _) = ask(
            &self.0,
            &asker,
            Question::new(Operation::Read, "sys/health"),
        )
        .await?
        .data()?;
        let (initialized, sealed) = (flag(&data, "initialized"), flag(&data, "sealed"));
        let has_leader = flag(&data, "ha_connection_healthy");
        Ok(Response::new(CheckResponse {
            serving: initialized && !sealed && has_leader,
            initialized,
            sealed,
            standby: flag(&data, "standby"),
            has_leader,
            version: text(&data, "version"),
            cluster_name: text(&data, "cluster_name"),
            cluster_id: text(&data, "cluster_id"),
        }))
    }
}
